import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../lib/testing/manualClock.ts';
import { WorkQueue } from './workQueue.ts';

const ignore = (): void => {};

test('a key added many times runs once, and once more when added while it runs', async () => {
  const queue = new WorkQueue();
  const stop = new AbortController();
  const seen: string[] = [];
  let release = ignore;
  const done = queue.run(
    async key => {
      seen.push(key);
      if (seen.length === 1) await new Promise<void>(resolve => (release = resolve));
      return undefined;
    },
    { concurrency: 4, onError: ignore },
    stop.signal,
  );
  for (let i = 0; i < 10; i++) queue.add('a');
  queue.add('b');
  await settle();
  assert.deepEqual(seen, ['a', 'b']);
  release();
  await settle();
  assert.deepEqual(seen, ['a', 'b', 'a'], 'the adds during the run make one more run');
  assert.equal(queue.size, 0);
  stop.abort();
  await done;
});

test('no more workers than asked for', async () => {
  const queue = new WorkQueue();
  const stop = new AbortController();
  const releases: (() => void)[] = [];
  const done = queue.run(
    () => new Promise<undefined>(resolve => releases.push(() => resolve(undefined))),
    { concurrency: 2, onError: ignore },
    stop.signal,
  );
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  assert.equal(releases.length, 2);
  releases[0]?.();
  await settle();
  assert.equal(releases.length, 3);
  for (const release of releases) release();
  stop.abort();
  await done;
});

test('failures back off exponentially, success forgets them', async () => {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, baseDelayMs: 10, maxDelayMs: 30 });
  const stop = new AbortController();
  const at: number[] = [];
  const startMs = clock.now();
  let failing = true;
  const retries: number[] = [];
  const done = queue.run(
    async () => {
      at.push(clock.now() - startMs);
      if (failing) throw new Error('no');
      return undefined;
    },
    { onError: (_error, _key, count) => retries.push(count) },
    stop.signal,
  );
  queue.add('a');
  await settle();
  await clock.advance(100);
  assert.deepEqual(at, [0, 10, 30, 60, 90], 'after 10, 20 and then at most 30 ms');
  assert.deepEqual(retries, [1, 2, 3, 4, 5]);
  failing = false;
  await clock.advance(30);
  assert.equal(clock.pending, 0, 'nothing ticks when nothing is to be done');
  failing = true;
  queue.add('a');
  await settle();
  await clock.advance(10);
  assert.deepEqual(at.slice(5), [120, 130, 140], 'the back-off began anew');
  stop.abort();
  await done;
  assert.equal(clock.pending, 0);
});

test('of several delays the earliest counts; a number asks for another run', async () => {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock });
  const stop = new AbortController();
  let runs = 0;
  const done = queue.run(async () => (++runs === 1 ? 500 : undefined), { onError: ignore }, stop.signal);
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 200);
  await clock.advance(49);
  assert.equal(runs, 0);
  await clock.advance(1);
  assert.equal(runs, 1);
  await clock.advance(499);
  assert.equal(runs, 1);
  await clock.advance(1);
  assert.equal(runs, 2);
  stop.abort();
  await done;
});
