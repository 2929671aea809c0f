/** What of a pod may change, and through which door. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../object.ts';
import { findResource } from '../../resources.ts';
import { applyDefaults, prepareForCreate, prepareForUpdate, validateUpdate } from '../strategy.ts';
import { type Changes, changed, throughPart } from '../testing/table.ts';

const info = findResource('', 'v1', 'pods');
assert.ok(info);
const pods = info;

const C = 'spec.containers.0';
const CHANGEABLE =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n';

function pod(changes: Changes = {}): KubeObject {
  const object = changed<KubeObject>(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default', uid: 'u', labels: { app: 'p' } },
      spec: {
        nodeName: 'n1',
        containers: [
          {
            name: 'a',
            image: 'example.test/a:1',
            resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } },
          },
        ],
      },
    },
    changes,
  );
  applyDefaults(pods, object);
  prepareForCreate(pods, object);
  applyDefaults(pods, object);
  return object;
}

function updated(before: Changes, changes: Changes): string[] {
  const old = pod(before);
  const object = changed(old, changes);
  applyDefaults(pods, object);
  prepareForUpdate(pods, object, old);
  return validateUpdate(pods, object, old).map(({ field, message }) => `${field}: ${message}`);
}

describe('a pod', () => {
  const gated = { 'spec.nodeName': undefined, 'spec.schedulingGates': [{ name: 'a/g' }, { name: 'a/h' }] };
  const rows: readonly (readonly [before: Changes, changes: Changes, ...errors: string[]])[] = [
    [{}, { 'metadata.annotations': { a: 'b' } }],
    [{}, { [`${C}.image`]: 'example.test/a:2' }],
    [{}, { 'spec.activeDeadlineSeconds': 10 }],
    [{ 'spec.activeDeadlineSeconds': 10 }, { 'spec.activeDeadlineSeconds': 5 }],
    [
      { 'spec.activeDeadlineSeconds': 5 },
      { 'spec.activeDeadlineSeconds': 10 },
      'spec.activeDeadlineSeconds: Invalid value: 10: must be less than or equal to previous value',
    ],
    [
      { 'spec.activeDeadlineSeconds': 5 },
      { 'spec.activeDeadlineSeconds': undefined },
      'spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value',
    ],
    [{}, { 'spec.tolerations': [{ key: 'a', operator: 'Exists' }] }],
    [
      { 'spec.tolerations': [{ key: 'a', operator: 'Exists' }] },
      { 'spec.tolerations': [] },
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ],
    [gated, { 'spec.schedulingGates': [{ name: 'a/h' }] }],
    [gated, { 'spec.nodeSelector': { disk: 'ssd' } }],
    [
      { ...gated, 'spec.nodeSelector': { disk: 'ssd' } },
      { 'spec.nodeSelector': { disk: 'hdd' } },
      'spec.nodeSelector: Invalid value: {"disk":"hdd"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ],
    [
      gated,
      { 'spec.schedulingGates': [{ name: 'a/g' }, { name: 'a/h' }, { name: 'a/i' }] },
      "spec.schedulingGates[2].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a/i'",
    ],
    [{}, { 'metadata.uid': 'other' }, 'metadata.uid: Invalid value: "other": field is immutable'],
  ];
  for (const [before, changes, ...errors] of rows)
    it(`${errors.length ? 'may not' : 'may'} change from ${JSON.stringify(before)} by ${JSON.stringify(changes)}`, () =>
      assert.deepEqual(updated(before, changes), errors));

  it('says what is not allowed to change, and how it would have', () => {
    const [error = '', ...more] = updated({}, { 'spec.hostname': 'h' });
    assert.deepEqual(more, []);
    assert.ok(error.startsWith(CHANGEABLE), error);
    assert.match(error, /\n@@ -\d+,\d+ \+\d+,\d+ @@\n/);
    assert.match(error, /^\+ {1,2}"hostname": "h",$/m);
  });
});

describe('pods/ephemeralcontainers', () => {
  const through = (before: Changes, changes: Changes) =>
    throughPart('', 'pods', 'ephemeralcontainers', pod(before), changes);
  const debug = {
    name: 'debug',
    image: 'example.test/d:1',
    imagePullPolicy: 'Always',
    terminationMessagePolicy: 'File',
  };

  it('adds one, and changes nothing else', () => {
    const { errors, object } = through({}, { 'spec.ephemeralContainers': [debug], [`${C}.image`]: 'other' });
    assert.deepEqual(errors, []);
    const spec = object.spec as { containers: { image: string }[]; ephemeralContainers: object[] };
    assert.equal(spec.containers[0]?.image, 'example.test/a:1');
    assert.deepEqual(spec.ephemeralContainers, [debug]);
  });

  const rows: readonly (readonly [more: object, ...errors: string[]])[] = [
    [{ targetContainerName: 'a' }],
    [{ targetContainerName: 'x' }, 'spec.ephemeralContainers[0].targetContainerName: Not found: "x"'],
    [{ name: 'a' }, 'spec.ephemeralContainers[0].name: Duplicate value: "a"'],
    [{ image: '' }, 'spec.ephemeralContainers[0].image: Required value'],
    [
      { ports: [{ containerPort: 80, protocol: 'TCP' }] },
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
    ],
    [
      { resources: { limits: { cpu: '1' } } },
      'spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container',
    ],
  ];
  for (const [more, ...errors] of rows)
    it(`${errors.length ? 'refuses' : 'takes'} ${JSON.stringify(more)}`, () =>
      assert.deepEqual(through({}, { 'spec.ephemeralContainers': [{ ...debug, ...more }] }).errors, errors));

  it('keeps those that are there as they are', () => {
    const old = pod();
    (old.spec as { ephemeralContainers?: object[] }).ephemeralContainers = [debug];
    const gone = throughPart('', 'pods', 'ephemeralcontainers', old, { 'spec.ephemeralContainers': [] });
    assert.deepEqual(gone.errors, [
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ]);
    const other = throughPart('', 'pods', 'ephemeralcontainers', old, {
      'spec.ephemeralContainers.0.image': 'example.test/d:2',
    });
    assert.match(other.errors[0] ?? '', /existing ephemeral containers "debug" may not be changed\n@@/);
  });
});

describe('pods/resize', () => {
  const R = `${C}.resources`;
  const rows: readonly (readonly [changes: Changes, ...errors: string[]])[] = [
    [{ [`${R}.requests.cpu`]: '500m' }],
    [{ [`${R}.limits.memory`]: '4Gi', [`${R}.requests.memory`]: '2Gi' }],
    [
      { [`${C}.resizePolicy`]: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] },
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
    [
      { [`${R}.requests.cpu`]: '3' },
      'spec.containers[0].resources.requests: Invalid value: "3": must be less than or equal to cpu limit of 2',
    ],
    [
      { [`${R}.limits.cpu`]: undefined },
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    ],
    [
      { [`${R}.requests`]: { cpu: '2', memory: '2Gi' } },
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
    [
      { 'spec.containers.0.name': 'b' },
      'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
    ],
  ];
  for (const [changes, ...errors] of rows)
    it(`${errors.length ? 'refuses' : 'takes'} ${JSON.stringify(changes)}`, () =>
      assert.deepEqual(throughPart('', 'pods', 'resize', pod(), changes).errors, errors));

  it('changes nothing but resources', () => {
    const { errors, object } = throughPart('', 'pods', 'resize', pod(), {
      [`${C}.image`]: 'other',
      'metadata.labels': { other: 'x' },
      [`${R}.requests.cpu`]: '500m',
    });
    assert.deepEqual(errors, []);
    assert.deepEqual(object.metadata.labels, { app: 'p' });
    const [container] = (object.spec as { containers: { image: string; resources: object }[] }).containers;
    assert.equal(container?.image, 'example.test/a:1');
    assert.deepEqual(container?.resources, {
      requests: { cpu: '500m', memory: '1Gi' },
      limits: { cpu: '2', memory: '2Gi' },
    });
  });
});
