import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../../api/generated/types/core.v1.ts';
import { asking, makeNode, makePod } from '../../api/testing/make.ts';
import { decide } from '../decide.ts';
import { snapshotOf } from '../testing.ts';

const choice = (pod: Pod, nodes: readonly Node[], pods: readonly Pod[] = []): string | undefined =>
  decide(pod, snapshotOf(nodes, pods), () => 0).node;
const asks = (cpu: string, memory: string) => ({ containers: [asking({ cpu, memory })] });
const busy = makePod('busy', { nodeName: 'a', ...asks('2', '2Gi') }, { metadata: { labels: { app: 'db' } } });
const zone = (name: string, value: string): Node => makeNode(name, undefined, { labels: { zone: value } });
const db = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } };
const preferred = (sign: 'podAffinity' | 'podAntiAffinity') => ({
  affinity: { [sign]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: db }] } },
});
const soft = { key: 'slow', effect: 'PreferNoSchedule' as const };

const table: [name: string, pod: Pod, nodes: Node[], pods: Pod[], want: string][] = [
  ['the emptier node', makePod('p', asks('1', '1Gi')), [makeNode('a'), makeNode('b')], [busy], 'b'],
  [
    'the balanced node',
    makePod('p', asks('2', '500Mi')),
    [makeNode('a', { cpu: '4', memory: '4Gi' }), makeNode('b', { cpu: '16', memory: '4Gi' })],
    [],
    'b',
  ],
  [
    'a node without a soft taint',
    makePod('p'),
    [makeNode('a', undefined, { spec: { taints: [soft] } }), makeNode('b')],
    [],
    'b',
  ],
  [
    'unless it is tolerated',
    makePod('p', { tolerations: [{ operator: 'Exists' }], ...asks('1', '1Gi') }),
    [makeNode('a', undefined, { spec: { taints: [soft] } }), makeNode('b')],
    [makePod('x', { nodeName: 'b', ...asks('2', '2Gi') })],
    'a',
  ],
  [
    'the node that preferred affinity names',
    makePod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] } },
          ],
        },
      },
    }),
    [zone('a', 'a'), zone('b', 'b')],
    [],
    'b',
  ],
  ['near to whom it prefers', makePod('p', preferred('podAffinity')), [zone('b', 'b'), zone('a', 'a')], [busy], 'a'],
  ['far from whom it avoids', makePod('p', preferred('podAntiAffinity')), [zone('a', 'a'), zone('b', 'b')], [], 'a'],
  [
    'far from whom it avoids, who is there',
    makePod('p', preferred('podAntiAffinity')),
    [zone('a', 'a'), zone('b', 'b')],
    [makePod('d', { nodeName: 'a' }, { metadata: { labels: { app: 'db' } } })],
    'b',
  ],
  [
    'siblings apart',
    makePod('p', asks('100m', '10Mi'), {
      metadata: {
        labels: { app: 'web' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 's', uid: 's', controller: true }],
      },
    }),
    [makeNode('a'), makeNode('b', { cpu: '3', memory: '3Gi', pods: '10' })],
    [makePod('q', { nodeName: 'a', ...asks('100m', '10Mi') }, { metadata: { labels: { app: 'web' } } })],
    'b',
  ],
];
for (const [name, pod, nodes, pods, want] of table)
  test(`score: ${name}`, () => assert.equal(choice(pod, nodes, pods), want));

test('among equals chance decides', () => {
  const snapshot = snapshotOf([makeNode('a'), makeNode('b'), makeNode('c')]);
  assert.deepEqual(
    [0, 0.5, 0.99].map(value => decide(makePod('p'), snapshot, () => value).node),
    ['a', 'b', 'c'],
  );
});
