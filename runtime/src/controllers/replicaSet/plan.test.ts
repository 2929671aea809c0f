import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { ago, makePod, makeSet, NOW_MS, readyPod } from '../../api/testing/make.ts';
import { BURST, inDeletionOrder, nextStep, reportOf } from './plan.ts';
import { slowStart } from './slowStart.ts';

const running = (name: string): Pod => readyPod(name, 100);

test('a ReplicaSet makes what is missing, in bursts, and gives up what is too much', () => {
  const two = [running('a'), running('b')];
  assert.deepEqual(nextStep(makeSet('s', 3), two, two, NOW_MS), { do: 'create', count: 1 });
  assert.deepEqual(nextStep(makeSet('s', 2), two, two, NOW_MS), { do: 'nothing' });
  assert.deepEqual(nextStep(makeSet('s', 5000), [], [], NOW_MS), { do: 'create', count: BURST });
  const step = nextStep(makeSet('s', 0), two, two, NOW_MS);
  assert.equal(step.do === 'delete' && step.pods.length, 2);
  const leaving = makeSet('s', 3);
  leaving.metadata.deletionTimestamp = ago(1);
  assert.deepEqual(nextStep(leaving, two, two, NOW_MS), { do: 'nothing' });
});

const costly = running('costly');
costly.metadata.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '10' };
const cheap = running('cheap');
cheap.metadata.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-10' };
const notReady = makePod('not-ready', { nodeName: 'n1' }, { status: { phase: 'Running' } });
const pending = makePod('pending', { nodeName: 'n1' }, { status: { phase: 'Pending' } });
const unassigned = makePod('unassigned', {}, { status: { phase: 'Pending' } });
const crowded = readyPod('crowded', 100, { nodeName: 'n2' });
const crowdedToo = readyPod('crowded-too', 100, { nodeName: 'n2' });
const restarted = running('restarted');
restarted.status = {
  ...restarted.status,
  containerStatuses: [{ name: 'c', ready: true, restartCount: 3, image: '', imageID: '' }],
};

const orders: [name: string, first: Pod, later: Pod, related?: Pod[]][] = [
  ['unassigned before assigned', unassigned, pending],
  ['pending before running', pending, notReady],
  ['not ready before ready', notReady, running('a')],
  ['cheap before costly', cheap, costly],
  ['any cost below the default first', cheap, running('a')],
  ['from a crowded node first', crowded, running('a'), [crowded, crowdedToo, running('a')]],
  ['ready a shorter time first', readyPod('young', 10), readyPod('old', 10_000)],
  ['restarted more often first', restarted, running('zz')],
];
for (const [name, first, later, related] of orders) {
  test(`deletion order: ${name}`, () => {
    for (const pods of [
      [first, later],
      [later, first],
    ]) {
      assert.deepEqual(inDeletionOrder(pods, related ?? pods, NOW_MS), [first, later]);
    }
  });
}

test('the report counts ready, available and labelled pods, and says when that changes by time', () => {
  const set = makeSet('s', 3);
  if (set.spec) set.spec.minReadySeconds = 30;
  const labelled = readyPod('a', 100);
  labelled.metadata.labels = { app: 'web', 'pod-template-hash': 's' };
  const terminating = running('t');
  terminating.metadata.deletionTimestamp = ago(1);
  const { status, changesInMs } = reportOf(
    set,
    [labelled, readyPod('b', 10), notReady, terminating],
    undefined,
    NOW_MS,
    ago(0),
  );
  assert.deepEqual(status, {
    replicas: 3,
    fullyLabeledReplicas: 1,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 1,
    conditions: [],
  });
  assert.equal(changesInMs, 20_000);
});

test('a failure is said once, whatever its text, and taken back', () => {
  const set = makeSet('s', 1);
  const report = (message?: string) =>
    reportOf(set, [], message ? { reason: 'FailedCreate', message } : undefined, NOW_MS, ago(0)).status;
  set.status = report('pods "s-x1" is forbidden');
  assert.equal(set.status.conditions?.[0]?.message, 'pods "s-x1" is forbidden');
  assert.deepEqual(report('pods "s-zz" is forbidden').conditions, set.status.conditions);
  assert.deepEqual(report().conditions, []);
});

test('slow start: 1, 2, 4 … and no more after a failure', async () => {
  let calls = 0;
  assert.deepEqual(await slowStart(10, async () => void calls++), { succeeded: 10, error: undefined });
  assert.equal(calls, 10);
  calls = 0;
  const failing = await slowStart(100, async () => {
    calls += 1;
    if (calls > 3) throw new Error('quota');
  });
  assert.equal(calls, 7, '1, 2 and then a batch of 4 that failed');
  assert.equal(failing.succeeded, 3);
});
