import { testKind } from '../testing/table.ts';
import { QUALIFIED } from '../testing/texts.ts';

const item = (more: object) => ({ 'spec.limits': [{ type: 'Container', ...more }] });

testKind({
  group: '',
  resource: 'resourcequotas',
  good: { spec: { hard: { pods: '3', 'requests.cpu': '1' } } },
  alsoGood: [
    { 'spec.hard': { 'count/deployments.apps': '4', 'services.nodeports': '0' } },
    { 'spec.hard': { pods: '1' }, 'spec.scopes': ['BestEffort'] },
    { 'spec.scopes': ['NotBestEffort', 'NotTerminating'] },
    {
      'spec.scopeSelector.matchExpressions': [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
    },
    { 'spec.hard': { 'example.com/gpu': '1' } },
  ],
  bad: [
    [{ 'spec.hard': { pods: '-1' } }, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    [{ 'spec.hard': { pods: '500m' } }, 'spec.hard[pods]: Invalid value: "500m": must be an integer'],
    [
      { 'spec.hard': { gpu: '1' } },
      'spec.hard[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.hard[gpu]: Invalid value: "gpu": must be a standard resource for quota',
    ],
    [{ 'spec.scopes': ['Lunch'] }, 'spec.scopes: Invalid value: ["Lunch"]: unsupported scope'],
    [
      { 'spec.hard': { pods: '1' }, 'spec.scopes': ['BestEffort', 'NotBestEffort'] },
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
    ],
    [
      { 'spec.hard': { 'requests.cpu': '1' }, 'spec.scopes': ['BestEffort'] },
      'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource',
    ],
    [
      { 'spec.scopeSelector.matchExpressions': [{ scopeName: 'PriorityClass', operator: 'In' }] },
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
    ],
    [
      { 'spec.scopeSelector.matchExpressions': [{ scopeName: 'PriorityClass', operator: 'Is' }] },
      'spec.scopeSelector.matchExpressions.operator: Invalid value: "Is": not a valid selector operator',
    ],
  ],
  defaults: { status: {} },
  updates: [
    [{ 'spec.hard.pods': '5' }],
    [{ 'spec.scopes': ['NotTerminating'] }, 'spec.scopes: Invalid value: ["NotTerminating"]: field is immutable'],
  ],
  statusUpdates: [
    [{ status: { hard: { pods: '3' }, used: { pods: '1' } } }],
    [
      { status: { used: { pods: '-1' } } },
      'status.used[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  ],
  cells: [
    [
      { status: { hard: { pods: '3', 'limits.cpu': '2' }, used: { pods: '1' } } },
      'pods: 1/3',
      'limits.cpu: 0/2',
      '10m',
    ],
  ],
});

testKind({
  group: '',
  resource: 'limitranges',
  good: { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1' } }] } },
  alsoGood: [
    { 'spec.limits': [{ type: 'Pod', max: { memory: '1Gi' } }] },
    { 'spec.limits': [{ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }] },
    item({ max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } }),
    item({ default: { memory: '1Gi' }, defaultRequest: { memory: '512Mi' } }),
  ],
  bad: [
    [
      { 'spec.limits.0.type': 'Thing' },
      'spec.limits[0].type: Invalid value: "Thing": must be a standard limit type or fully qualified',
    ],
    [{ 'spec.limits.0.type': 'a b' }, `spec.limits[0].type: Invalid value: "a b": ${QUALIFIED}`],
    [
      {
        'spec.limits': [
          { type: 'Pod', max: { cpu: '1' } },
          { type: 'Pod', max: { cpu: '1' } },
        ],
      },
      'spec.limits[1].type: Duplicate value: "Pod"',
    ],
    [
      { 'spec.limits': [{ type: 'Pod', default: { cpu: '1' } }] },
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
    ],
    [
      { 'spec.limits': [{ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }] },
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      { 'spec.limits': [{ type: 'PersistentVolumeClaim' }] },
      'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
    ],
    [
      item({ max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '3' } }),
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
    ],
    [
      item({ default: { cpu: '1' }, defaultRequest: { cpu: '2' } }),
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1',
    ],
  ],
  defaults: { 'spec.limits.0.default': { cpu: '2' }, 'spec.limits.0.defaultRequest': { cpu: '2' } },
  cells: [[{}, '2026-01-01T00:00:00Z']],
});
