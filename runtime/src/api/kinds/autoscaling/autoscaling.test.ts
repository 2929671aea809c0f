import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../object.ts';
import { testKind } from '../testing/table.ts';
import { LABEL } from '../testing/texts.ts';
import { fromV2, toV2 } from './versions.ts';

const M = 'spec.metrics[0]';
const NOT_BOTH = 'may not set both a target raw value and a target utilization';
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
const metric = (type: string, field: string, source: object) => ({ 'spec.metrics': [{ type, [field]: source }] });
const resource = (target: object, name = 'cpu') => metric('Resource', 'resource', { name, target });
const container = (more: object) =>
  metric('ContainerResource', 'containerResource', {
    name: 'cpu',
    container: 'a',
    target: { type: 'Utilization', averageUtilization: 5 },
    ...more,
  });
const pods = (target: object, name = 'qps') => metric('Pods', 'pods', { metric: { name }, target });
const external = (target: object) => metric('External', 'external', { metric: { name: 'q' }, target });
const object = (more: object) =>
  metric('Object', 'object', {
    describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' },
    metric: { name: 'hits' },
    target: { type: 'Value', value: '5' },
    ...more,
  });
const up = (rules: object) => ({ 'spec.behavior': { scaleUp: rules } });
const policy = (more: object) => up({ policies: [{ type: 'Pods', value: 1, periodSeconds: 15, ...more }] });
const UP = 'spec.behavior.scaleUp';
const shown = (...cells: unknown[]) => ['Deployment/d', ...cells] as const;

