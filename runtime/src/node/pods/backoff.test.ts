import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BackoffEntry, backoffUntil, goDuration, nextBackoff, nextRetryDelay } from './backoff.ts';

test('a container that exits at once restarts after 0, 10, 20, 40, 80, 160, 300, 300 seconds', () => {
  let entry: BackoffEntry | undefined;
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const exitedAt = now;
    const until = backoffUntil(entry, exitedAt, now) ?? now;
    waits.push((until - now) / 1000);
    now = until;
    assert.equal(backoffUntil(entry, exitedAt, now), undefined, 'the wait ends at its time');
    entry = nextBackoff(entry, exitedAt, now);
  }
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
});

test('ten minutes of running forget the back-off', () => {
  const entry = { delayMs: 300_000, lastUpdate: 0 };
  assert.equal(backoffUntil(entry, 600_000, 600_000), 900_000);
  assert.equal(backoffUntil(entry, 600_001, 600_001), undefined);
  assert.deepEqual(nextBackoff(entry, 600_001, 600_001), { delayMs: 10_000, lastUpdate: 600_001 });
});

test('retries double up to a bound', () => {
  const delays: number[] = [];
  let last: number | undefined;
  for (let i = 0; i < 5; i++) {
    last = nextRetryDelay(last, 1000, 10_000);
    delays.push(last);
  }
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 10_000]);
});

test('durations as Go prints them', () => {
  for (const [ms, text] of [
    [10_000, '10s'],
    [40_000, '40s'],
    [80_000, '1m20s'],
    [160_000, '2m40s'],
    [300_000, '5m0s'],
  ] as const)
    assert.equal(goDuration(ms), text);
});

test('a clock that was set back does not hold anything up', () => {
  assert.equal(backoffUntil({ delayMs: 10_000, lastUpdate: 90_000 }, 100_000, 5000), undefined);
});
