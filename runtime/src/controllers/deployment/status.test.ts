import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, DeploymentCondition, ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import { ago, makeDeployment, makeSet, NOW_MS } from '../../api/testing/make.ts';
import {
  annotationsFor,
  beyondHistory,
  newSetOf,
  REVISION,
  REVISION_HISTORY,
  sameTemplate,
  stableText,
  templateHash,
} from './revisions.ts';
import { deadlineInMs, rolloutStatusOf, withPause, withProgress } from './status.ts';

const deployment = makeDeployment(3, { progressDeadlineSeconds: 60 });
const report = (newSet: ReplicaSet | undefined, old: Deployment = deployment, oldSets: ReplicaSet[] = []) =>
  rolloutStatusOf(
    old,
    newSet,
    newSet ? [...oldSets, newSet] : oldSets,
    old.status?.conditions ?? [],
    undefined,
    NOW_MS,
    ago(0),
  );
const told = (conditions: readonly DeploymentCondition[] = []): string[] =>
  conditions.map(({ type, status, reason }) => `${type}=${status}:${reason}`).sort();
const progressing = (reason: string, secondsAgo: number, status = 'True'): DeploymentCondition => ({
  type: 'Progressing',
  status,
  reason,
  message: '',
  lastUpdateTime: ago(secondsAgo),
  lastTransitionTime: ago(secondsAgo),
});
const having = (condition: DeploymentCondition, status: Deployment['status'] = {}): Deployment => ({
  ...deployment,
  status: { ...status, conditions: [condition] },
});

test('complete', () => {
  const status = report(makeSet('new', 3));
  assert.deepEqual(told(status.conditions), [
    'Available=True:MinimumReplicasAvailable',
    'Progressing=True:NewReplicaSetAvailable',
  ]);
  assert.equal(
    status.conditions?.find(({ type }) => type === 'Progressing')?.message,
    'ReplicaSet "new" has successfully progressed.',
  );
  assert.deepEqual(
    [status.replicas, status.updatedReplicas, status.availableReplicas, status.unavailableReplicas],
    [3, 3, 3, 0],
  );
  assert.equal(deadlineInMs(deployment, status, NOW_MS), undefined);
});

test('moving winds the deadline up', () => {
  const status = report(
    makeSet('new', 3, 1),
    having(progressing('ReplicaSetUpdated', 50), { replicas: 3, updatedReplicas: 3 }),
  );
  const condition = status.conditions?.find(({ type }) => type === 'Progressing');
  assert.equal(condition?.lastUpdateTime, ago(0));
  assert.equal(condition?.lastTransitionTime, ago(50));
  assert.equal(deadlineInMs(deployment, status, NOW_MS), 61_000);
});

test('standing still: first nothing, after the deadline a failure', () => {
  const still = { replicas: 3, updatedReplicas: 3, readyReplicas: 1, availableReplicas: 1 };
  const newSet = makeSet('new', 3, 1);
  assert.ok(
    told(report(newSet, having(progressing('ReplicaSetUpdated', 60), still)).conditions).includes(
      'Progressing=True:ReplicaSetUpdated',
    ),
  );
  const late = report(newSet, having(progressing('ReplicaSetUpdated', 61), still));
  assert.ok(told(late.conditions).includes('Progressing=False:ProgressDeadlineExceeded'));
  assert.ok(told(late.conditions).includes('Available=False:MinimumReplicasUnavailable'));
});

test("a ReplicaSet's failure is told, and untold", () => {
  const failing = makeSet('new', 3, 0);
  failing.status = {
    replicas: 0,
    conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }],
  };
  const status = report(failing);
  assert.ok(told(status.conditions).includes('ReplicaFailure=True:FailedCreate'));
  assert.ok(
    !told(report(makeSet('new', 3), { ...deployment, status }).conditions).some(text =>
      text.startsWith('ReplicaFailure'),
    ),
  );
});

test('pausing and resuming stop the clock', () => {
  const paused = withPause(makeDeployment(1, { progressDeadlineSeconds: 60, paused: true }), [], ago(0));
  assert.deepEqual(told(paused), ['Progressing=Unknown:DeploymentPaused']);
  assert.deepEqual(told(withPause(deployment, paused, ago(0))), ['Progressing=Unknown:DeploymentResumed']);
  assert.equal(withPause(deployment, [], ago(0)).length, 0);
});

test('a found ReplicaSet is said only when nothing is said yet', () => {
  const found = { reason: 'FoundNewReplicaSet', set: 'x' } as const;
  assert.deepEqual(told(withProgress(deployment, [], found, ago(0))), ['Progressing=True:FoundNewReplicaSet']);
  const old = [progressing('ReplicaSetUpdated', 5)];
  assert.equal(withProgress(deployment, old, found, ago(0)), old);
});

test('templates are compared as Go would, without the hash', () => {
  const a = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'a', env: [] }] } };
  const b = {
    metadata: { labels: { 'pod-template-hash': 'x', app: 'web' } },
    spec: { containers: [{ image: 'a', name: 'c' }] },
  };
  assert.ok(sameTemplate(a, b));
  assert.ok(!sameTemplate(a, { ...b, spec: { containers: [{ name: 'c', image: 'b' }] } }));
  assert.equal(stableText({ b: [1, { d: null, c: 'x' }], a: undefined }), '{"b":[1,{"c":"x"}]}');
  assert.notEqual(templateHash(a, undefined), templateHash(a, 1));
  assert.match(templateHash(a, undefined), /^[bcdfghjklmnpqrstvwxz2456789]+$/);
  assert.equal(
    newSetOf(makeDeployment(1), [makeSet('b', 1, 1, { age: 1 }), makeSet('a', 1, 1, { age: 2 })])?.metadata.name,
    'a',
  );
});

test('annotations: the revision grows, its history is kept, private ones stay behind', () => {
  const from = makeDeployment(3);
  from.metadata.annotations = { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}', [REVISION]: '1' };
  const set = makeSet('s', 3, 3, { annotations: { [REVISION]: '2', [REVISION_HISTORY]: '1', own: 'y' } });
  const { note, own, ...rest } = annotationsFor(from, set, 5, 3, 4);
  assert.deepEqual([note, own], ['x', 'y']);
  assert.deepEqual(rest, {
    [REVISION]: '5',
    [REVISION_HISTORY]: '1,2',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  });
});

test('history beyond the limit goes, oldest revision first, but nothing that still has pods', () => {
  const limited = makeDeployment(1, { revisionHistoryLimit: 1 });
  const revision = (n: number) => ({ annotations: { [REVISION]: String(n) } });
  const sets = [makeSet('r3', 0, 0, revision(3)), makeSet('r1', 0, 0, revision(1)), makeSet('r2', 1, 1, revision(2))];
  assert.deepEqual(
    beyondHistory(limited, sets).map(({ metadata }) => metadata.name),
    ['r1'],
  );
});
