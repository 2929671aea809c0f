import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock, settle } from '../../lib/testing/manualClock.ts';
import { POD_UID } from '../labels.ts';
import { type CriClient, CriError } from './client.ts';
import type { ContainerEvent } from './types.ts';
import { watchRuntime } from './watch.ts';

/** A runtime with one container of the pod `u`, whose events come when the test says so. */
function runtime(hasEvents = true) {
  const clock = new ManualClock();
  const stop = new AbortController();
  let state = 'CONTAINER_RUNNING';
  let lists = 0;
  /** Wakes the stream. */
  let tell: (what: 'event' | 'end') => void = () => undefined;
  const cri = {
    listPodSandbox: async () => [],
    listContainers: async () => {
      lists++;
      return [{ id: 'c', state, labels: { [POD_UID]: 'u' } }];
    },
    async *events(signal: AbortSignal) {
      if (!hasEvents) throw new CriError('GetContainerEvents', 'UNIMPLEMENTED', 'no');
      signal.addEventListener('abort', () => tell('end'));
      const said = (): Promise<string> =>
        new Promise(resolve => {
          tell = resolve;
        });
      while ((await said()) === 'event') yield { podSandboxStatus: { metadata: { uid: 'u' } } } as ContainerEvent;
    },
  } as unknown as CriClient;
  const told: number[] = [];
  const began = clock.now();
  const onPod = (): void => void told.push(clock.now() - began);
  const running = watchRuntime({ cri, clock, logger: silentLogger, onPod }, stop.signal);
  return {
    clock,
    told,
    lists: () => lists,
    exit: () => {
      state = 'CONTAINER_EXITED';
    },
    say: async (what: 'event' | 'end') => {
      tell(what);
      await settle();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      assert.equal(clock.pending, 0, 'every timer has been cancelled');
    },
  };
}

test('what is there is told at once', async () => {
  await using it = runtime();
  await settle();
  assert.deepEqual(it.told, [0]);
});

test('an event that has gone to a stream whose reader had left is made up for within a second', async () => {
  await using it = runtime();
  await settle();
  await it.clock.advance(5500);
  it.exit();
  await it.clock.advance(1000);
  assert.deepEqual(it.told, [0, 6000]);
});

test('where none has come for a minute, lists are compared every ten seconds', async () => {
  await using it = runtime();
  await settle();
  await it.clock.advance(61_000);
  const before = it.lists();
  await it.clock.advance(300_000);
  assert.equal(it.lists() - before, 30);
  it.exit();
  await it.clock.advance(10_000);
  assert.equal(it.told.length, 2);
});

test('where events come, lists are compared seldom', async () => {
  await using it = runtime();
  await settle();
  await it.clock.advance(5000);
  await it.say('event');
  assert.deepEqual(it.told, [0, 5000]);
  await it.clock.advance(1000);
  const before = it.lists();
  await it.clock.advance(89_000);
  assert.equal(it.lists(), before);
  it.exit();
  await it.clock.advance(1000);
  assert.deepEqual(it.told, [0, 5000, 96_000], 'the safety net');
});

test('another stream has to show anew that events come to it', async () => {
  await using it = runtime();
  await settle();
  await it.say('event');
  await it.clock.advance(10_000);
  await it.say('end');
  await it.clock.advance(1000);
  it.exit();
  await it.clock.advance(1000);
  assert.deepEqual(it.told, [0, 0, 11_500]);
});

test('a runtime without events is looked at every second from the first one on', async () => {
  await using it = runtime(false);
  await settle();
  await it.clock.advance(2500);
  it.exit();
  await it.clock.advance(1000);
  assert.deepEqual(it.told, [0, 3000]);
  const before = it.lists();
  await it.clock.advance(100_000);
  assert.equal(it.lists() - before, 100);
});
