import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodStatus } from '../../api/generated/types/core.v1.ts';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import type { PodDependencies } from './dependencies.ts';
import { pod, T0 } from './testing.ts';
import { PodWorker } from './worker.ts';

/** A worker whose volumes cannot be mounted. */
function withoutVolumes() {
  const clock = new ManualClock(T0);
  const mounts: number[] = [];
  let looks = 0;
  let said: PodStatus | undefined;
  const parts = {
    context: {
      cri: {
        listPodSandbox: async () => {
          looks++;
          return [];
        },
        listContainers: async () => [],
      },
      clock,
      logger: silentLogger,
      dirs: { pods: '/dev/null' },
      hostIps: () => [],
    },
    statuses: {
      current: () => said,
      set: (_: Pod, status: PodStatus) => {
        said = status;
      },
    },
    volumes: { mount: async () => undefined },
    event: () => mounts.push(clock.now() - T0),
  } as unknown as PodDependencies;
  const worker = new PodWorker({ pod: pod(), gone: false }, parts, () => undefined);
  /** It has failed so often, and waits. */
  const failed = (times: number): Promise<void> => until(() => mounts.length === times && worker.step.do === 'wait');
  /** It knows of what has just been said, and has made up its mind. */
  const looked = async (say: () => unknown): Promise<void> => {
    const before = looks;
    await say();
    await until(() => looks > before);
    await new Promise(resolve => setImmediate(resolve));
  };
  return { worker, clock, mounts, said: () => said, failed, looked };
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 30_000; !holds(); await new Promise(resolve => setImmediate(resolve)))
    assert.ok(performance.now() < endMs, String(holds));
}

const changes: readonly (readonly [what: string, tried: boolean, pod: (status: PodStatus | undefined) => Pod])[] = [
  [
    'our own status of the pod, come back',
    false,
    status => ({ ...pod({}, { resourceVersion: '2' }), status: status ?? {} }),
  ],
  ['a finalizer', false, () => pod({}, { resourceVersion: '2', finalizers: ['example.com/wait'] })],
  ['an annotation', true, () => pod({}, { resourceVersion: '2', annotations: { again: 'please' } })],
  ['a label', true, () => pod({}, { resourceVersion: '2', labels: { again: 'please' } })],
  ['another specification', true, () => pod({ activeDeadlineSeconds: 600 }, { resourceVersion: '2' })],
];

for (const [what, tried, changed] of changes)
  test(`what failed is ${tried ? 'tried at once' : 'not tried sooner'} for ${what}`, async () => {
    const { worker, clock, mounts, said, failed, looked } = withoutVolumes();
    worker.poke();
    await failed(1);
    assert.deepEqual(mounts, [0]);
    await clock.advance(100);
    await looked(() => worker.update({ pod: changed(said()), gone: false }));
    if (tried) await failed(2);
    assert.equal(worker.step.do, 'wait');
    assert.deepEqual(mounts, tried ? [0, 100] : [0]);
    await clock.advance(2000);
    await until(() => mounts.length > (tried ? 2 : 1)); // when its time has come
    await worker.close();
  });

test('what failed is tried at once when a ConfigMap or Secret of the pod comes', async () => {
  const { worker, clock, mounts, failed } = withoutVolumes();
  worker.poke();
  await failed(1);
  await clock.advance(100);
  await worker.objectChanged();
  await failed(2);
  assert.deepEqual(mounts, [0, 100]);
  await worker.close();
});