testKind({
  group: 'autoscaling',
  version: 'v2',
  resource: 'horizontalpodautoscalers',
  good: { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
  alsoGood: [
    { 'spec.minReplicas': 3 },
    { 'spec.scaleTargetRef': { apiVersion: 'v1', kind: 'ReplicationController', name: 'r' } },
    { 'spec.scaleTargetRef': { kind: 'ReplicationController', name: 'r' } },
    resource({ type: 'AverageValue', averageValue: '1Gi' }, 'memory'),
    container({}),
    pods({ type: 'AverageValue', averageValue: '10' }),
    external({ type: 'Value', value: '10' }),
    object({}),
    { 'spec.behavior': { scaleDown: { stabilizationWindowSeconds: 3600, selectPolicy: 'Disabled' } } },
    policy({ type: 'Percent', value: 100, periodSeconds: 1800 }),
    up({ tolerance: '50m' }),
  ],
  bad: [
    [
      { 'spec.minReplicas': 0 },
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ],
    [
      { 'spec.maxReplicas': 0 },
      'spec.maxReplicas: Required value: must be set and greater than 0',
      'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
    ],
    [{ 'spec.minReplicas': 4 }, 'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`'],
    [
      { 'spec.scaleTargetRef': {} },
      'spec.scaleTargetRef.kind: Required value',
      'spec.scaleTargetRef.name: Required value',
      'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
    ],
    [{ 'spec.scaleTargetRef.name': 'a/b' }, 'spec.scaleTargetRef.name: Invalid value: "a/b": may not contain \'/\''],
    [
      { 'spec.scaleTargetRef.apiVersion': 'v1' },
      'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
    ],
    [
      { 'spec.scaleTargetRef.apiVersion': 'a/b/c' },
      'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
    ],
    [
      { 'spec.metrics': [{ type: 'Guess' }] },
      `${M}.type: Unsupported value: "Guess": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
      `${M}.type: Unsupported value: "Guess": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
    ],
    [
      { 'spec.metrics': [{ type: 'Pods' }] },
      `${M}.pods: Required value: must populate information for the given metric source`,
    ],
    [
      {
        'spec.metrics': [
          { ...cpu, pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '1' } } },
        ],
      },
      `${M}.pods: Forbidden: must populate the given metric source only`,
    ],
    [
      resource({ type: 'Utilization' }),
      `${M}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
    ],
    [
      resource({ type: 'Utilization', averageUtilization: 5, averageValue: '1' }),
      `${M}.resource.target.averageValue: Forbidden: ${NOT_BOTH}`,
    ],
    [
      resource({ type: 'Utilization', averageUtilization: 0 }),
      `${M}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
    ],
    [
      resource({ type: 'AverageValue', averageValue: '0' }),
      `${M}.resource.target.averageValue: Invalid value: "0": must be positive`,
    ],
    [
      resource({ type: 'Some', averageValue: '1' }),
      `${M}.resource.target.type: Invalid value: "Some": must be either Utilization, Value, or AverageValue`,
    ],
    [
      resource({ type: 'AverageValue', averageValue: '1' }, ''),
      `${M}.resource.name: Required value: must specify a resource name`,
    ],
    [container({ container: '' }), `${M}.containerResource.container: Required value: must specify a container`],
    [container({ container: 'A' }), `${M}.containerResource.container: Invalid value: "A": ${LABEL}`],
    [
      pods({ type: 'AverageValue' }),
      `${M}.pods.target.averageValue: Required value: must specify a positive target averageValue`,
    ],
    [
      pods({ type: 'AverageValue', averageValue: '1' }, ''),
      `${M}.pods.metric.name: Required value: must specify a metric name`,
    ],
    [
      external({ type: 'Value' }),
      `${M}.external.target.averageValue: Required value: must set either a target value for metric or a per-pod target`,
    ],
    [
      external({ type: 'Value', value: '1', averageValue: '1' }),
      `${M}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target`,
    ],
    [
      object({ target: { type: 'Value' } }),
      `${M}.object.target.averageValue: Required value: must set either a target value or averageValue`,
    ],
    [object({ describedObject: { kind: '', name: 's' } }), `${M}.object.describedObject.kind: Required value`],
    [
      up({ stabilizationWindowSeconds: -1 }),
      `${UP}.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero`,
    ],
    [
      up({ stabilizationWindowSeconds: 3601 }),
      `${UP}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600`,
    ],
    [
      up({ selectPolicy: 'Any' }),
      `${UP}.selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min"`,
    ],
    [
      policy({ type: 'Nodes' }),
      `${UP}.policies[0].type: Unsupported value: "Nodes": supported values: "Percent", "Pods"`,
    ],
    [policy({ value: 0 }), `${UP}.policies[0].value: Invalid value: 0: must be greater than zero`],
    [
      policy({ periodSeconds: 1801 }),
      `${UP}.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800`,
    ],
    [up({ tolerance: '-1' }), `${UP}.tolerance: Invalid value: "-1": must be greater than or equal to 0`],
  ],
  defaults: {
    'spec.minReplicas': 1,
    'spec.metrics': [cpu],
    'metadata.generation': undefined,
    status: { desiredReplicas: 0 },
  },
  updates: [
    [{ 'spec.maxReplicas': 5 }],
    [
      { 'spec.scaleTargetRef': { apiVersion: 'v1', kind: 'Deployment', name: 'd' } },
      'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
    ],
  ],
  statusUpdates: [
    [{ 'status.currentReplicas': 2 }],
    [{ 'status.currentReplicas': -1 }, 'status.currentReplicas: Invalid value: -1: must be greater than or equal to 0'],
  ],
  cells: [
    [{}, ...shown('cpu: <unknown>/80%', '1', 3, 0, '10m')],
    [
      {
        'status.currentReplicas': 2,
        'status.currentMetrics': [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 10 } } }],
      },
      ...shown('cpu: 10%/80%', '1', 3, 2, '10m'),
    ],
    [
      resource({ type: 'AverageValue', averageValue: '1Gi' }, 'memory'),
      ...shown('memory: <unknown>/1Gi', '1', 3, 0, '10m'),
    ],
    [container({}), ...shown('cpu: <unknown>/5%', '1', 3, 0, '10m')],
    [pods({ type: 'AverageValue', averageValue: '10' }), ...shown('<unknown>/10', '1', 3, 0, '10m')],
    [external({ type: 'AverageValue', averageValue: '10' }), ...shown('<unknown>/10 (avg)', '1', 3, 0, '10m')],
    [object({}), ...shown('<unknown>/5', '1', 3, 0, '10m')],
    [
      { 'spec.metrics': [cpu, cpu, cpu, cpu] },
      ...shown('cpu: <unknown>/80%, cpu: <unknown>/80% + 2 more...', '1', 3, 0, '10m'),
    ],
  ],
});

