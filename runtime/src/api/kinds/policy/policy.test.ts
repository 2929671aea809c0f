import { testKind } from '../testing/table.ts';

const NOT_NEGATIVE = 'must be greater than or equal to 0';
const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

testKind({
  group: 'policy',
  resource: 'poddisruptionbudgets',
  good: { spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } },
  alsoGood: [
    { 'spec.minAvailable': '50%' },
    { 'spec.minAvailable': undefined, 'spec.maxUnavailable': 0 },
    { 'spec.selector': {} },
    { 'spec.unhealthyPodEvictionPolicy': 'AlwaysAllow' },
  ],
  bad: [
    [{ 'spec.minAvailable': -1 }, `spec.minAvailable: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.minAvailable': 'x' }, `spec.minAvailable: Invalid value: "x": ${PERCENT}`],
    [{ 'spec.minAvailable': '101%' }, 'spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
    [
      { 'spec.selector': undefined, 'spec.maxUnavailable': 1 },
      'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
    ],
    [
      { 'spec.unhealthyPodEvictionPolicy': 'Never' },
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
    [
      { 'spec.selector': { matchExpressions: [{ key: 'a', operator: 'Is' }] } },
      'spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
    ],
  ],
  defaults: { 'metadata.generation': 1, 'status.disruptionsAllowed': 0, 'status.expectedPods': 0 },
  updates: [[{ 'spec.minAvailable': 2 }], [{ 'spec.selector': { matchLabels: { app: 'b' } } }]],
  statusUpdates: [
    [{ 'status.disruptionsAllowed': 1 }],
    [{ 'status.currentHealthy': -1 }, `status.currentHealthy: Invalid value: -1: ${NOT_NEGATIVE}`],
    [
      { 'status.conditions': [{ type: 'A', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      'status.conditions[0].reason: Required value: must be set',
    ],
  ],
  cells: [
    [{ 'status.disruptionsAllowed': 2 }, '1', 'N/A', 2, '10m'],
    [{ 'spec.minAvailable': undefined, 'spec.maxUnavailable': '25%' }, 'N/A', '25%', 0, '10m'],
  ],
});
