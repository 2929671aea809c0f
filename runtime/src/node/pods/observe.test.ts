import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../../lib/testing/manualClock.ts';
import type { CriClient } from '../cri/client.ts';
import type { ContainerStatus } from '../cri/types.ts';
import { Observer } from './observe.ts';
import { T0 } from './testing.ts';

const SECOND = 1000;

/** One container that was killed `agoMs` before the first look; `reason` may be set at any time. */
function killed(agoMs: number) {
  const clock = new ManualClock(T0);
  const listed = { id: 'c', podSandboxId: 's', metadata: { name: 'c', attempt: 0 }, labels: {} };
  const status = {
    ...listed,
    state: 'CONTAINER_EXITED',
    createdAt: 0,
    startedAt: 0,
    finishedAt: (T0 - agoMs) * 1e6,
    exitCode: 137,
    reason: 'Error',
    message: '',
    image: null,
    imageRef: '',
    imageId: '',
    annotations: {},
    mounts: [],
    user: null,
  } as unknown as ContainerStatus;
  let reads = 0;
  const cri = {
    listPodSandbox: async () => [],
    listContainers: async () => [listed],
    containerStatus: async () => {
      reads++;
      return { ...status };
    },
  } as unknown as CriClient;
  const observer = new Observer(cri, 'u', clock);
  /** The reason that is seen, after `waitMs` at most. */
  const look = async (waitMs = 2 * SECOND, ending = false): Promise<string | undefined> => {
    const observed = observer.observe(ending);
    await settle();
    await clock.advance(waitMs);
    return (await observed).containers[0]?.reason;
  };
  return { clock, observer, status, look, reads: () => reads };
}

test('a reason that comes a moment after the exit is waited for', async () => {
  const { clock, observer, status } = killed(0);
  const observed = observer.observe(false);
  await settle();
  await clock.advance(400);
  status.reason = 'OOMKilled';
  await clock.advance(100);
  assert.equal((await observed).containers[0]?.reason, 'OOMKilled');
  assert.equal(observer.unsettled, false);
});

for (const [what, agoMs] of [
  ['seconds after the exit', 0],
  ['seconds after an exit that was seen late', 3 * SECOND],
] as const)
  test(`a reason that comes ${what} is seen by who looks again`, async () => {
    const { clock, observer, status, look, reads } = killed(agoMs);
    assert.equal(await look(), 'Error');
    assert.equal(observer.unsettled, true);
    await clock.advance(3 * SECOND);
    status.reason = 'OOMKilled';
    assert.equal(await look(0), 'OOMKilled');
    assert.equal(observer.unsettled, false);
    const before = reads();
    assert.equal(await look(0), 'OOMKilled');
    assert.equal(reads(), before, 'it is remembered');
  });

test('one that was killed otherwise is remembered as that when its time is over', async () => {
  const { clock, observer, look, reads } = killed(0);
  assert.equal(await look(), 'Error');
  await clock.advance(20 * SECOND);
  assert.equal(observer.unsettled, false);
  await look(0);
  const before = reads();
  assert.equal(await look(0), 'Error');
  assert.equal(reads(), before);
});

test('an exit of long ago, or of a pod that is deleted, is not waited for', async () => {
  const old = killed(3600 * SECOND);
  assert.equal(await old.look(0), 'Error');
  assert.equal(old.observer.unsettled, false);
  const ending = killed(0);
  assert.equal(await ending.look(0, true), 'Error');
  assert.equal(ending.observer.unsettled, false);
});
