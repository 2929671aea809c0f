/** Leases, RuntimeClasses and PriorityClasses. */
import { testKind } from '../testing/table.ts';
import { LABEL, QUALIFIED } from '../testing/texts.ts';

testKind({
  group: 'coordination.k8s.io',
  resource: 'leases',
  good: { spec: { holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 0 } },
  alsoGood: [
    { spec: {} },
    { 'spec.strategy': 'OldestEmulationVersion', 'spec.preferredHolder': 'you' },
    { 'spec.strategy': 'example.com/mine' },
  ],
  bad: [
    [{ 'spec.leaseDurationSeconds': 0 }, 'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    [{ 'spec.leaseTransitions': -1 }, 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'],
    [
      { 'spec.strategy': 'Mine' },
      'spec.strategy.strategy: Unsupported value: "Mine": supported values: "OldestEmulationVersion"',
    ],
    [
      { 'spec.preferredHolder': 'you' },
      'spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined',
    ],
  ],
  defaults: { 'metadata.generation': undefined },
  updates: [[{ 'spec.holderIdentity': 'you' }]],
  cells: [
    [{}, 'me', '10m'],
    [{ spec: {} }, '', '10m'],
  ],
});

testKind({
  group: 'node.k8s.io',
  resource: 'runtimeclasses',
  good: { handler: 'kata' },
  alsoGood: [
    { overhead: { podFixed: { cpu: '250m', memory: '64Mi' } } },
    { scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] } },
  ],
  bad: [
    [{ handler: '' }, `handler: Invalid value: "": ${LABEL}`],
    [{ handler: 'Kata' }, `handler: Invalid value: "Kata": ${LABEL}`],
    [{ scheduling: { nodeSelector: { 'a b': 'c' } } }, `scheduling.nodeSelector: Invalid value: "a b": ${QUALIFIED}`],
  ],
  updates: [
    [{ scheduling: { nodeSelector: { a: 'b' } } }],
    [{ handler: 'other' }, 'handler: Invalid value: "other": field is immutable'],
  ],
  cells: [[{}, 'kata', '10m']],
});

const RESERVED =
  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error:";

testKind({
  group: 'scheduling.k8s.io',
  resource: 'priorityclasses',
  good: { value: 1000 },
  alsoGood: [
    { value: 1_000_000_000 },
    { value: -5, preemptionPolicy: 'Never', globalDefault: true },
    { 'metadata.name': 'system-node-critical', value: 2_000_001_000 },
  ],
  bad: [
    [{ value: 1_000_000_001 }, 'value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    [{ 'metadata.name': 'system-mine' }, `${RESERVED} system-mine is not a known system priority class`],
    [
      { 'metadata.name': 'system-node-critical' },
      `${RESERVED} value of system-node-critical PriorityClass must be 2000001000`,
    ],
    [
      { 'metadata.name': 'system-node-critical', value: 2_000_001_000, globalDefault: true },
      `${RESERVED} globalDefault of system-node-critical PriorityClass must be false`,
    ],
    [
      { preemptionPolicy: 'Always' },
      'preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"',
    ],
  ],
  defaults: { preemptionPolicy: 'PreemptLowerPriority', 'metadata.generation': 1 },
  updates: [
    [{ description: 'x', globalDefault: true }],
    [{ value: 2000 }, 'value: Forbidden: may not be changed in an update.'],
    [{ preemptionPolicy: 'Never' }, 'preemptionPolicy: Invalid value: "Never": field is immutable'],
  ],
  cells: [[{}, 1000, false, '10m', 'PreemptLowerPriority']],
});
