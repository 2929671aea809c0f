/**
 * Sends pod statuses to the API.
 *
 * Always true: at most one request a pod is under way; the newest status wins; nothing is sent that the API has already; what
 * others have made of it since (node lifecycle, while we were away) is put right; a pod that is gone, or is another of the same
 * name, or that the API has not told of since this process began, is left alone.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '../../api/generated/types/core.v1.ts';
import { ApiError, isConflict, isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { Pods } from '../../client/resources.ts';
import { type Clock, delay } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { StatusWriter } from './types.ts';

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Entry {
  pod: Pod;
  status: PodStatus;
  /** What the API has of ours, as far as we know. */
  sent: PodStatus | undefined;
  /** The API's answer to what was sent last. */
  answer: Pod | undefined;
  sending: Promise<void> | undefined;
  /** Not to be sent. */
  held: boolean;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

/** Fields this node owns: one that is no longer in a status is removed from the API's. */
const OWNED = [
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const;

export class ApiStatusWriter implements StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  set(pod: Pod, status: PodStatus): void {
    const uid = pod.metadata.uid ?? '';
    const entry = this.#entries.get(uid);
    if (entry && !entry.held) {
      if (entry.pod !== pod && entry.sent && !entry.sending && isUndone(entry.sent, entry.answer, pod))
        entry.sent = undefined;
      entry.pod = pod;
      entry.status = status;
      this.#kick(uid, entry);
      return;
    }
    const sent = pod.status && covers(pod.status, status) ? status : undefined;
    const made: Entry = { pod, status, sent, answer: sent && pod, sending: undefined, held: false };
    this.#entries.set(uid, made);
    this.#kick(uid, made);
  }

  hold(pod: Pod, status: PodStatus): void {
    this.#entries.set(pod.metadata.uid ?? '', {
      pod,
      status,
      sent: undefined,
      answer: undefined,
      sending: undefined,
      held: true,
    });
  }

  current(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.status;
  }

  async flush(uid: string): Promise<void> {
    const entry = this.#entries.get(uid);
    if (!entry || entry.held || isDeepStrictEqual(entry.sent, entry.status)) return;
    await this.#send(entry);
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  close(): void {
    this.#stop.abort();
  }

  #kick(uid: string, entry: Entry): void {
    if (entry.sending || isDeepStrictEqual(entry.sent, entry.status)) return;
    entry.sending = this.#keepSending(uid, entry).finally(() => {
      entry.sending = undefined;
    });
  }

  async #keepSending(uid: string, entry: Entry): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    let waitMs = FIRST_RETRY_MS;
    // The first turn lets the changes of this moment come together.
    await Promise.resolve();
    while (!signal.aborted && this.#entries.get(uid) === entry && !isDeepStrictEqual(entry.sent, entry.status)) {
      try {
        await this.#send(entry);
        waitMs = FIRST_RETRY_MS;
      } catch (error) {
        // A server that cannot be reached is nothing new; one that refuses is.
        const level = error instanceof ApiError ? 'warn' : 'debug';
        logger[level]({ err: error, uid }, 'a pod status is not sent yet');
        await delay(waitMs, signal, clock);
        waitMs = Math.min(waitMs * 2, LAST_RETRY_MS);
      }
    }
  }

  async #send(entry: Entry): Promise<void> {
    const { status, pod } = entry;
    const { namespace, name = '' } = pod.metadata;
    const patch = patchOf(pod, entry.sent, status);
    try {
      const options = { type: 'strategic', subresource: 'status' } as const;
      entry.answer = await this.#options.client.patch(Pods, { namespace, name }, patch, options);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    entry.sent = status;
  }
}

/** Whether the API has moved on from our last word (`answer`) to one that is not ours. Older states, still on their way, are not. */
function isUndone(sent: PodStatus, answer: Pod | undefined, now: Pod): boolean {
  const revision = (pod: Pod): number => Number(pod.metadata.resourceVersion);
  if (!answer?.status || !now.status || !(revision(now) > revision(answer))) return false;
  return !covers(now.status, sent) && !isDeepStrictEqual(now.status, answer.status);
}

/** The strategic merge patch that makes our part of the API's status `status`. */
export function patchOf(pod: Pod, sent: PodStatus | undefined, status: PodStatus): object {
  const old = sent ?? pod.status;
  const removed = OWNED.filter(field => old?.[field] !== undefined && status[field] === undefined);
  // A condition is merged by its type: what it says no more has to be named.
  const conditions = (status.conditions ?? []).map(c => ({ reason: null, message: null, ...c }));
  const changed: Record<string, unknown> = { ...status, conditions };
  for (const field of removed) changed[field] = null;
  // Merged by address otherwise: ones the API has and we do not know of (from before a reboot) would stay.
  for (const field of ['podIPs', 'hostIPs'] as const)
    if (status[field]) changed[field] = [{ $patch: 'replace' }, ...status[field]];
  return { metadata: { uid: pod.metadata.uid }, status: changed };
}

/** Whether `api` says all that `ours` says. */
export function covers(api: PodStatus, ours: PodStatus): boolean {
  const { conditions = [], ...rest } = ours;
  if (OWNED.some(field => api[field] !== undefined && ours[field] === undefined)) return false;
  const sameConditions = conditions.every(c => {
    const found = api.conditions?.find(a => a.type === c.type);
    return found !== undefined && contains(found, { reason: undefined, message: undefined, ...c });
  });
  return sameConditions && contains(api, rest);
}

function contains(api: object, ours: object): boolean {
  const theirs = api as Readonly<Record<string, unknown>>;
  return Object.entries(ours).every(([key, value]) => isDeepStrictEqual(theirs[key], value));
}
