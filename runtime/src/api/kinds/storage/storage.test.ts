import { testKind } from '../testing/table.ts';
import { QUALIFIED, SUBDOMAIN } from '../testing/texts.ts';

const group = 'storage.k8s.io';
const DEFAULT_CLASS = 'metadata.annotations.storageclass~kubernetes~io/is-default-class';

testKind({
  group,
  resource: 'storageclasses',
  good: { provisioner: 'example.com/disk', parameters: { type: 'fast' } },
  alsoGood: [
    { provisioner: 'Example.com/Disk' },
    { reclaimPolicy: 'Retain', volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true },
    { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }] },
  ],
  bad: [
    [{ provisioner: '' }, 'provisioner: Required value'],
    [{ provisioner: 'a b' }, `provisioner: Invalid value: "a b": ${QUALIFIED}`],
    [{ parameters: { '': 'x' } }, 'parameters: Invalid value: "": field can not be empty.'],
    [
      { parameters: Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`k${i}`, ''])) },
      'parameters: Too long: may not be more than 512 bytes',
    ],
    [{ parameters: { a: 'x'.repeat(262_144) } }, 'parameters: Too long: may not be more than 262144 bytes'],
    [{ reclaimPolicy: 'Recycle' }, 'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    [
      { volumeBindingMode: 'Later' },
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
    [
      { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: [] }] }] },
      'allowedTopologies[0].matchLabelExpressions[0].values: Required value',
    ],
    [
      { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }] }] },
      'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
    ],
    [
      {
        allowedTopologies: [
          {
            matchLabelExpressions: [
              { key: 'zone', values: ['a'] },
              { key: 'zone', values: ['b'] },
            ],
          },
        ],
      },
      'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"',
    ],
    [
      {
        allowedTopologies: [
          { matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] },
          { matchLabelExpressions: [{ key: 'zone', values: ['b', 'a'] }] },
        ],
      },
      'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""',
    ],
  ],
  defaults: { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate', 'metadata.generation': undefined },
  updates: [
    [{ allowVolumeExpansion: true }],
    [{ 'parameters.type': 'slow' }, 'parameters: Forbidden: updates to parameters are forbidden.'],
    [{ provisioner: 'example.com/other' }, 'provisioner: Forbidden: updates to provisioner are forbidden.'],
    [{ reclaimPolicy: 'Retain' }, 'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.'],
    [
      { volumeBindingMode: 'WaitForFirstConsumer' },
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ],
  ],
  cells: [
    [{}, 'x', 'example.com/disk', 'Delete', 'Immediate', false, '10m'],
    [{ [DEFAULT_CLASS]: 'true' }, 'x (default)', 'example.com/disk', 'Delete', 'Immediate', false, '10m'],
    [{ [DEFAULT_CLASS]: 'false' }, 'x', 'example.com/disk', 'Delete', 'Immediate', false, '10m'],
  ],
});

testKind({
  group,
  resource: 'volumeattributesclasses',
  good: { driverName: 'example.com/disk', parameters: { iops: '100' } },
  bad: [
    [{ driverName: '' }, 'driverName: Required value'],
    [{ parameters: undefined }, 'parameters: Required value: must contain at least one key/value pair'],
    [{ parameters: {} }, 'parameters: Required value: must contain at least one key/value pair'],
  ],
  updates: [
    [{ 'metadata.labels': { a: 'b' } }],
    [{ driverName: 'example.com/other' }, 'driverName: Forbidden: updates to driverName are forbidden.'],
    [{ 'parameters.iops': '200' }, 'parameters: Forbidden: updates to parameters are forbidden.'],
  ],
  cells: [
    [{}, 'x', 'example.com/disk', '10m'],
    [
      { 'metadata.annotations.volumeattributesclass~alpha~kubernetes~io/is-default-class': 'true' },
      'x (default)',
      'example.com/disk',
      '10m',
    ],
  ],
});

