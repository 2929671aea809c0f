import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import { makeDeployment, makeSet } from '../../api/testing/make.ts';
import { DESIRED_REPLICAS, MAX_REPLICAS } from './revisions.ts';
import { bounds, isScaling, newSetReplicas, type Resize, rollingStep, scaled } from './rollout.ts';

const rolling = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment =>
  makeDeployment(replicas, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } });

const boundTable: [replicas: number, surge: number | string, unavailable: number | string, want: [number, number]][] = [
  [10, '25%', '25%', [3, 2]],
  [1, '25%', '25%', [1, 0]],
  [4, 0, 0, [0, 1]],
  [4, '0%', '0%', [0, 1]],
  [3, 1, 10, [1, 3]],
  [0, '25%', '25%', [0, 0]],
  [3, '100%', '50%', [3, 1]],
];
for (const [replicas, surge, unavailable, [maxSurge, maxUnavailable]] of boundTable) {
  test(`bounds of ${replicas} with surge ${surge}, unavailable ${unavailable}`, () => {
    assert.deepEqual(bounds(rolling(replicas, surge, unavailable)), { maxSurge, maxUnavailable });
  });
}

test('the new ReplicaSet starts with the room there is', () => {
  assert.equal(newSetReplicas(rolling(10, 3, 2), [makeSet('old', 10)], undefined), 3);
  assert.equal(newSetReplicas(rolling(10, 0, 2), [makeSet('old', 10)], undefined), 0);
  assert.equal(newSetReplicas(makeDeployment(10, { strategy: { type: 'Recreate' } }), [], undefined), 10);
});

const sizes = (resizes: readonly Resize[]): string =>
  resizes.map(({ set, replicas }) => `${set.metadata.name}=${replicas}`).join(' ');

const steps: [name: string, deployment: Deployment, newSet: ReplicaSet, oldSets: ReplicaSet[], want: string][] = [
  ['grows the new set first', rolling(10, 3, 2), makeSet('new', 0), [makeSet('old', 10)], 'new=3'],
  [
    'then shrinks the old by what may be unavailable',
    rolling(10, 3, 2),
    makeSet('new', 3, 0),
    [makeSet('old', 10)],
    'old=8',
  ],
  ['waits when nothing may go', rolling(10, 3, 2), makeSet('new', 5, 0), [makeSet('old', 8)], ''],
  ['goes on as new pods become available', rolling(10, 3, 2), makeSet('new', 5, 5), [makeSet('old', 8)], 'old=3'],
  [
    'takes broken old pods first',
    rolling(10, 0, 2),
    makeSet('new', 2, 0),
    [makeSet('bad', 3, 0, { age: 5 }), makeSet('old', 8)],
    'bad=0',
  ],
  ['shrinks a new set that is too large', rolling(3, 1, 0), makeSet('new', 5), [], 'new=3'],
  ['has nothing to do when done', rolling(3, 1, 0), makeSet('new', 3), [makeSet('old', 0)], ''],
  [
    'oldest first',
    rolling(4, 1, 1),
    makeSet('new', 4, 4),
    [makeSet('b', 1, 1, { age: 1 }), makeSet('a', 1, 1, { age: 9 })],
    'a=0 b=0',
  ],
];
for (const [name, deployment, newSet, oldSets, want] of steps) {
  test(`a rolling update ${name}`, () => assert.equal(sizes(rollingStep(deployment, newSet, oldSets)), want));
}

const noted = (desired: number, max: number) => ({
  annotations: { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(max) },
});

test('a change of size is told by the annotation', () => {
  assert.equal(isScaling(rolling(5, 1, 1), [makeSet('new', 3, 3, noted(3, 4))]), true);
  assert.equal(isScaling(rolling(3, 1, 1), [makeSet('new', 3, 3, noted(3, 4))]), false);
  assert.equal(isScaling(rolling(5, 1, 1), [makeSet('old', 0, 0, noted(3, 4))]), false, 'an empty set says nothing');
});

const scalings: [
  name: string,
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: ReplicaSet[],
  want: string,
][] = [
  [
    'the only active set takes it all',
    rolling(5, 1, 1),
    makeSet('new', 3, 3, noted(3, 4)),
    [makeSet('old', 0)],
    'new=5',
  ],
  [
    'a middle of a rollout grows in proportion',
    rolling(20, 5, 0),
    makeSet('new', 5, 5, noted(10, 15)),
    [makeSet('old', 10, 10, noted(10, 15))],
    'old=17 new=8',
  ],
  [
    'and shrinks in proportion',
    rolling(5, 0, 1),
    makeSet('new', 5, 0, noted(10, 10)),
    [makeSet('old', 5, 5, noted(10, 10))],
    'new=2 old=3',
  ],
  [
    'to nothing',
    rolling(0, 1, 1),
    makeSet('new', 2, 2, noted(4, 5)),
    [makeSet('old', 3, 3, noted(4, 5))],
    'old=0 new=0',
  ],
  [
    'a whole new set ends the old ones',
    rolling(3, 1, 0),
    makeSet('new', 3, 3, noted(3, 4)),
    [makeSet('old', 1, 1, noted(3, 4))],
    'old=0',
  ],
];
for (const [name, deployment, newSet, oldSets, want] of scalings) {
  test(`scaling: ${name}`, () => assert.equal(sizes(scaled(deployment, newSet, oldSets)), want));
}
