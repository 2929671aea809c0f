import { testKind } from '../testing/table.ts';
import { IP, LABEL, QUALIFIED, SUBDOMAIN } from '../testing/texts.ts';

const NOT_NEGATIVE = 'must be greater than or equal to 0';
const RANGE = 'must be between 1 and 65535, inclusive';
const template = {
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'a', image: 'example.test/a:1' }] },
};

testKind({
  group: '',
  resource: 'namespaces',
  good: {},
  bad: [
    [{ 'metadata.name': 'a.b' }, 'metadata.name: Invalid value: "a.b": must not contain dots'],
    [{ 'metadata.name': 'A' }, `metadata.name: Invalid value: "A": ${LABEL}`],
    [
      { 'spec.finalizers': ['mine'] },
      'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  defaults: {
    'spec.finalizers': ['kubernetes'],
    'status.phase': 'Active',
    'metadata.labels': { 'kubernetes.io/metadata.name': 'x' },
  },
  updates: [[{ 'metadata.labels.a': 'b' }], [{ 'spec.finalizers': [] }]],
  statusUpdates: [
    [{ 'status.phase': 'Active' }],
    [
      { 'status.phase': 'Terminating' },
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ],
  ],
  cells: [[{}, 'Active', '10m']],
});

testKind({
  group: '',
  resource: 'nodes',
  good: {},
  alsoGood: [
    {
      'spec.taints': [
        { key: 'a', effect: 'NoSchedule' },
        { key: 'a', effect: 'NoExecute' },
      ],
    },
    { 'spec.podCIDR': '10.42.0.0/24' },
    { 'spec.podCIDRs': ['10.42.0.0/24', 'fd00::/64'] },
    { 'status.capacity': { cpu: '1', 'example.com/gpu': '2' } },
  ],
  bad: [
    [
      { 'spec.taints': [{ key: 'a b', effect: 'NoSchedule' }] },
      `metadata.taints[0].key: Invalid value: "a b": ${QUALIFIED}`,
    ],
    [{ 'spec.taints': [{ key: 'a' }] }, 'metadata.taints[0].effect: Required value'],
    [
      { 'spec.taints': [{ key: 'a', effect: 'Run' }] },
      'metadata.taints[0].effect: Unsupported value: "Run": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
    [
      {
        'spec.taints': [
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', effect: 'NoSchedule' },
        ],
      },
      'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    ],
    [
      { 'spec.podCIDRs': ['10.42.0.0/24', '10.43.0.0/24'] },
      'spec.podCIDRs: Invalid value: ["10.42.0.0/24","10.43.0.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  ],
  updates: [
    [{ 'spec.unschedulable': true }],
    [{ 'spec.podCIDR': '10.42.0.0/24' }],
    [
      { 'spec.taints': [{ key: 'a', effect: 'X' }] },
      'metadata.taints[0].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
  ],
  cells: [
    [{}, 'Unknown', '<none>', '10m', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
    [
      {
        'metadata.labels': {
          'node-role.kubernetes.io/worker': '',
          'node-role.kubernetes.io/control-plane': 'true',
          'kubernetes.io/role': 'edge',
        },
        'spec.unschedulable': true,
        status: {
          conditions: [{ type: 'Ready', status: 'False' }],
          addresses: [
            { type: 'InternalIP', address: '10.0.0.1' },
            { type: 'ExternalIP', address: '192.0.2.1' },
          ],
          nodeInfo: {
            kubeletVersion: 'v1.36.4',
            osImage: 'Atoll',
            kernelVersion: '6.12',
            containerRuntimeVersion: 'containerd://2',
          },
        },
      },
      'NotReady,SchedulingDisabled',
      'control-plane,edge,worker',
      '10m',
      'v1.36.4',
      '10.0.0.1',
      '192.0.2.1',
      'Atoll',
      '6.12',
      'containerd://2',
    ],
  ],
});

testKind({
  group: '',
  resource: 'nodes',
  good: { spec: { podCIDR: '10.42.0.0/24', providerID: 'p://1' } },
  defaults: { 'spec.podCIDRs': ['10.42.0.0/24'] },
  updates: [
    [
      { 'spec.podCIDR': '10.42.1.0/24', 'spec.podCIDRs': ['10.42.1.0/24'] },
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ],
    [
      { 'spec.providerID': 'p://2' },
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ],
  ],
});

testKind({
  group: '',
  resource: 'endpoints',
  good: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  alsoGood: [{ subsets: undefined }, { 'subsets.0.addresses.0.hostname': 'h' }, { 'subsets.0.ports': undefined }],
  bad: [
    [{ subsets: [{}] }, 'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    [
      { 'subsets.0.addresses.0.ip': 'x' },
      `subsets[0].addresses[0].ip: Invalid value: "x": ${IP}`,
      'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
    ],
    [
      { 'subsets.0.addresses.0.ip': '127.0.0.1' },
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [{ 'subsets.0.ports.0.port': 0 }, `subsets[0].ports[0].port: Invalid value: 0: ${RANGE}`],
    [{ 'subsets.0.ports': [{ port: 80 }, { name: 'b', port: 81 }] }, 'subsets[0].ports[0].name: Required value'],
    [
      { 'subsets.0.ports.0.protocol': 'X' },
      'subsets[0].ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
    ],
    [{ 'subsets.0.addresses.0.nodeName': 'N' }, `subsets[0].addresses[0].nodeName: Invalid value: "N": ${SUBDOMAIN}`],
  ],
  defaults: { 'subsets.0.ports.0.protocol': 'TCP' },
  cells: [
    [{}, '10.0.0.1:80', '10m'],
    [
      { 'subsets.0.addresses': ['1', '2', '3', '4', '5'].map(n => ({ ip: `10.0.0.${n}` })) },
      '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...',
      '10m',
    ],
    [{ 'subsets.0.addresses.0.ip': 'fd00::1' }, '[fd00::1]:80', '10m'],
    [{ subsets: undefined }, '<none>', '10m'],
  ],
});

testKind({
  group: '',
  resource: 'replicationcontrollers',
  good: { spec: { selector: { app: 'a' }, template } },
  alsoGood: [{ 'spec.selector': undefined }],
  bad: [
    [{ 'spec.replicas': -1 }, `spec.replicas: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.template': undefined }, 'spec.template: Required value'],
    [
      { 'spec.selector': { app: 'b' } },
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ],
    [
      { 'spec.template.spec.restartPolicy': 'Never' },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ],
  defaults: { 'spec.replicas': 1, 'metadata.labels': { app: 'a' }, status: { replicas: 0 }, 'metadata.generation': 1 },
  updates: [
    [{ 'spec.replicas': 3 }],
    [{ 'spec.selector': { app: 'a', b: 'c' }, 'spec.template.metadata.labels.b': 'c' }],
  ],
  statusUpdates: [
    [{ status: { replicas: 1, readyReplicas: 1 } }],
    [
      { status: { replicas: 1, readyReplicas: 2 } },
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
  ],
  cells: [[{ status: { replicas: 1, readyReplicas: 1 } }, 1, 1, 1, '10m', 'a', 'example.test/a:1', 'app=a']],
});

testKind({
  group: '',
  resource: 'podtemplates',
  good: { template },
  bad: [
    [{ 'template.spec.containers': [] }, 'template.spec.containers: Required value'],
    [{ 'template.spec.containers.0.name': '' }, 'template.spec.containers[0].name: Required value'],
  ],
  defaults: { 'template.spec.restartPolicy': 'Always', 'metadata.generation': 1 },
  cells: [[{}, 'a', 'example.test/a:1', 'app=a', '10m']],
});

const about = { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' } };

testKind({
  group: '',
  resource: 'events',
  name: 'p.17',
  good: {
    ...about,
    reason: 'Started',
    message: ' started \n',
    type: 'Normal',
    source: { component: 'kubelet', host: 'n1' },
  },
  alsoGood: [
    { 'metadata.name': 'Upper_And(Odd)' },
    { 'involvedObject.namespace': undefined },
    {
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingComponent: 'example.com/c',
      reportingInstance: 'i',
      action: 'Start',
    },
  ],
  bad: [
    [
      { 'involvedObject.namespace': 'other' },
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ],
    [
      { 'metadata.namespace': 'other', 'involvedObject.namespace': undefined },
      'involvedObject.namespace: Invalid value: "": does not match event.namespace',
    ],
    [
      { eventTime: '2026-01-01T00:00:00.000000Z', reportingComponent: 'a', action: 'x' },
      'reportingInstance: Required value',
    ],
    [
      {
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingComponent: 'a',
        reportingInstance: 'i',
        action: 'x'.repeat(129),
      },
      'action: Invalid value: "": can have at most 128 characters',
    ],
  ],
  cells: [
    [
      { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:09:30Z' },
      '30s',
      'Normal',
      'Started',
      'pod/p',
      '',
      'kubelet, n1',
      'started',
      '10m',
      3,
      'p.17',
    ],
    [
      {
        eventTime: '2026-01-01T00:05:00.000000Z',
        source: undefined,
        reportingComponent: 'c',
        'involvedObject.fieldPath': 'spec.containers{a}',
        series: { count: 7, lastObservedTime: '2026-01-01T00:08:00.000000Z' },
      },
      '2m',
      'Normal',
      'Started',
      'pod/p',
      'spec.containers{a}',
      'c',
      'started',
      '5m',
      7,
      'p.17',
    ],
  ],
});