testKind({
  group: 'autoscaling',
  version: 'v1',
  resource: 'horizontalpodautoscalers',
  good: {
    spec: {
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 50,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
    },
  },
  bad: [
    [{ 'spec.minReplicas': 4 }, 'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`'],
    [
      { 'spec.targetCPUUtilizationPercentage': 0 },
      `${M}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
    ],
  ],
  defaults: { 'spec.minReplicas': 1 },
  updates: [[{ 'spec.maxReplicas': 5 }]],
  cells: [[{}, ...shown('cpu: <unknown>/50%', '1', 3, 0, '10m')]],
});

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const v2 = (spec: object, status?: object): KubeObject =>
  ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'x' },
    spec: { scaleTargetRef: target, minReplicas: 1, maxReplicas: 3, ...spec },
    ...(status ? { status } : {}),
  }) as KubeObject;

describe('autoscalers of v1', () => {
  const roundTrips: readonly (readonly [what: string, object: KubeObject])[] = [
    ['the use of CPU', v2({ metrics: [cpu] })],
    [
      'every other metric',
      v2({
        metrics: [
          {
            type: 'Pods',
            pods: {
              metric: { name: 'q', selector: { matchLabels: { a: 'b' } } },
              target: { type: 'AverageValue', averageValue: '1k' },
            },
          },
          {
            type: 'Object',
            object: {
              describedObject: target,
              metric: { name: 'o' },
              target: { type: 'AverageValue', averageValue: '100' },
            },
          },
          {
            type: 'Object',
            object: { describedObject: target, metric: { name: 'o' }, target: { type: 'Value', value: '200' } },
          },
          {
            type: 'External',
            external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '50' } },
          },
          { type: 'External', external: { metric: { name: 'e' }, target: { type: 'Value', value: '30' } } },
          {
            type: 'ContainerResource',
            containerResource: { name: 'cpu', container: 'a', target: { type: 'Utilization', averageUtilization: 60 } },
          },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '256Mi' } } },
          cpu,
        ],
      }),
    ],
    [
      'behavior',
      v2({
        metrics: [cpu],
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: 'Min',
            policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }],
            tolerance: '50m',
          },
          scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
        },
      }),
    ],
    [
      'the status',
      v2(
        { metrics: [cpu] },
        {
          observedGeneration: 7,
          currentReplicas: 2,
          desiredReplicas: 3,
          currentMetrics: [
            { type: 'Pods', pods: { metric: { name: 'q' }, current: { averageValue: '123' } } },
            { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 10, averageValue: '5m' } } },
          ],
          conditions: [{ type: 'AbleToScale', status: 'True', reason: 'Ready' }],
        },
      ),
    ],
  ];
  for (const [what, object] of roundTrips)
    it(`lose nothing of ${what}`, () => {
      const copy = structuredClone(object);
      fromV2(copy);
      toV2(copy);
      const { status: _, ...rest } = copy;
      assert.deepEqual(object.status ? copy : rest, object);
    });

  it('show the use of CPU in a field, and the rest in annotations', () => {
    const object = v2(
      {
        metrics: [
          { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } } },
          cpu,
        ],
      },
      {
        desiredReplicas: 1,
        currentMetrics: [
          { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 9, averageValue: '1m' } } },
        ],
      },
    );
    fromV2(object);
    assert.deepEqual(object.spec, {
      scaleTargetRef: target,
      minReplicas: 1,
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 80,
    });
    assert.deepEqual(object.status, { currentReplicas: 0, desiredReplicas: 1, currentCPUUtilizationPercentage: 9 });
    assert.deepEqual(object.metadata.annotations, {
      [`${PREFIX}metrics`]: '[{"type":"Pods","pods":{"metricName":"q","targetAverageValue":"5"}}]',
      [`${PREFIX}current-metrics`]:
        '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":9,"currentAverageValue":"1m"}}]',
    });
  });

  it('say eighty percent where they say nothing, and survive annotations of no sense', () => {
    const object = v2({});
    object.metadata.annotations = { [`${PREFIX}metrics`]: '{', [`${PREFIX}behavior`]: '7', mine: 'kept' };
    toV2(object);
    assert.deepEqual(object.spec, { scaleTargetRef: target, minReplicas: 1, maxReplicas: 3, metrics: [cpu] });
    assert.deepEqual(object.metadata.annotations, { mine: 'kept' });
  });
});
