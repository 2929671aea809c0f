/**
 * Secrets with tokens that the control plane once made for every account, and that nobody has used for a year, are marked as
 * invalid; a year after that they go (KEP-2799). Those that people made stay.
 */
import type { Pod, Secret, ServiceAccount } from '../api/generated/types/core.v1.ts';
import { referencesOf } from '../api/podReferences.ts';
import { isConflict, isNotFound } from '../client/apiError.ts';
import { ConfigMaps, Pods, Secrets, ServiceAccounts } from '../client/resources.ts';
import { delay } from '../lib/clock.ts';
import type { Controller, ControllerContext } from './context.ts';
import { dayOf, parseDay, TRACKING } from './legacyTokenTracking.ts';

const TYPE = 'kubernetes.io/service-account-token';
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const ACCOUNT = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
const DAY_MS = 24 * 3600 * 1000;
/** Upstream's `--legacy-service-account-token-clean-up-period`. */
export const CLEAN_UP_MS = 365 * DAY_MS;

export type Step = 'keep' | 'invalidate' | 'delete';

export interface Age {
  readonly nowMs: number;
  /** How long a token may be unused. */
  readonly periodMs: number;
}

/** Whether a Secret has not been used for so long that it is worth while to look who refers to it. */
export function isUnused({ type, metadata }: Secret, { nowMs, periodMs }: Age): boolean {
  if (type !== TYPE || metadata.deletionTimestamp !== undefined) return false;
  if (!(Date.parse(metadata.creationTimestamp ?? '') < nowMs - periodMs)) return false;
  const lastUsed = metadata.labels?.[LAST_USED];
  if (lastUsed === undefined) return true;
  return parseDay(lastUsed) !== undefined && lastUsed < dayOf(nowMs - periodMs);
}

/** @param secret unused. @param account of its name; undefined: there is none. @param mounted Secrets that pods refer to. */
export function next(
  { metadata }: Secret,
  account: ServiceAccount | undefined,
  mounted: ReadonlySet<string>,
  { nowMs, periodMs }: Age,
): Step {
  const name = metadata.name ?? '';
  const uid = metadata.annotations?.[ACCOUNT_UID] ?? '';
  const isOf = account !== undefined && (uid === '' || uid === account.metadata.uid);
  // What the account does not name was made by somebody.
  if (!isOf || !account.secrets?.some(secret => secret.name === name) || mounted.has(name)) return 'keep';
  const invalidSince = metadata.labels?.[INVALID_SINCE];
  if (invalidSince === undefined || parseDay(invalidSince) === undefined) return 'invalidate';
  return invalidSince < dayOf(nowMs - periodMs) ? 'delete' : 'keep';
}

export function legacyTokenCleaner(periodMs = CLEAN_UP_MS): Controller {
  return async (context, signal) => {
    while (!signal.aborted) {
      try {
        await clean(context, periodMs, signal);
      } catch (error) {
        if (!signal.aborted)
          context.logger.warn({ err: error }, 'unused tokens could not be looked for; again in a day');
      }
      await delay(DAY_MS, signal, context.clock);
    }
  };
}

/** Nothing is kept in memory for what happens once a day: everything is asked for. */
async function clean(
  { client, clock, logger }: ControllerContext,
  periodMs: number,
  signal: AbortSignal,
): Promise<void> {
  const age: Age = { nowMs: clock.now(), periodMs };
  const sinceMs = await trackedSinceMs(client, signal);
  // The day on which it began is not whole.
  if (sinceMs === undefined || age.nowMs < sinceMs + DAY_MS + periodMs) return;
  const { items } = await client.list(Secrets, { fieldSelector: `type=${TYPE}`, signal });
  const mountedIn = new Map<string, Promise<ReadonlySet<string>>>();
  for (const secret of items.filter(one => isUnused(one, age))) {
    const { namespace = '', name = '', uid, resourceVersion } = secret.metadata;
    const account = await accountOf(client, secret, signal);
    if (!account) continue;
    const mounted = mountedIn.get(namespace) ?? secretsOfPods(client, namespace, signal);
    mountedIn.set(namespace, mounted);
    const step = next(secret, account, await mounted, age);
    if (step === 'keep') continue;
    try {
      if (step === 'invalidate') {
        const labels = { [INVALID_SINCE]: dayOf(age.nowMs) };
        await client.patch(Secrets, { namespace, name }, { metadata: { uid, labels } }, { type: 'merge', signal });
      } else {
        await client.delete(Secrets, { namespace, name }, { preconditions: { uid, resourceVersion } }, { signal });
      }
      logger.info({ secret: `${namespace}/${name}`, step }, 'a token that nobody uses');
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

type Client = ControllerContext['client'];

async function trackedSinceMs(client: Client, signal: AbortSignal): Promise<number | undefined> {
  try {
    return parseDay((await client.get(ConfigMaps, TRACKING, { signal })).data?.since);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function accountOf(
  client: Client,
  { metadata }: Secret,
  signal: AbortSignal,
): Promise<ServiceAccount | undefined> {
  const name = metadata.annotations?.[ACCOUNT] ?? '';
  if (name === '') return undefined;
  try {
    return await client.get(ServiceAccounts, { namespace: metadata.namespace, name }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function secretsOfPods(client: Client, namespace: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const prefix = `secrets/${namespace}/`;
  const { items } = await client.list(Pods, { namespace, signal });
  return new Set(
    items
      .flatMap((pod: Pod) => referencesOf(pod))
      .flatMap(of => (of.startsWith(prefix) ? [of.slice(prefix.length)] : [])),
  );
}
