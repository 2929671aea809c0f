import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, makeNode, makePod } from '../api/testing/make.ts';
import { ManualClock } from '../lib/testing/manualClock.ts';
import { decide } from './decide.ts';
import { asksDifferently, liftedByNodeUpdate } from './moves.ts';
import { preempt } from './preempt.ts';
import { SchedulingQueue } from './queue.ts';
import { snapshotOf } from './testing.ts';

function withQueue(): { readonly clock: ManualClock; readonly queue: SchedulingQueue; readonly pops: () => string[] } {
  const clock = new ManualClock();
  const queue = new SchedulingQueue(clock, () => {});
  const pops = (): string[] => {
    const names: string[] = [];
    for (let entry = queue.pop(); entry; entry = queue.pop()) names.push(entry.pod.metadata.name ?? '');
    return names;
  };
  return { clock, queue, pops };
}

test('by priority, then by age', async () => {
  const { clock, queue, pops } = withQueue();
  queue.add(makePod('first'));
  await clock.advance(1);
  queue.add(makePod('urgent', { priority: 10 }));
  queue.add(makePod('second'));
  assert.deepEqual(pops(), ['urgent', 'first', 'second']);
});

test('a refused pod waits for an event its refusal depends on, and then for its back-off', async () => {
  const { clock, queue, pops } = withQueue();
  const park = (): void => {
    const entry = queue.pop();
    assert.ok(entry);
    queue.park(entry, new Set(['NodeResourcesFit']));
  };
  queue.add(makePod('p'));
  park();
  queue.moved(['TaintToleration']);
  await clock.advance(20_000);
  assert.deepEqual(pops(), []);
  queue.moved(['NodeResourcesFit']);
  const entry = queue.pop();
  assert.ok(entry, 'its back-off was over long ago');
  queue.park(entry, new Set(['NodeResourcesFit']));
  queue.moved(undefined);
  await clock.advance(1999);
  assert.deepEqual(pops(), [], 'after the second failure 2 s');
  await clock.advance(1);
  park();
  assert.equal(queue.size, 1);
  queue.delete(makePod('p'));
  assert.equal(queue.size, 0);
  queue.moved(undefined);
  assert.equal(clock.pending, 0, 'no timer without a waiting pod');
});

test('what no event moved is tried again after five minutes; a changed pod at once', async () => {
  const { clock, queue, pops } = withQueue();
  for (const name of ['a', 'b']) {
    queue.add(makePod(name));
    const entry = queue.pop();
    assert.ok(entry);
    queue.park(entry, new Set(['NodeAffinity']));
  }
  queue.add(makePod('b', { nodeSelector: { a: 'b' } }));
  assert.deepEqual(pops(), ['b']);
  await clock.advance(300_000);
  assert.deepEqual(pops(), ['a']);
  queue.close();
  assert.equal(clock.pending, 0);
});

test('which changes of a node or pod matter', () => {
  const node = makeNode('n');
  const changed = makeNode(
    'n',
    { cpu: '8' },
    { labels: { a: 'b' }, spec: { unschedulable: true, taints: [{ key: 'k', effect: 'NoSchedule' }] } },
  );
  assert.deepEqual(liftedByNodeUpdate(node, makeNode('n')), []);
  assert.deepEqual([...liftedByNodeUpdate(changed, node)].sort(), [
    'InterPodAffinity',
    'NodeAffinity',
    'NodeResourcesFit',
    'NodeUnschedulable',
    'PodTopologySpread',
    'TaintToleration',
    'VolumeBinding',
  ]);
  const status = makePod('p', {}, { status: { phase: 'Pending' } });
  assert.equal(asksDifferently(status, makePod('p')), false);
  assert.equal(asksDifferently(makePod('p', { nodeSelector: { a: 'b' } }), makePod('p')), true);
});

const pod = (name: string, priority: number, cpu: string, nodeName?: string) =>
  makePod(name, { priority, containers: [asking({ cpu })], ...(nodeName ? { nodeName } : {}) });
const preemptions: [name: string, incoming: ReturnType<typeof pod>, pods: ReturnType<typeof pod>[], want: string][] = [
  ['the less important goes', pod('p', 10, '4'), [pod('low', 1, '4', 'a'), pod('mid', 5, '4', 'b')], 'a: low'],
  [
    'the fewest go',
    pod('p', 10, '2'),
    [pod('x', 1, '2', 'a'), pod('y', 1, '1', 'a'), pod('w', 1, '1', 'b'), pod('z', 1, '1', 'b'), pod('v', 1, '2', 'b')],
    'a: y',
  ],
  [
    'nobody of equal priority',
    pod('p', 5, '4'),
    [pod('x', 5, '4', 'a'), pod('y', 5, '4', 'b')],
    'preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
  ],
  [
    'not where nothing would help',
    pod('p', 10, '40'),
    [pod('x', 1, '4', 'a')],
    'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  ],
];
for (const [name, incoming, pods, want] of preemptions) {
  test(`preemption: ${name}`, () => {
    const snapshot = snapshotOf([makeNode('a'), makeNode('b')], pods);
    const decision = decide(incoming, snapshot, () => 0);
    assert.ok(decision.node === undefined);
    const result = preempt(incoming, snapshot, decision.failure);
    const got =
      result.node === undefined
        ? result.text
        : `${result.node}: ${result.victims.map(({ metadata }) => metadata.name).join()}`;
    assert.equal(got, want);
  });
}
