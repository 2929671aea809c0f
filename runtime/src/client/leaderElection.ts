/**
 * One leader among several processes, by a Lease (https://kubernetes.io/docs/concepts/architecture/leases/#leader-election).
 *
 * Invariant: `lead` runs only while the lease was renewed less than `renewDeadlineMs` ago by our own clock; as that is
 * shorter than `leaseDurationMs`, which others wait by theirs, two processes never lead at once. Others' times are never
 * compared with our clock: only how long *we* saw a lease unchanged counts.
 */
import type { Lease } from '../api/generated/types/coordination.v1.ts';
import { type Clock, delay, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { isNotFound } from './apiError.ts';
import type { Client } from './client.ts';
import { Leases } from './resources.ts';
import { microTime } from './wireTime.ts';

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  readonly namespace: string;
  readonly name: string;
  /** Unlike any other candidate's. */
  readonly identity: string;
  /** Default 15 s. */
  readonly leaseDurationMs?: number | undefined;
  /** Default 10 s. */
  readonly renewDeadlineMs?: number | undefined;
  /** Default 2 s. */
  readonly retryPeriodMs?: number | undefined;
}

/**
 * Stands for election until `signal` aborts; while it leads, `lead` runs, and its signal aborts when the lead is lost.
 * On the way out the lease is given up, so that the next leader need not wait.
 */
export async function runLeaderElection(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { logger, clock = systemClock, renewDeadlineMs = 10_000, retryPeriodMs = 2000 } = options;
  const election = new Election(options);
  while (!signal.aborted) {
    if (!(await attempt(election, logger, signal))) {
      await delay(retryPeriodMs, signal, clock);
      continue;
    }
    logger.info({ lease: options.name, identity: options.identity }, 'leading');
    const term = new AbortController();
    const stop = (): void => term.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const work = lead(term.signal).catch(error => {
      if (!term.signal.aborted) logger.error({ err: error }, 'the work of the leader failed; standing down');
      term.abort();
    });
    let renewedMs = clock.now();
    while (!term.signal.aborted) {
      await delay(retryPeriodMs, term.signal, clock);
      if (term.signal.aborted) break;
      if (await attempt(election, logger, term.signal)) renewedMs = clock.now();
      else if (election.lostTo !== '' || clock.now() - renewedMs > renewDeadlineMs) {
        logger.warn({ lease: options.name, holder: election.lostTo }, 'lost the lead');
        term.abort();
      }
    }
    signal.removeEventListener('abort', stop);
    await work;
    await election.release().catch(error => logger.debug({ err: error }, 'the lease could not be given up'));
  }
}

async function attempt(election: Election, logger: Logger, signal: AbortSignal): Promise<boolean> {
  try {
    return await election.acquireOrRenew(signal);
  } catch (error) {
    if (!signal.aborted) logger.debug({ err: error }, 'the lease could not be had; trying again');
    return false;
  }
}

class Election {
  /** Who holds the lease that we wanted; empty where that is unknown. */
  lostTo = '';
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #durationMs: number;
  #seen = '';
  #seenAtMs = 0;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#durationMs = options.leaseDurationMs ?? 15_000;
  }

  /** @returns whether the lease is ours. @throws ApiError on a lost race. */
  async acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, identity, renewDeadlineMs = 10_000 } = this.#options;
    const request = { signal, timeoutMs: renewDeadlineMs / 2 };
    const lease = await this.#read(request);
    const nowMs = this.#clock.now();
    if (!lease) {
      this.lostTo = '';
      await client.create(Leases, this.#claim(undefined, nowMs), request);
      return true;
    }
    const version = lease.metadata.resourceVersion ?? '';
    if (version !== this.#seen) {
      this.#seen = version;
      this.#seenAtMs = nowMs;
    }
    const holder = lease.spec?.holderIdentity ?? '';
    const waitMs = (lease.spec?.leaseDurationSeconds ?? this.#durationMs / 1000) * 1000;
    if (holder !== '' && holder !== identity && nowMs - this.#seenAtMs < waitMs) {
      this.lostTo = holder;
      return false;
    }
    this.lostTo = '';
    await client.update(Leases, this.#claim(lease, nowMs), request);
    return true;
  }

  async release(): Promise<void> {
    const { client, identity } = this.#options;
    const request = { timeoutMs: 2000 };
    const lease = await this.#read(request);
    if (lease?.spec?.holderIdentity !== identity) return;
    await client.update(
      Leases,
      { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } },
      request,
    );
  }

  async #read(request: { readonly signal?: AbortSignal; readonly timeoutMs: number }): Promise<Lease | undefined> {
    try {
      return await this.#options.client.get(Leases, this.#options, request);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #claim(lease: Lease | undefined, nowMs: number): Lease {
    const { namespace, name, identity } = this.#options;
    const mine = lease?.spec?.holderIdentity === identity;
    const now = microTime(nowMs);
    const transitions = lease?.spec?.leaseTransitions ?? 0;
    return {
      ...lease,
      metadata: lease?.metadata ?? { namespace, name },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#durationMs / 1000),
        acquireTime: mine ? (lease?.spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: mine || !lease ? transitions : transitions + 1,
      },
    };
  }
}
