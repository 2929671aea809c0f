/** Tables for the small pure decisions of the controllers that have no test file of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnerReference } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { NodeCondition, Taint, Toleration } from '../api/generated/types/core.v1.ts';
import { ago, makeNode, makePod } from '../api/testing/make.ts';
import { type ApiObject, ConfigMaps } from '../client/resources.ts';
import { patchIsVain, withCondition } from './conditions.ts';
import { Graph, judge, type OwnerState } from './garbage/graph.ts';
import { namespaceConditions } from './namespaces/conditions.ts';
import { freePodCidr } from './nodeIpam.ts';
import { conditionsOfSilent, stayMs, taintsOf } from './nodeLifecycle/health.ts';
import { claim } from './ownership.ts';
import { tooMany } from './podGarbage.ts';

const cidrs: [cluster: string, taken: string[], want: string | undefined][] = [
  ['10.42.0.0/16', [], '10.42.0.0/24'],
  ['10.42.0.0/16', ['10.42.0.0/24', '10.42.2.0/24'], '10.42.1.0/24'],
  ['10.42.8.0/23', ['10.42.8.0/24'], '10.42.9.0/24'],
  ['10.42.8.0/23', ['10.42.8.0/24', '10.42.9.0/24'], undefined],
  ['10.42.9.0/24', [], '10.42.9.0/24'],
];
for (const [cluster, taken, want] of cidrs) {
  test(`a free /24 of ${cluster} without ${taken.join() || 'any taken'}`, () =>
    assert.equal(freePodCidr(cluster, new Set(taken)), want));
}
test('a pod network that cannot be cut into /24s is refused', () => {
  for (const bad of ['fd00::/48', '10.42.0.0/25', '10.300.0.0/16', 'x'])
    assert.throws(() => freePodCidr(bad, new Set()), /must be an IPv4 range/);
});

const owner = (uid: string, blockOwnerDeletion = false): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: uid,
  uid,
  blockOwnerDeletion,
});
const owned = (by: string[], finalizers: string[] = []): ApiObject => ({
  metadata: { uid: 'x', name: 'x', ownerReferences: by.map(uid => owner(uid)), finalizers },
});
const states: Record<string, OwnerState> = { here: 'solid', gone: 'absent', going: 'leaving' };
const verdicts: [name: string, object: ApiObject, hasBlockers: boolean, want: ReturnType<typeof judge>][] = [
  ['nobody owns it', owned([]), false, { do: 'nothing' }],
  ['its owner is there', owned(['here']), false, { do: 'nothing' }],
  ['its owner is gone', owned(['gone']), false, { do: 'delete', propagationPolicy: 'Background' }],
  ['one of two is gone', owned(['gone', 'here']), false, { do: 'disown', uids: new Set(['gone']) }],
  ['its owner waits for it', owned(['going']), false, { do: 'delete', propagationPolicy: 'Background' }],
  ['its owner waits and it has dependents', owned(['going']), true, { do: 'delete', propagationPolicy: 'Foreground' }],
  ['it was to orphan its own', owned(['gone'], ['orphan']), false, { do: 'delete', propagationPolicy: 'Orphan' }],
  [
    'it was to wait for its own',
    owned(['gone'], ['foregroundDeletion']),
    false,
    { do: 'delete', propagationPolicy: 'Foreground' },
  ],
];
for (const [name, object, hasBlockers, want] of verdicts) {
  test(`garbage: ${name}`, () =>
    assert.deepEqual(
      judge(object, ({ uid }) => states[uid] ?? 'solid', hasBlockers),
      want,
    ));
}

test('the graph knows dependents before and after their owner', () => {
  const graph = new Graph();
  graph.put(ConfigMaps, { metadata: { uid: 'child', ownerReferences: [owner('parent', true)] } });
  assert.equal(graph.dependentsOf('parent').length, 1);
  assert.equal(graph.blockersOf('parent').length, 1);
  graph.put(ConfigMaps, { metadata: { uid: 'child', ownerReferences: [owner('parent')] } });
  assert.equal(graph.blockersOf('parent').length, 0);
  graph.put(ConfigMaps, { metadata: { uid: 'child', ownerReferences: [] } });
  assert.equal(graph.dependentsOf('parent').length, 0);
});

const condition = (type: string, status: string): NodeCondition => ({ type, status });
const withConditions = (conditions: NodeCondition[], taints: Taint[] = [], unschedulable = false) =>
  makeNode('n', {}, { spec: { taints, unschedulable }, status: { conditions } });
const texts = (taints: Taint[] | undefined): string[] | undefined =>
  taints?.map(({ key, effect }) => `${key}:${effect}`);
const user: Taint = { key: 'mine', effect: 'NoSchedule' };
const notReady: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const taintTable: [name: string, node: ReturnType<typeof makeNode>, evicting: boolean, want: string[] | undefined][] = [
  ['a ready node has none', withConditions([condition('Ready', 'True')]), true, undefined],
  [
    'a ready node loses ours and keeps others',
    withConditions([condition('Ready', 'True')], [user, notReady]),
    true,
    ['mine:NoSchedule'],
  ],
  ['a new node is not ready', withConditions([]), true, ['node.kubernetes.io/not-ready:NoSchedule']],
  [
    'a node that is not ready evicts',
    withConditions([condition('Ready', 'False')]),
    true,
    ['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute'],
  ],
  [
    'but not when all are down',
    withConditions([condition('Ready', 'Unknown')]),
    false,
    ['node.kubernetes.io/unreachable:NoSchedule'],
  ],
  [
    'pressure and cordon',
    withConditions([condition('Ready', 'True'), condition('DiskPressure', 'True')], [], true),
    true,
    ['node.kubernetes.io/disk-pressure:NoSchedule', 'node.kubernetes.io/unschedulable:NoSchedule'],
  ],
];
for (const [name, node, evicting, want] of taintTable)
  test(`taints: ${name}`, () => assert.deepEqual(texts(taintsOf(node, evicting, ago(0))), want));

test('a silent node is unknown in all it said', () => {
  const conditions = conditionsOfSilent(
    withConditions([condition('Ready', 'True'), condition('DiskPressure', 'Unknown')]),
    ago(0),
  );
  assert.deepEqual(
    conditions?.map(({ type, reason }) => `${type}:${reason}`),
    ['Ready:NodeStatusUnknown', 'MemoryPressure:NodeStatusNeverUpdated', 'PIDPressure:NodeStatusNeverUpdated'],
  );
  assert.equal(
    conditionsOfSilent(withConditions((conditions ?? []).concat(condition('DiskPressure', 'Unknown'))), ago(0)),
    undefined,
  );
});

const evict: Taint = { key: 'down', effect: 'NoExecute' };
const stays: [name: string, tolerations: Toleration[], taints: Taint[], want: number | undefined][] = [
  ['no NoExecute taint', [], [user], undefined],
  ['not tolerated', [], [evict], 0],
  ['tolerated for ever', [{ key: 'down', operator: 'Exists' }], [evict], undefined],
  ['tolerated for a time', [{ key: 'down', operator: 'Exists', tolerationSeconds: 300 }], [evict], 300_000],
  [
    'the shortest counts',
    [
      { operator: 'Exists', tolerationSeconds: 5 },
      { key: 'down', tolerationSeconds: 300 },
    ],
    [evict],
    5000,
  ],
  ['a negative time is none', [{ operator: 'Exists', tolerationSeconds: -1 }], [evict], 0],
  [
    'one of two not tolerated',
    [{ key: 'down', operator: 'Exists' }],
    [evict, { key: 'other', effect: 'NoExecute' }],
    0,
  ],
];
for (const [name, tolerations, taints, want] of stays) {
  test(`eviction: ${name}`, () => assert.equal(stayMs(makePod('p', { tolerations }), taints), want));
}

test('of too many ended pods the oldest go', () => {
  const pods = [3, 1, 2].map(age => makePod(`p${age}`, {}, { metadata: { creationTimestamp: ago(age) } }));
  assert.deepEqual(
    tooMany(pods, 1).map(({ metadata }) => metadata.name),
    ['p3', 'p2'],
  );
  assert.deepEqual(tooMany(pods, 3), []);
});

test('claims: own, adopt, release, leave alone', () => {
  const set: ApiObject = { metadata: { uid: 'me', namespace: 'default', name: 'set' } };
  const mine = (name: string, uid: string | undefined, app: string) =>
    makePod(
      name,
      {},
      { metadata: { labels: { app }, ...(uid ? { ownerReferences: [{ ...owner(uid), controller: true }] } : {}) } },
    );
  const pods = [
    mine('kept', 'me', 'web'),
    mine('released', 'me', 'db'),
    mine('adopted', undefined, 'web'),
    mine('stranger', undefined, 'db'),
    mine('theirs', 'you', 'web'),
  ];
  const names = (found: readonly ApiObject[]) => found.map(({ metadata }) => metadata.name);
  const { keep, adopt, release } = claim(set, pods, labels => labels?.app === 'web');
  assert.deepEqual([names(keep), names(adopt), names(release)], [['kept'], ['adopted'], ['released']]);
  set.metadata.deletionTimestamp = ago(0);
  const leaving = claim(set, pods, labels => labels?.app === 'web');
  assert.deepEqual([names(leaving.keep), names(leaving.adopt), names(leaving.release)], [['kept'], [], []]);
});

test("a namespace's conditions in upstream's words", () => {
  const conditions = namespaceConditions(
    [],
    { deletionErrors: [], remains: [{ resource: 'pods.', count: 2, finalizers: new Map([['a/b', 1]]) }] },
    ago(0),
  );
  const message = (type: string) => conditions.find(each => each.type === type)?.message;
  assert.equal(message('NamespaceContentRemaining'), 'Some resources are remaining: pods. has 2 resource instances');
  assert.equal(
    message('NamespaceFinalizersRemaining'),
    'Some content in the namespace has finalizers remaining: a/b in 1 resource instances',
  );
  const again = namespaceConditions(conditions, { deletionErrors: [], remains: [] }, ago(-5));
  assert.equal(again.find(({ type }) => type === 'NamespaceContentRemaining')?.status, 'False');
  assert.equal(
    namespaceConditions(again, { deletionErrors: [], remains: [] }, ago(-9)),
    again,
    'nothing new: the same value',
  );
});

test('conditions keep their transition time while their status stays', () => {
  const old = [{ type: 'A', status: 'True', reason: 'x', message: '', lastTransitionTime: ago(9) }];
  assert.equal(
    withCondition(old, { type: 'A', status: 'True', reason: 'y', message: '', lastTransitionTime: ago(0) })[0]
      ?.lastTransitionTime,
    ago(9),
  );
  assert.equal(
    withCondition(old, { type: 'A', status: 'False', reason: 'y', message: '', lastTransitionTime: ago(0) })[0]
      ?.lastTransitionTime,
    ago(0),
  );
});

const vain: [patch: unknown, object: unknown, want: boolean][] = [
  [{ a: 1 }, { a: 1, b: 2 }, true],
  [{ a: null }, {}, true],
  [{ a: { b: [1] } }, { a: { b: [1], c: 3 } }, true],
  [{ a: undefined }, { a: 5 }, true],
  [{ a: { b: [1] } }, { a: { b: [1, 2] } }, false],
  [{ a: null }, { a: 0 }, false],
  [{ a: {} }, undefined, true],
];
for (const [patch, object, want] of vain) {
  test(`the patch ${JSON.stringify(patch)} of ${JSON.stringify(object)} is ${want ? '' : 'not '}vain`, () =>
    assert.equal(patchIsVain(patch, object), want));
}
