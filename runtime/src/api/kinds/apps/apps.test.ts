import { testKind } from '../testing/table.ts';
import { QUALIFIED } from '../testing/texts.ts';

const NOT_NEGATIVE = 'must be greater than or equal to 0';
const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const MISMATCH = '`selector` does not match template `labels`';
const template = {
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'a', image: 'example.test/a:1' }] },
};
const spec = { selector: { matchLabels: { app: 'a' } }, template };
const fixed = (path: string, value: unknown) => `${path}: Invalid value: ${JSON.stringify(value)}: field is immutable`;
const ONCE = 'spec.template.spec.restartPolicy';

/** What all workloads' templates and selectors have in common. */
const common = (name: string): [Record<string, unknown>, ...string[]][] => [
  [{ 'spec.selector': undefined }, 'spec.selector: Required value'],
  [
    { 'spec.selector': { matchLabels: { app: 'b' } } },
    `spec.template.metadata.labels: Invalid value: {"app":"a"}: ${MISMATCH}`,
  ],
  [{ 'spec.selector': { matchLabels: {} } }, `spec.selector: Invalid value: {}: empty selector is invalid for ${name}`],
  [{ 'spec.template.spec.containers': [] }, 'spec.template.spec.containers: Required value'],
  [{ 'spec.template.spec.containers.0.image': '' }, 'spec.template.spec.containers[0].image: Required value'],
  [{ [ONCE]: 'Never' }, `${ONCE}: Unsupported value: "Never": supported values: "Always"`],
  [{ 'spec.template.metadata.labels.a b': 'c' }, `spec.template.labels: Invalid value: "a b": ${QUALIFIED}`],
];

