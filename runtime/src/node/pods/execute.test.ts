import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import type { PodDependencies } from './dependencies.ts';
import { execute } from './execute.ts';
import { PodMemory } from './memory.ts';
import { END_RETRY_MS, endKey, MAX_END_RETRY_MS, type Observed, type Step } from './model.ts';
import { next } from './next.ts';
import { instance, pod, probes, sandbox, seen } from './testing.ts';

/** A runtime that shows `observed`, and does not end the sandboxes and containers in `stubborn`. */
function runtime(observed: Observed, ...stubborn: string[]) {
  const clock = new ManualClock(Date.parse('2026-11-21T12:00:00Z'));
  const events: string[] = [];
  const end = async (id: string): Promise<void> => {
    if (stubborn.includes(id)) throw new Error(`${id} is busy`);
  };
  const cri = { stopPodSandbox: end, removePodSandbox: end, removeContainer: end };
  const parts = {
    context: {
      cri,
      clock,
      logger: silentLogger,
      dirs: { pods: '/nowhere', containerLogs: '/nowhere', podLogs: '/nowhere' },
    },
    event: (_: unknown, type: string, reason: string, message: string) => events.push(`${type} ${reason} ${message}`),
  } as unknown as PodDependencies;
  const memory = new PodMemory(pod(), { results: probes('a-0') }, clock.now());
  memory.volumesMounted = true;
  const desired = { pod: pod(), gone: false };
  const execution = { desired, observed, memory, parts, signal: new AbortController().signal };
  return {
    clock,
    memory,
    events,
    stubborn,
    does: (step: Step) => execute(step, execution),
    wants: () => next(desired, observed, memory, clock.now()),
  };
}

test('what the runtime does not remove is remembered, for a minute at most', async () => {
  const dead = sandbox({ ready: false });
  const observed = seen([instance('a', { sandboxId: 's1' })], [sandbox({ id: 's1', attempt: 1 }), dead]);
  const { clock, memory, stubborn, does, wants, events } = runtime(observed, 's0');
  const delays: number[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const step = wants();
    assert.equal(step.do, 'removeSandbox');
    await does(step);
    const waits = wants();
    assert.ok(waits.do === 'wait' && waits.until !== undefined, 'the pod is left in peace meanwhile');
    delays.push(waits.until - clock.now());
    await clock.advance(waits.until - clock.now());
  }
  assert.equal(delays[0], END_RETRY_MS);
  assert.deepEqual(delays.slice(-2), [MAX_END_RETRY_MS, MAX_END_RETRY_MS]);
  assert.deepEqual(events, [], 'it is no business of the pod');
  stubborn.length = 0;
  await does(wants());
  assert.equal(memory.retries.has(endKey('s0')), false);
});

test('a sandbox that does not stop is told of', async () => {
  const { does, wants, events, clock } = runtime(seen([], [sandbox({ ips: [] })]), 's0');
  await does(wants());
  assert.deepEqual(events, [
    'Warning FailedKillPod error killing pod: failed to "KillPodSandbox" for "u" with KillPodSandboxError: "s0 is busy"',
  ]);
  await clock.advance(END_RETRY_MS);
  await does(wants());
  assert.deepEqual(wants(), { do: 'createSandbox', attempt: 1 });
});

test('a record that is not removed keeps its log', async () => {
  const { does, memory } = runtime(seen([instance('a', { state: 'exited' })]), 'a-0');
  await does({ do: 'removeContainer', id: 'a-0' });
  assert.equal(memory.retries.get(endKey('a-0'))?.message, 'a-0 is busy');
});
