import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../../lib/clock.ts';
import { untilFetched, waitMs } from './untilFetched.ts';
import { type Fetched, UrlError } from './url.ts';

/** Time passes only by waiting. */
function clockOf(): Clock & { waited: number[] } {
  let now = 0;
  const waited: number[] = [];
  return {
    waited,
    now: () => now,
    after: (delayMs: number, callback: () => void) => {
      waited.push(delayMs);
      now += delayMs;
      queueMicrotask(callback);
      return () => {};
    },
  } as unknown as Clock & { waited: number[] };
}
const found: Fetched = { source: 'url', location: 'x', documents: {}, problems: [] };
const source = { url: 'http://x/', from: 'test', checksums: {} };

describe('asking a URL until it answers', () => {
  it('asks often at first and seldomer then, a half of the wait by chance', () => {
    assert.deepEqual(
      [0, 1, 2, 10, 100].map(attempt => waitMs(attempt, 'unreachable', 1)),
      [250, 500, 1000, 30_000, 30_000],
    );
    assert.equal(waitMs(0, 'unreachable', 0), 125);
    assert.equal(waitMs(0, 'wrong', 1), 3000);
  });

  it('gives what comes, and tells of what did not', async () => {
    const clock = clockOf();
    const told: string[] = [];
    let left = 3;
    const result = await untilFetched(source, {
      clock,
      signal: new AbortController().signal,
      patienceMs: 60_000,
      random: () => 1,
      onFailure: ({ kind }, attempt) => told.push(`${attempt} ${kind}`),
      fetch: async () => {
        if (left-- > 0) throw new UrlError(left === 0 ? 'wrong' : 'unreachable', 'no');
        return found;
      },
    });
    assert.equal(result, found);
    assert.deepEqual(told, ['0 unreachable', '1 unreachable', '2 wrong']);
    assert.deepEqual(clock.waited, [250, 500, 3000]);
  });

  it('ends when the time is over, and when it is told to', async () => {
    const clock = clockOf();
    const never = async (): Promise<Fetched> => {
      throw new TypeError('a mistake');
    };
    const options = { clock, random: () => 1, onFailure: () => {}, fetch: never, patienceMs: 60_000 };
    assert.equal(await untilFetched(source, { ...options, signal: new AbortController().signal }), undefined);
    assert.ok(clock.now() <= 60_000);
    assert.equal(await untilFetched(source, { ...options, signal: AbortSignal.abort() }), undefined);
  });
});