testKind({
  group: 'apps',
  resource: 'deployments',
  good: { spec },
  alsoGood: [
    { 'spec.replicas': 0 },
    { 'spec.strategy': { type: 'Recreate' } },
    { 'spec.strategy': { rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' } } },
    { 'spec.selector': { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] } },
    { 'spec.minReadySeconds': 10, 'spec.progressDeadlineSeconds': 11 },
    { 'spec.paused': true },
  ],
  bad: [
    ...common('deployment'),
    [{ 'spec.replicas': -1 }, `spec.replicas: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.minReadySeconds': -1 }, `spec.minReadySeconds: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.revisionHistoryLimit': -1 }, `spec.revisionHistoryLimit: Invalid value: -1: ${NOT_NEGATIVE}`],
    [
      { 'spec.progressDeadlineSeconds': 5, 'spec.minReadySeconds': 5 },
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
    [
      { 'spec.strategy': { type: 'Recreate', rollingUpdate: {} } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      { 'spec.strategy': { type: 'Fast' } },
      'spec.strategy: Unsupported value: {"Type":"Fast","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
    ],
    [
      { 'spec.strategy': { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      { 'spec.strategy': { rollingUpdate: { maxUnavailable: '101%' } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
    [
      { 'spec.strategy': { rollingUpdate: { maxSurge: 'x' } } },
      `spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": ${PERCENT}`,
    ],
    [
      { 'spec.template.spec.activeDeadlineSeconds': 5 },
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
    ],
  ],
  defaults: {
    'spec.replicas': 1,
    'spec.strategy': { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    'spec.revisionHistoryLimit': 10,
    'spec.progressDeadlineSeconds': 600,
    'spec.template.spec.restartPolicy': 'Always',
    'metadata.generation': 1,
    status: {},
  },
  updates: [
    [{ 'spec.replicas': 5 }],
    [{ 'spec.template.spec.containers.0.image': 'b' }],
    [
      { 'spec.selector': { matchLabels: { app: 'a', b: 'c' } }, 'spec.template.metadata.labels.b': 'c' },
      fixed('spec.selector', { matchLabels: { app: 'a', b: 'c' } }),
    ],
  ],
  statusUpdates: [
    [{ status: { replicas: 2, readyReplicas: 2, availableReplicas: 1, updatedReplicas: 2 } }],
    [
      { status: { replicas: 1, unavailableReplicas: -1 } },
      `status.unavailableReplicas: Invalid value: -1: ${NOT_NEGATIVE}`,
    ],
    [
      { status: { replicas: 1, readyReplicas: 2 } },
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
    [
      { status: { replicas: 2, readyReplicas: 1, availableReplicas: 2 } },
      'status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas',
    ],
  ],
  warnings: [
    [{}],
    [
      { 'spec.template.spec.nodeSelector': { 'beta.kubernetes.io/arch': 'amd64' } },
      'spec.template.spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
    ],
  ],
  cells: [
    [
      { 'spec.replicas': 3, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } },
      '2/3',
      3,
      1,
      '10m',
      'a',
      'example.test/a:1',
      'app=a',
    ],
  ],
});

testKind({
  group: 'apps',
  resource: 'replicasets',
  good: { spec },
  bad: [...common('deployment'), [{ 'spec.replicas': -1 }, `spec.replicas: Invalid value: -1: ${NOT_NEGATIVE}`]],
  defaults: { 'spec.replicas': 1, status: { replicas: 0 } },
  updates: [
    [{ 'spec.replicas': 2 }],
    [{ 'spec.template.spec.containers.0.image': 'b' }],
    [
      { 'spec.selector.matchLabels': { app: 'a', b: 'c' }, 'spec.template.metadata.labels.b': 'c' },
      fixed('spec.selector', { matchLabels: { app: 'a', b: 'c' } }),
    ],
  ],
  statusUpdates: [
    [{ status: { replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1 } }],
    [
      { status: { replicas: 1, fullyLabeledReplicas: 2 } },
      'status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
  ],
  cells: [[{ status: { replicas: 1, readyReplicas: 1 } }, 1, 1, 1, '10m', 'a', 'example.test/a:1', 'app=a']],
});

testKind({
  group: 'apps',
  resource: 'daemonsets',
  good: { spec },
  alsoGood: [
    { 'spec.updateStrategy': { type: 'OnDelete' } },
    { 'spec.updateStrategy': { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
  ],
  bad: [
    ...common('daemonset').filter(
      ([changes]) => !('spec.selector' in changes && changes['spec.selector'] === undefined),
    ),
    [
      { 'spec.updateStrategy': { type: 'Fast' } },
      'spec.updateStrategy: Unsupported value: {"Type":"Fast","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
    ],
    [
      { 'spec.updateStrategy': { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } },
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
    [
      { 'spec.updateStrategy': { rollingUpdate: { maxUnavailable: 0 } } },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
    ],
    [{ 'spec.minReadySeconds': -1 }, `spec.minReadySeconds: Invalid value: -1: ${NOT_NEGATIVE}`],
  ],
  defaults: {
    'spec.updateStrategy': { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    'metadata.annotations': { 'deprecated.daemonset.template.generation': '1' },
    'spec.revisionHistoryLimit': 10,
    'metadata.generation': 1,
  },
  updates: [
    [{ 'spec.template.spec.containers.0.image': 'b' }],
    [
      { 'spec.selector.matchLabels': { app: 'a', b: 'c' }, 'spec.template.metadata.labels.b': 'c' },
      fixed('spec.selector', { matchLabels: { app: 'a', b: 'c' } }),
    ],
  ],
  statusUpdates: [
    [{ 'status.desiredNumberScheduled': 1 }],
    [{ 'status.numberReady': -1 }, `status.numberReady: Invalid value: -1: ${NOT_NEGATIVE}`],
  ],
  cells: [
    [
      {
        status: {
          desiredNumberScheduled: 3,
          currentNumberScheduled: 2,
          numberReady: 1,
          updatedNumberScheduled: 2,
          numberAvailable: 1,
        },
        'spec.template.spec.nodeSelector': { disk: 'ssd' },
      },
      3,
      2,
      1,
      2,
      1,
      'disk=ssd',
      '10m',
      'a',
      'example.test/a:1',
      'app=a',
    ],
  ],
});

const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

testKind({
  group: 'apps',
  resource: 'statefulsets',
  good: { spec: { ...spec, serviceName: 'a' } },
  alsoGood: [
    { 'spec.podManagementPolicy': 'Parallel' },
    { 'spec.updateStrategy': { type: 'OnDelete' } },
    { 'spec.updateStrategy': { rollingUpdate: { partition: 2 } } },
    { 'spec.volumeClaimTemplates': [claim] },
    { 'spec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Delete', whenScaled: 'Retain' } },
    { 'spec.ordinals': { start: 3 } },
    { 'spec.serviceName': undefined },
  ],
  bad: [
    ...common('statefulset'),
    [{ 'spec.replicas': -1 }, `spec.replicas: Invalid value: -1: ${NOT_NEGATIVE}`],
    [
      { 'spec.podManagementPolicy': 'Wild' },
      "spec.podManagementPolicy: Invalid value: \"Wild\": must be 'OrderedReady' or 'Parallel'",
    ],
    [
      { 'spec.updateStrategy': { type: 'Fast' } },
      'spec.updateStrategy: Invalid value: {"Type":"Fast","RollingUpdate":null}: must be \'RollingUpdate\' or \'OnDelete\'',
    ],
    [
      { 'spec.updateStrategy': { type: 'OnDelete', rollingUpdate: { partition: 0 } } },
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":0}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
    [
      { 'spec.updateStrategy': { rollingUpdate: { partition: -1 } } },
      `spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: ${NOT_NEGATIVE}`,
    ],
    [
      { 'spec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Burn', whenScaled: 'Retain' } },
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Burn": supported values: "Retain", "Delete"',
    ],
    [{ 'spec.ordinals': { start: -1 } }, `spec.ordinals.start: Invalid value: -1: ${NOT_NEGATIVE}`],
  ],
  defaults: {
    'spec.replicas': 1,
    'spec.podManagementPolicy': 'OrderedReady',
    'spec.updateStrategy': { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    'spec.revisionHistoryLimit': 10,
    'spec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Retain' },
    'metadata.generation': 1,
  },
  updates: [
    [{ 'spec.replicas': 3 }],
    [{ 'spec.template.spec.containers.0.image': 'b' }],
    [{ 'spec.minReadySeconds': 3 }],
    [{ 'spec.revisionHistoryLimit': 3 }],
    [{ 'spec.ordinals': { start: 1 } }],
    [
      { 'spec.serviceName': 'b' },
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  ],
  statusUpdates: [
    [{ status: { replicas: 1, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 1 } }],
    [
      { status: { replicas: 1, readyReplicas: 2 } },
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
  ],
  cells: [[{ 'spec.replicas': 2, status: { replicas: 2, readyReplicas: 1 } }, '1/2', '10m', 'a', 'example.test/a:1']],
});

testKind({
  group: 'apps',
  resource: 'controllerrevisions',
  good: { data: { spec: {} }, revision: 3 },
  bad: [
    [{ data: undefined }, 'data: Required value: data is mandatory'],
    [{ revision: -1 }, `revision: Invalid value: -1: ${NOT_NEGATIVE}`],
  ],
  updates: [[{ revision: 4 }], [{ data: { spec: { a: 1 } } }, fixed('data', { spec: { a: 1 } })]],
  cells: [
    [{}, '<none>', 3, '10m'],
    [
      {
        'metadata.ownerReferences': [
          { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true },
        ],
      },
      'daemonset.apps/d',
      3,
      '10m',
    ],
  ],
});
