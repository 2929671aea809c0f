import { testKind } from '../testing/table.ts';
import { DNS1035, SUBDOMAIN } from '../testing/texts.ts';

const LOCAL = {
  type: 'Available',
  status: 'True',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason: 'Local',
  message: 'Local APIServices are always available',
};

testKind({
  group: 'apiregistration.k8s.io',
  resource: 'apiservices',
  name: 'v1.example.com',
  good: { spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100 } },
  alsoGood: [
    { 'spec.service': { namespace: 'ns', name: 'api' } },
    { 'spec.service': { namespace: 'ns', name: 'api' }, 'spec.insecureSkipTLSVerify': true },
    { 'metadata.name': 'v1.', 'spec.group': undefined },
  ],
  bad: [
    [
      { 'metadata.name': 'x' },
      'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.example.com"',
    ],
    [
      { 'metadata.name': 'v2.', 'spec.group': undefined, 'spec.version': 'v2' },
      'spec.group: Required value: only v1 may have an empty group and it better be legacy kube',
    ],
    [{ 'metadata.name': 'v1.EXAMPLE', 'spec.group': 'EXAMPLE' }, `spec.group: Invalid value: "EXAMPLE": ${SUBDOMAIN}`],
    [{ 'metadata.name': '1.example.com', 'spec.version': '1' }, `spec.version: Invalid value: "1": ${DNS1035}`],
    [
      { 'spec.groupPriorityMinimum': 0 },
      'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
    ],
    [
      { 'spec.groupPriorityMinimum': 20_001 },
      'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
    ],
    [{ 'spec.versionPriority': 0 }, 'spec.versionPriority: Invalid value: 0: must be positive and less than 1000'],
    [
      { 'spec.versionPriority': 1001 },
      'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
    ],
    [{ 'spec.caBundle': 'YWJj' }, 'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle'],
    [
      { 'spec.insecureSkipTLSVerify': true },
      'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
    ],
    [{ 'spec.service': { name: 'api' } }, 'spec.service.namespace: Required value'],
    [{ 'spec.service': { namespace: 'ns' } }, 'spec.service.name: Required value'],
    [
      { 'spec.service': { namespace: 'ns', name: 'api' }, 'spec.insecureSkipTLSVerify': true, 'spec.caBundle': 'YWJj' },
      'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
    ],
  ],
  defaults: { 'status.conditions': [LOCAL], 'metadata.generation': undefined },
  updates: [[{ 'spec.versionPriority': 7 }]],
  statusUpdates: [
    [{ 'status.conditions': [{ type: 'Available', status: 'False' }] }],
    [
      { 'status.conditions': [{ type: 'Available', status: 'Maybe' }] },
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"',
    ],
  ],
  cells: [
    [{}, 'Local', 'True', '10m'],
    [{ 'spec.service': { namespace: 'ns', name: 'api' }, status: undefined }, 'ns/api', 'Unknown', '10m'],
    [
      {
        'spec.service': { namespace: 'ns', name: 'api' },
        'status.conditions': [{ type: 'Available', status: 'False', reason: 'ServiceNotFound' }],
      },
      'ns/api',
      'False (ServiceNotFound)',
      '10m',
    ],
  ],
});