testKind({
  group,
  resource: 'volumeattachments',
  good: { spec: { attacher: 'disk.example.com', nodeName: 'n1', source: { persistentVolumeName: 'pv1' } } },
  bad: [
    [{ 'spec.attacher': '' }, 'spec.attacher: Required value', 'spec.attacher: Required value'],
    [{ 'spec.attacher': 'a/b' }, `spec.attacher: Invalid value: "a/b": ${SUBDOMAIN}`],
    [
      { 'spec.source': {} },
      'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ],
    [
      { 'spec.source.inlineVolumeSpec': { accessModes: ['ReadWriteOnce'] } },
      'spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ],
    [
      { 'spec.source.persistentVolumeName': 'PV' },
      `spec.source.persistentVolumeName: Invalid value: "PV": ${SUBDOMAIN}`,
    ],
    [{ 'spec.nodeName': 'N' }, `spec.nodeName: Invalid value: "N": ${SUBDOMAIN}`],
  ],
  defaults: { status: { attached: false }, 'metadata.generation': undefined },
  updates: [
    [{ 'metadata.labels': { a: 'b' } }],
    [
      { 'spec.nodeName': 'n2' },
      'spec: Invalid value: {"attacher":"disk.example.com","nodeName":"n2","source":{"persistentVolumeName":"pv1"}}: field is immutable',
    ],
  ],
  statusUpdates: [
    [{ 'status.attached': true, 'status.attachmentMetadata': { a: 'b' } }],
    [
      { 'status.attachmentMetadata': { a: 'x'.repeat(262_144) } },
      'status.attachmentMetadata: Too long: may not be more than 262144 bytes',
    ],
    [
      { 'status.attachError': { message: 'x'.repeat(1025) } },
      'status.attachError.message: Too long: may not be more than 262144 bytes',
    ],
    [
      { 'status.detachError': { errorCode: -1 } },
      'status.detachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
  ],
  cells: [
    [{}, 'disk.example.com', 'pv1', 'n1', false, '10m'],
    [{ 'status.attached': true }, 'disk.example.com', 'pv1', 'n1', true, '10m'],
  ],
});

testKind({
  group,
  resource: 'csidrivers',
  name: 'disk.example.com',
  good: { spec: {} },
  alsoGood: [
    { 'spec.volumeLifecycleModes': ['Persistent', 'Ephemeral'], 'spec.fsGroupPolicy': 'File' },
    { 'spec.tokenRequests': [{ audience: '' }, { audience: 'a', expirationSeconds: 600 }] },
    { 'spec.nodeAllocatableUpdatePeriodSeconds': 10 },
  ],
  bad: [
    [{ 'metadata.name': 'A' }, `metadata.name: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { 'spec.fsGroupPolicy': 'X' },
      'spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", "ReadWriteOnceWithFSType"',
    ],
    [
      { 'spec.volumeLifecycleModes': ['X'] },
      'spec.volumeLifecycleModes: Unsupported value: "X": supported values: "Persistent", "Ephemeral"',
    ],
    [
      { 'spec.tokenRequests': [{ audience: 'a' }, { audience: 'a' }] },
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
    ],
    [
      { 'spec.tokenRequests': [{ audience: 'a', expirationSeconds: 599 }] },
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    [
      { 'spec.tokenRequests': [{ audience: 'a', expirationSeconds: 4294967297 }] },
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
    ],
    [
      { 'spec.nodeAllocatableUpdatePeriodSeconds': 9 },
      'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds',
    ],
  ],
  defaults: {
    'spec.attachRequired': true,
    'spec.podInfoOnMount': false,
    'spec.storageCapacity': false,
    'spec.fsGroupPolicy': 'ReadWriteOnceWithFSType',
    'spec.volumeLifecycleModes': ['Persistent'],
    'spec.requiresRepublish': false,
    'spec.seLinuxMount': false,
    'metadata.generation': 1,
  },
  updates: [
    [{ 'spec.podInfoOnMount': true, 'spec.requiresRepublish': true }],
    [{ 'spec.attachRequired': false }, 'spec.attachedRequired: Invalid value: false: field is immutable'],
    [
      { 'spec.volumeLifecycleModes': ['Ephemeral'] },
      'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
    ],
  ],
  cells: [
    [{}, true, false, false, '<unset>', false, 'Persistent', '10m'],
    [
      { 'spec.tokenRequests': [{ audience: 'a' }, { audience: 'b' }] },
      true,
      false,
      false,
      'a,b',
      false,
      'Persistent',
      '10m',
    ],
  ],
});

testKind({
  group,
  resource: 'csinodes',
  name: 'n1',
  good: { spec: { drivers: [{ name: 'disk.example.com', nodeID: 'n', topologyKeys: ['example.com/zone'] }] } },
  alsoGood: [{ 'spec.drivers': [] }],
  bad: [
    [{ 'spec.drivers.0.name': '' }, 'spec.drivers[0].name: Required value'],
    [{ 'spec.drivers.0.nodeID': '' }, 'spec.drivers[0].nodeID: Required value'],
    [
      { 'spec.drivers.0.nodeID': 'x'.repeat(257) },
      `spec.drivers[0].nodeID: Invalid value: "${'x'.repeat(257)}": must be 256 characters or less`,
    ],
    [
      { 'spec.drivers.0.allocatable': { count: -1 } },
      'spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      { 'spec.drivers.1': { name: 'disk.example.com', nodeID: 'm' } },
      'spec.drivers[1].name: Duplicate value: "disk.example.com"',
    ],
    [{ 'spec.drivers.0.topologyKeys': ['a', 'a'] }, 'spec.drivers[0]: Duplicate value: "a"'],
  ],
  updates: [
    [{ 'spec.drivers.0.allocatable': { count: 3 } }],
    [{ 'spec.drivers': [] }],
    [
      { 'spec.drivers.0.nodeID': 'other' },
      'spec.drivers: Invalid value: {"name":"disk.example.com","nodeID":"other","topologyKeys":["example.com/zone"]}: field is immutable',
    ],
  ],
  cells: [
    [{}, 1, '10m'],
    [{ 'spec.drivers': [] }, 0, '10m'],
  ],
});

testKind({
  group,
  resource: 'csistoragecapacities',
  good: { storageClassName: 'fast', capacity: '10Gi', nodeTopology: { matchLabels: { zone: 'a' } } },
  alsoGood: [{ capacity: undefined, nodeTopology: undefined }],
  bad: [
    [{ storageClassName: 'A' }, `storageClassName: Invalid value: "A": ${SUBDOMAIN}`],
    [{ capacity: '-1' }, 'capacity: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  updates: [
    [{ capacity: '20Gi' }],
    [{ storageClassName: 'slow' }, 'storageClassName: Invalid value: "slow": field is immutable'],
    [
      { 'nodeTopology.matchLabels.zone': 'b' },
      'nodeTopology: Invalid value: {"matchLabels":{"zone":"b"}}: field is immutable',
    ],
  ],
  cells: [
    [{}, 'fast', '10Gi'],
    [{ capacity: undefined }, 'fast', '<unset>'],
  ],
});
