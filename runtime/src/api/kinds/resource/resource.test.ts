import { testKind } from '../testing/table.ts';
import { C_IDENTIFIER, LABEL, SUBDOMAIN } from '../testing/texts.ts';

const group = 'resource.k8s.io';
const REQUEST = 'spec.devices.requests[0]';
const R = 'spec.devices.requests.0';
const ONE_OF = 'exactly one of `exactly` or `firstAvailable` is required';
const UNKNOWN = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

testKind({
  group,
  resource: 'resourceclaims',
  good: { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] } } },
  alsoGood: [
    { spec: {} },
    { [`${R}.exactly.allocationMode`]: 'All' },
    { [`${R}.exactly.count`]: 2, [`${R}.exactly.selectors`]: [{ cel: { expression: 'true' } }] },
    { [`${R}.exactly`]: undefined, [`${R}.firstAvailable`]: [{ name: 'a', deviceClassName: 'c' }] },
    { 'spec.devices.constraints': [{ requests: ['gpu'], matchAttribute: 'example.com/numa' }] },
    {
      'spec.devices.config': [{ requests: ['gpu'], opaque: { driver: 'gpu.example.com', parameters: { a: 1 } } }],
    },
    { [`${R}.exactly.tolerations`]: [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }] },
  ],
  bad: [
    [{ [`${R}.name`]: 'A' }, `${REQUEST}.name: Invalid value: "A": ${LABEL}`],
    [{ [`${R}.exactly`]: undefined }, `${REQUEST}: Required value: ${ONE_OF}`],
    [
      { [`${R}.firstAvailable`]: [{ name: 'a', deviceClassName: 'c' }] },
      `${REQUEST}: Invalid value: null: ${ONE_OF}, but multiple fields are set`,
    ],
    [{ [`${R}.exactly.deviceClassName`]: '' }, `${REQUEST}.exactly.deviceClassName: Required value`],
    [{ [`${R}.exactly.deviceClassName`]: 'A' }, `${REQUEST}.exactly.deviceClassName: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { [`${R}.exactly.allocationMode`]: 'Some' },
      `${REQUEST}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`,
    ],
    [
      { [`${R}.exactly.allocationMode`]: 'All', [`${R}.exactly.count`]: 2 },
      `${REQUEST}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`,
    ],
    [{ [`${R}.exactly.count`]: -1 }, `${REQUEST}.exactly.count: Invalid value: -1: must be greater than zero`],
    [{ [`${R}.exactly.selectors`]: [{}] }, `${REQUEST}.exactly.selectors[0].cel: Required value`],
    [
      { [`${R}.exactly.selectors`]: [{ cel: { expression: 'x'.repeat(10_241) } }] },
      `${REQUEST}.exactly.selectors[0].cel.expression: Too long: may not be more than 10240 bytes`,
    ],
    [
      { 'spec.devices.requests.1': { name: 'gpu', exactly: { deviceClassName: 'c' } } },
      'spec.devices.requests[1]: Duplicate value: "gpu"',
    ],
    [
      {
        'spec.devices.requests': Array.from({ length: 33 }, (_, i) => ({
          name: `r${i}`,
          exactly: { deviceClassName: 'c' },
        })),
      },
      'spec.devices.requests: Too many: 33: must have at most 32 items',
    ],
    [
      { 'spec.devices.constraints': [{ requests: ['tpu'], matchAttribute: 'example.com/numa' }] },
      `spec.devices.constraints[0].requests[0]: Invalid value: "tpu": ${UNKNOWN}`,
    ],
    [
      { 'spec.devices.constraints': [{ matchAttribute: 'numa' }] },
      'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
    ],
    [
      { 'spec.devices.constraints': [{ matchAttribute: 'example.com/1' }] },
      `spec.devices.constraints[0].matchAttribute: Invalid value: "1": ${C_IDENTIFIER}`,
    ],
    [{ 'spec.devices.config': [{ requests: ['gpu'] }] }, 'spec.devices.config[0].opaque: Required value'],
    [
      { 'spec.devices.config': [{ opaque: { driver: '', parameters: { a: 1 } } }] },
      'spec.devices.config[0].opaque.driver: Required value',
    ],
    [
      { 'spec.devices.config': [{ opaque: { driver: 'd', parameters: [1] } }] },
      'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
    ],
  ],
  defaults: {
    [`${R}.exactly.allocationMode`]: 'ExactCount',
    [`${R}.exactly.count`]: 1,
    'metadata.generation': undefined,
    status: undefined,
  },
  updates: [
    [{ 'metadata.labels': { a: 'b' } }],
    [
      { [`${R}.name`]: 'other' },
      'spec: Invalid value: {"devices":{"requests":[{"name":"other","exactly":{"deviceClassName":"gpu.example.com","allocationMode":"ExactCount","count":1}}]}}: field is immutable',
    ],
  ],
  statusUpdates: [
    [
      {
        'status.allocation': {
          devices: { results: [{ request: 'gpu', driver: 'gpu.example.com', pool: 'n1', device: 'gpu-0' }] },
        },
        'status.reservedFor': [{ resource: 'pods', name: 'p', uid: 'u' }],
      },
    ],
    [
      { 'status.reservedFor': [{ resource: 'pods', name: 'p', uid: 'u' }] },
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ],
    [
      { 'status.allocation': { devices: { results: [{ request: 'x', driver: 'd', pool: 'n1', device: 'a' }] } } },
      `status.allocation.devices.results[0].request: Invalid value: "x": ${UNKNOWN}`,
    ],
    [
      { 'status.devices': [{ driver: 'd', pool: 'n1', device: 'a' }] },
      'status.devices[0]: Invalid value: "d/n1/a": must be an allocated device in the claim',
    ],
  ],
  cells: [
    [{}, 'pending', '10m'],
    [{ 'status.allocation': {} }, 'allocated', '10m'],
    [{ 'status.allocation': {}, 'status.reservedFor': [{}] }, 'allocated,reserved', '10m'],
    [{ 'metadata.deletionTimestamp': 'x', 'status.allocation': {} }, 'deleted,allocated', '10m'],
  ],
});

testKind({
  group,
  resource: 'resourceclaimtemplates',
  good: { spec: { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'c' } }] } } } },
  alsoGood: [{ 'spec.metadata': { labels: { a: 'b' } } }],
  bad: [
    [{ 'spec.spec.devices.requests.0.name': 'A' }, `spec.spec.devices.requests[0].name: Invalid value: "A": ${LABEL}`],
  ],
  updates: [[{ 'spec.spec': {} }, 'spec: Invalid value: {"spec":{}}: field is immutable']],
});

testKind({
  group,
  resource: 'deviceclasses',
  name: 'gpu.example.com',
  good: { spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }] } },
  alsoGood: [{ spec: {} }, { 'spec.extendedResourceName': 'example.com/gpu' }],
  bad: [
    [{ 'spec.selectors': [{}] }, 'spec.selectors[0].cel: Required value'],
    [{ 'spec.config': [{}] }, 'spec.config[0].opaque: Required value'],
    [
      { 'spec.extendedResourceName': 'gpu' },
      'spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name',
    ],
  ],
  defaults: { 'metadata.generation': 1 },
  updates: [[{ spec: {} }]],
});

const NODES = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const D = 'spec.devices.0';
const DEVICE = 'spec.devices[0]';
const PER_DEVICE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const POLICY = `${DEVICE}.capacity[memory].requestPolicy`;
const capacity = (policy: object) => ({
  [`${D}.allowMultipleAllocations`]: true,
  [`${D}.capacity`]: { memory: { value: '10Gi', requestPolicy: policy } },
});

testKind({
  group,
  resource: 'resourceslices',
  good: {
    spec: {
      driver: 'gpu.example.com',
      nodeName: 'n1',
      pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0', attributes: { model: { string: 'a' }, 'example.com/n': { int: 1 } } }],
    },
  },
  alsoGood: [
    { [`${D}.capacity`]: { memory: { value: '10Gi' } } },
    { [`${D}.taints`]: [{ key: 'k', effect: 'NoSchedule' }] },
    { 'spec.nodeName': undefined, 'spec.allNodes': true },
    { 'spec.nodeName': undefined, 'spec.perDeviceNodeSelection': true, [`${D}.nodeName`]: 'n1' },
    { 'spec.devices': undefined, 'spec.sharedCounters': [{ name: 'c', counters: { a: { value: '1' } } }] },
    capacity({ default: '1Gi', validRange: { min: '1Gi', max: '8Gi', step: '1Gi' } }),
    capacity({ default: '1Gi', validValues: ['1Gi', '2Gi'] }),
  ],
  bad: [
    [{ 'spec.driver': '' }, 'spec.driver: Required value'],
    [{ 'spec.pool.name': '' }, 'spec.pool.name: Required value'],
    [{ 'spec.pool.name': 'a/B' }, `spec.pool.name: Invalid value: "B": ${SUBDOMAIN}`],
    [
      { 'spec.pool.resourceSliceCount': 0 },
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
    ],
    [{ 'spec.pool.generation': -1 }, 'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero'],
    [{ 'spec.nodeName': undefined }, `spec: Required value: ${NODES}`],
    [
      { 'spec.allNodes': true },
      `spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${NODES}, but multiple fields are set`,
    ],
    [
      { 'spec.nodeName': '' },
      'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
      `spec: Required value: ${NODES}`,
    ],
    [{ 'spec.allNodes': false }, 'spec.allNodes: Invalid value: false: must be either unset or set to true'],
    [
      { 'spec.sharedCounters': [{ name: 'c', counters: { a: { value: '1' } } }] },
      'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
    ],
    [{ [`${D}.name`]: 'A' }, `${DEVICE}.name: Invalid value: "A": ${LABEL}`],
    [{ 'spec.devices.1': { name: 'gpu-0' } }, 'spec.devices[1]: Duplicate value: "gpu-0"'],
    [
      { 'spec.devices': Array.from({ length: 129 }, (_, i) => ({ name: `d${i}` })) },
      'spec.devices: Too many: 129: must have at most 128 items',
    ],
    [
      {
        'spec.devices': Array.from({ length: 65 }, (_, i) => ({
          name: `d${i}`,
          taints: [{ key: 'k', effect: 'NoSchedule' }],
        })),
      },
      'spec.devices: Too many: 65: must have at most 64 items',
    ],
    [
      { [`${D}.attributes`]: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, { int: 1 }])) },
      `${DEVICE}: Invalid value: 33: the total number of attributes and capacities must not exceed 32`,
    ],
    [
      { [`${D}.attributes`]: { a: {} } },
      `${DEVICE}.attributes[a]: Invalid value: "": exactly one value must be specified`,
    ],
    [
      { [`${D}.attributes`]: { a: { int: 1, bool: true } } },
      `${DEVICE}.attributes[a]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified`,
    ],
    [
      { [`${D}.attributes`]: { a: { version: '1' } } },
      `${DEVICE}.attributes[a].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0`,
    ],
    [
      { [`${D}.attributes`]: { a: { string: 'x'.repeat(65) } } },
      `${DEVICE}.attributes[a].string: Too long: may not be more than 64 bytes`,
    ],
    [
      { [`${D}.attributes`]: { 'a-b': { int: 1 } } },
      `${DEVICE}.attributes[a-b]: Invalid value: "a-b": ${C_IDENTIFIER}`,
    ],
    [
      { [`${D}.taints`]: [{ key: 'k', effect: 'Explode' }] },
      `${DEVICE}.taints[0].effect: Unsupported value: "Explode": supported values: "NoExecute", "NoSchedule", "None"`,
    ],
    [
      { [`${D}.nodeName`]: 'n1' },
      `${DEVICE}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
    ],
    [{ 'spec.nodeName': undefined, 'spec.perDeviceNodeSelection': true }, `${DEVICE}: Required value: ${PER_DEVICE}`],
    [
      { [`${D}.consumesCounters`]: [{ counterSet: '' }] },
      `${DEVICE}.consumesCounters[0].counterSet: Required value`,
      `${DEVICE}.consumesCounters[0].counters: Required value`,
    ],
    [
      { [`${D}.capacity`]: { memory: { value: '1', requestPolicy: { default: '1' } } } },
      `${POLICY}: Forbidden: allowMultipleAllocations must be true`,
    ],
    [
      capacity({ default: '1Gi', validValues: ['1Gi'], validRange: { min: '1Gi' } }),
      `${POLICY}: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`,
    ],
    [capacity({ validValues: ['1Gi'] }), `${POLICY}.default: Required value: required when validValues is defined`],
    [
      capacity({ default: '3Gi', validValues: ['1Gi', '2Gi'] }),
      `${POLICY}.validValues: Invalid value: "3Gi": default value is not valid according to the requestPolicy`,
    ],
    [
      capacity({ default: '1Gi', validValues: ['1Gi', '20Gi'] }),
      `${POLICY}.validValues[1]: Invalid value: "20Gi": option is larger than capacity value: 10Gi`,
    ],
    [
      capacity({ default: '1Gi', validValues: ['2Gi', '1Gi'] }),
      `${POLICY}.validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order`,
    ],
    [
      capacity({ default: '1Gi', validRange: {} }),
      `${POLICY}.validRange.min: Required value: required when validRange is defined`,
    ],
    [
      capacity({ default: '1Gi', validRange: { min: '2Gi' } }),
      `${POLICY}.validRange.default: Invalid value: "1Gi": default is less than min: 2Gi`,
    ],
    [
      capacity({ default: '3Gi', validRange: { min: '1Gi', step: '4Gi' } }),
      `${POLICY}.validRange.step: Invalid value: "3Gi": value is not a multiple of a given step (4Gi) from (1Gi)`,
    ],
  ],
  defaults: { 'metadata.generation': 1 },
  updates: [
    [{ [`${D}.attributes.model.string`]: 'b' }],
    [{ 'spec.driver': 'other.example.com' }, 'spec.driver: Invalid value: "other.example.com": field is immutable'],
    [{ 'spec.nodeName': 'n2' }, 'spec.nodeName: Invalid value: "n2": field is immutable'],
    [{ 'spec.pool.name': 'other' }, 'spec.pool.name: Invalid value: "other": field is immutable'],
  ],
  cells: [
    [{}, 'n1', 'gpu.example.com', 'n1', '10m'],
    [{ 'spec.nodeName': undefined, 'spec.allNodes': true }, '<unset>', 'gpu.example.com', 'n1', '10m'],
  ],
});
