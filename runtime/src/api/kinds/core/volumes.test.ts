import { testKind } from '../testing/table.ts';
import { SUBDOMAIN } from '../testing/texts.ts';

const MODES = '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"';
const BETA = 'volume.beta.kubernetes.io/storage-class';
const affinity = (key = 'kubernetes.io/hostname') => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['n1'] }] }] },
});

testKind({
  group: '',
  resource: 'persistentvolumes',
  good: { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } },
  alsoGood: [
    { 'spec.hostPath': undefined, 'spec.nfs': { server: 's', path: '/' } },
    { 'spec.hostPath': undefined, 'spec.local': { path: '/x' }, 'spec.nodeAffinity': affinity() },
    {
      'spec.hostPath': undefined,
      'spec.csi': { driver: 'csi.example.com', volumeHandle: 'v' },
      'spec.volumeAttributesClassName': 'gold',
    },
    { 'spec.accessModes': ['ReadWriteOncePod'] },
    { 'spec.persistentVolumeReclaimPolicy': 'Delete', 'spec.storageClassName': 'slow', 'spec.volumeMode': 'Block' },
    { 'spec.claimRef': { namespace: 'a', name: 'b' } },
  ],
  bad: [
    [{ 'spec.accessModes': [] }, 'spec.accessModes: Required value'],
    [{ 'spec.accessModes': ['X'] }, `spec.accessModes: Unsupported value: "X": supported values: ${MODES}`],
    [
      { 'spec.accessModes': ['ReadWriteOncePod', 'ReadWriteOnce'] },
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
    ],
    [
      { 'spec.capacity': undefined },
      'spec.capacity: Required value',
      'spec.capacity: Unsupported value: null: supported values: "storage"',
    ],
    [{ 'spec.capacity.storage': '0' }, 'spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    [{ 'spec.hostPath': undefined }, 'spec: Required value: must specify a volume type'],
    [{ 'spec.nfs': { server: 's', path: '/' } }, 'spec.nfs: Forbidden: may not specify more than 1 volume type'],
    [
      { 'spec.hostPath': undefined, 'spec.local': { path: '/x' } },
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ],
    [
      { 'spec.volumeMode': 'Tape' },
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ],
    [
      { 'spec.persistentVolumeReclaimPolicy': 'Burn' },
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"',
    ],
    [
      { 'spec.hostPath.path': '/', 'spec.persistentVolumeReclaimPolicy': 'Recycle' },
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ],
    [{ 'spec.storageClassName': 'A' }, `spec.storageClassName: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { 'spec.volumeAttributesClassName': 'gold' },
      'spec.csi: Required value: has to be specified when using volumeAttributesClassName',
    ],
    [
      { 'spec.hostPath': undefined, 'spec.csi': { driver: 'csi.example.com' } },
      'spec.csi.volumeHandle: Required value',
    ],
  ],
  defaults: {
    'spec.persistentVolumeReclaimPolicy': 'Retain',
    'spec.volumeMode': 'Filesystem',
    'spec.hostPath.type': '',
    'status.phase': 'Pending',
    'status.lastPhaseTransitionTime': '2026-01-01T00:00:00Z',
  },
  updates: [
    [{ 'spec.capacity.storage': '2Gi' }],
    [{ 'spec.persistentVolumeReclaimPolicy': 'Delete' }],
    [{ 'spec.nodeAffinity': affinity() }],
    [
      { 'spec.hostPath.path': '/y' },
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n@@ -1,6 +1,6 @@\n {\n  "hostPath": {\n-  "path": "/x",\n+  "path": "/y",\n   "type": ""\n  }\n }\n',
    ],
    [{ 'spec.volumeMode': 'Block' }, 'volumeMode: Invalid value: "Block": field is immutable'],
  ],
  warnings: [
    [{}],
    [
      { 'spec.persistentVolumeReclaimPolicy': 'Recycle' },
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    ],
    [
      { 'spec.nodeAffinity': affinity('beta.kubernetes.io/os') },
      'spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead',
    ],
    [
      { [`metadata.annotations.${BETA.replaceAll('.', '~')}`]: 'x' },
      `metadata.annotations[${BETA}]: deprecated since v1.8; use "storageClassName" attribute instead`,
    ],
  ],
  cells: [
    [
      { 'spec.claimRef': { namespace: 'a', name: 'b' }, 'status.phase': 'Bound', 'spec.storageClassName': 'slow' },
      '1Gi',
      'RWO',
      'Retain',
      'Bound',
      'a/b',
      'slow',
      '<unset>',
      '',
      '10m',
      'Filesystem',
    ],
  ],
});

testKind({
  group: '',
  resource: 'persistentvolumes',
  good: {
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'csi.example.com', volumeHandle: 'v' },
      nodeAffinity: affinity('failure-domain.beta.kubernetes.io/zone'),
      volumeAttributesClassName: 'gold',
    },
  },
  updates: [
    [{ 'spec.csi.controllerExpandSecretRef': { name: 's', namespace: 'n' } }],
    [{ 'spec.nodeAffinity': affinity('topology.kubernetes.io/zone') }],
    [{ 'spec.volumeAttributesClassName': 'silver' }],
    [
      { 'spec.volumeAttributesClassName': undefined },
      'spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden',
    ],
    [
      { 'spec.nodeAffinity': affinity('other') },
      `nodeAffinity: Invalid value: ${JSON.stringify(affinity('other'))}: field is immutable`,
    ],
  ],
});

const claim = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } } };
const IMMUTABLE =
  'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n';

testKind({
  group: '',
  resource: 'persistentvolumeclaims',
  good: claim,
  alsoGood: [
    { 'spec.storageClassName': '' },
    { 'spec.selector': { matchLabels: { a: 'b' } } },
    { 'spec.dataSource': { kind: 'PersistentVolumeClaim', name: 'x' } },
    { 'spec.dataSourceRef': { apiGroup: 'example.com', kind: 'Backup', name: 'x' } },
    { 'spec.volumeMode': 'Block' },
  ],
  bad: [
    [{ 'spec.accessModes': [] }, 'spec.accessModes: Required value: at least 1 access mode is required'],
    [{ 'spec.accessModes': ['X'] }, `spec.accessModes: Unsupported value: "X": supported values: ${MODES}`],
    [{ 'spec.resources': {} }, 'spec.resources[storage]: Required value'],
    [
      { 'spec.resources.requests.storage': '-1' },
      'spec.resources[storage]: Invalid value: "-1": must be greater than zero',
    ],
    [{ 'spec.storageClassName': 'A' }, `spec.storageClassName: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { 'spec.volumeMode': 'Tape' },
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ],
    [
      { 'spec.dataSourceRef': { kind: 'Backup', name: 'x' } },
      'spec.dataSource: Invalid value: "Backup": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
      'spec.dataSourceRef: Invalid value: "Backup": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
    ],
  ],
  defaults: { 'spec.volumeMode': 'Filesystem', status: { phase: 'Pending' } },
  updates: [
    [{ 'spec.volumeName': 'v' }],
    [{ 'spec.storageClassName': 'slow' }],
    [
      { 'spec.accessModes': ['ReadOnlyMany'] },
      `${IMMUTABLE}@@ -1,6 +1,6 @@\n {\n  "accessModes": [\n-  "ReadWriteOnce"\n+  "ReadOnlyMany"\n  ],\n  "resources": {\n   "requests": {\n`,
    ],
    [
      { 'spec.resources.requests.storage': '3Gi' },
      `${IMMUTABLE}@@ -4,7 +4,7 @@\n  ],\n  "resources": {\n   "requests": {\n-   "storage": "2Gi"\n+   "storage": "3Gi"\n   }\n  },\n  "volumeMode": "Filesystem"\n`,
    ],
  ],
  statusUpdates: [
    [{ 'status.phase': 'Bound', 'status.capacity': { storage: '2Gi' } }],
    [
      { 'status.capacity': { storage: '-1' } },
      'status.capacity[storage]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      { 'status.allocatedResources': { cpu: '1' } },
      'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
    ],
    [
      { 'status.allocatedResourceStatuses': { storage: 'Growing' } },
      'status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    ],
  ],
  warnings: [
    [
      { 'spec.resources.requests.storage': '1500m' },
      'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ],
  ],
  cells: [
    [{}, 'Pending', '', '', '', '', '<unset>', '10m', 'Filesystem'],
    [
      {
        'spec.volumeName': 'v',
        'spec.storageClassName': 'slow',
        status: { phase: 'Bound', capacity: { storage: '4Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] },
      },
      'Bound',
      'v',
      '4Gi',
      'RWO,ROX',
      'slow',
      '<unset>',
      '10m',
      'Filesystem',
    ],
  ],
});
