/** {@link Memory} that can be written; owned by one worker. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { Prober } from '../probes/prober.ts';
import { type BackoffEntry, nextBackoff, nextRetryDelay } from './backoff.ts';
import type { Memory, ProbeResults, Retry, Verdict } from './model.ts';

export class PodMemory implements Memory {
  startedAt: number;
  readonly restarts = new Map<string, BackoffEntry>();
  readonly retries = new Map<string, Retry>();
  readonly #prober: Pick<Prober, 'results'>;
  volumesMounted = false;
  cleanedUp = false;
  deletedFromApi = false;
  verdict?: Verdict;
  /** When a volume's token is to be renewed; ms since 1970. */
  renewAt: number | undefined;

  constructor(pod: Pod, prober: Pick<Prober, 'results'>, now: number) {
    this.#prober = prober;
    this.startedAt = now;
    this.takeIn(pod);
  }

  /** What the API knows of the pod from before this process. */
  takeIn({ status }: Pod): void {
    if (status?.startTime) this.startedAt = Date.parse(status.startTime);
    // A pod that has reached its end stays there, whatever the runtime still knows of it.
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed')
      this.verdict = {
        phase: status.phase,
        ...(status.reason ? { reason: status.reason } : {}),
        ...(status.message ? { message: status.message } : {}),
      };
  }

  get probes(): ReadonlyMap<string, ProbeResults> {
    return this.#prober.results;
  }

  restarted(name: string, exitedAt: number, now: number): void {
    this.restarts.set(name, nextBackoff(this.restarts.get(name), exitedAt, now));
  }

  /** Making `key` failed; the next attempt is later each time. */
  failed(key: string, reason: string, message: string, now: number, firstMs = 10_000, maxMs = 300_000): void {
    const delayMs = nextRetryDelay(this.retries.get(key)?.delayMs, firstMs, maxMs);
    this.retries.set(key, { notBefore: now + delayMs, delayMs, reason, message });
  }

  succeeded(key: string): void {
    this.retries.delete(key);
  }

  /** Something outside changed: what waits only for its next attempt is tried now. */
  retryNow(): void {
    for (const [key, retry] of this.retries)
      if (retry.reason !== 'ErrImagePull' && retry.reason !== 'ImagePullBackOff')
        this.retries.set(key, { ...retry, notBefore: 0 });
  }
}
