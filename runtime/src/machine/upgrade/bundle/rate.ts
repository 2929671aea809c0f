/** How fast bytes may come. */
import { setTimeout as sleep } from 'node:timers/promises';

/** So much may come at once after a pause. */
const burstMs = 250;

/**
 * A bucket of tokens, one a byte: `await limit.take(bytes, signal)` after each piece keeps the mean at `bytesPerSecond`.
 * A piece larger than the bucket is let through and waited for afterwards.
 */
export class RateLimit {
  #freeAtMs = 0;

  constructor(readonly bytesPerSecond: number) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`a bandwidth limit is more than 0 bytes/s, not ${bytesPerSecond}`);
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, now - burstMs) + (bytes * 1000) / this.bytesPerSecond;
    const waitMs = this.#freeAtMs - now;
    if (waitMs > 1) await sleep(waitMs, undefined, { signal });
  }
}
