import { testKind } from '../testing/table.ts';
import { LABEL, SUBDOMAIN } from '../testing/texts.ts';
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from './mandatory.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const SUBJECT = 'spec.rules[0].subjects[0]';
const RESOURCE = 'spec.rules.0.resourceRules.0';
const FIRST = 'spec.rules[0].resourceRules[0]';
const VERBS = '"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"';

testKind({
  group,
  resource: 'flowschemas',
  good: {
    spec: {
      priorityLevelConfiguration: { name: 'low' },
      matchingPrecedence: 50,
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'ada' } }],
          resourceRules: [{ verbs: ['get'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
        },
      ],
    },
  },
  alsoGood: [
    { 'spec.rules': undefined },
    { 'spec.distinguisherMethod': { type: 'ByUser' } },
    { [`${RESOURCE}.clusterScope`]: true, [`${RESOURCE}.namespaces`]: undefined },
    { 'spec.rules.0.subjects.0': { kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'ns' } } },
    { 'spec.rules.0.nonResourceRules': [{ verbs: ['*'], nonResourceURLs: ['/healthz/*', '/'] }] },
    ...Object.entries({ ...mandatoryFlowSchemas, ...suggestedFlowSchemas }).map(([name, spec]) => ({
      'metadata.name': name,
      spec,
    })),
  ],
  bad: [
    [{ 'spec.matchingPrecedence': -1 }, 'spec.matchingPrecedence: Invalid value: -1: must be a positive value'],
    [
      { 'spec.matchingPrecedence': 10_001 },
      'spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000',
    ],
    [
      { 'spec.matchingPrecedence': 1 },
      "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
    ],
    [
      { 'spec.distinguisherMethod': { type: 'ByMood' } },
      'spec.distinguisherMethod.type: Unsupported value: {"type":"ByMood"}: supported values: "ByNamespace", "ByUser"',
    ],
    [
      { 'spec.priorityLevelConfiguration.name': '' },
      'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
    ],
    [
      { 'spec.priorityLevelConfiguration.name': 'A' },
      `spec.priorityLevelConfiguration.name: Invalid value: "A": ${SUBDOMAIN}`,
    ],
    [
      { 'spec.rules.0.subjects': [] },
      'spec.rules[0].subjects: Required value: subjects must contain at least one value',
    ],
    [
      { 'spec.rules.0.resourceRules': [] },
      'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
    ],
    [
      { 'spec.rules.0.subjects.0': { kind: 'Robot' } },
      `${SUBJECT}.kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"`,
    ],
    [
      { 'spec.rules.0.subjects.0': { kind: 'User' } },
      `${SUBJECT}.user: Required value: user is required when subject kind is 'User'`,
    ],
    [{ 'spec.rules.0.subjects.0.user.name': '' }, `${SUBJECT}.user.name: Required value`],
    [
      { 'spec.rules.0.subjects.0.group': { name: 'g' } },
      `${SUBJECT}.group: Forbidden: group is forbidden when subject kind is not 'Group'`,
    ],
    [
      { 'spec.rules.0.subjects.0': { kind: 'ServiceAccount', serviceAccount: { name: 'a', namespace: '' } } },
      `${SUBJECT}.serviceAccount.namespace: Required value: must specify namespace for service account`,
    ],
    [{ [`${RESOURCE}.verbs`]: [] }, `${FIRST}.verbs: Required value: verbs must contain at least one value`],
    [
      { [`${RESOURCE}.verbs`]: ['*', 'get'] },
      `${FIRST}.verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
    ],
    [{ [`${RESOURCE}.verbs`]: ['sing'] }, `${FIRST}.verbs: Unsupported value: ["sing"]: supported values: ${VERBS}`],
    [
      { [`${RESOURCE}.apiGroups`]: [] },
      `${FIRST}.apiGroups: Required value: resource rules must supply at least one api group`,
    ],
    [
      { [`${RESOURCE}.apiGroups`]: ['*', 'apps'] },
      `${FIRST}.apiGroups: Invalid value: ["*","apps"]: if '*' is present, must not specify other api groups`,
    ],
    [
      { [`${RESOURCE}.resources`]: [] },
      `${FIRST}.resources: Required value: resource rules must supply at least one resource`,
    ],
    [
      { [`${RESOURCE}.namespaces`]: [] },
      `${FIRST}.namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`,
    ],
    [
      { [`${RESOURCE}.namespaces`]: ['A'] },
      `${FIRST}.namespaces[0]: Invalid value: "A": each member of this list must be '*' or a DNS-1123 label; ${LABEL}`,
    ],
    ...(
      [
        ['x', 'must start with slash'],
        ['/a b', 'must not contain white-space'],
        ['/a//b', 'must not contain double slash'],
        ['/a*', 'wildcard can only do suffix matching'],
        ['/*/a', 'wildcard can only do suffix matching'],
        ['/*/*', 'wildcard can only do suffix matching'],
      ] as const
    ).map(
      ([url, text]) =>
        [
          { 'spec.rules.0.nonResourceRules': [{ verbs: ['get'], nonResourceURLs: [url] }] },
          `spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "${url}": ${text}`,
        ] as const,
    ),
  ],
  defaults: { 'metadata.generation': 1, status: undefined },
  statusUpdates: [
    [{ 'status.conditions': [{ type: 'Dangling', status: 'False' }] }],
    [{ 'status.conditions': [{ status: 'False' }] }, 'status.conditions[0].type: Required value: must not be empty'],
    [
      { 'status.conditions': [{ type: 'Dangling' }, { type: 'Dangling' }] },
      'status.conditions[1].type: Duplicate value: "Dangling"',
    ],
  ],
  cells: [
    [{}, 'low', 50, '<none>', '10m', '?'],
    [{ 'status.conditions': [{ type: 'Dangling', status: 'True' }] }, 'low', 50, '<none>', '10m', 'True'],
  ],
});

const QUEUING = 'spec.limited.limitResponse.queuing';

testKind({
  group,
  resource: 'prioritylevelconfigurations',
  good: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
  alsoGood: [
    { 'spec.limited.limitResponse': { type: 'Reject' } },
    { 'spec.limited.nominalConcurrencyShares': 0 },
    { 'spec.limited.borrowingLimitPercent': 250 },
    { 'metadata.name': 'exempt', spec: { type: 'Exempt', exempt: { lendablePercent: 50 } } },
    ...Object.entries({ ...mandatoryPriorityLevels, ...suggestedPriorityLevels }).map(([name, spec]) => ({
      'metadata.name': name,
      spec,
    })),
  ],
  bad: [
    [
      { spec: { type: 'Exempt' } },
      "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'",
    ],
    [{ 'spec.type': 'Some' }, 'spec.type: Unsupported value: "Some": supported values: "Exempt", "Limited"'],
    [{ 'spec.limited': undefined }, 'spec.limited: Required value: must not be empty when type is Limited'],
    [{ 'spec.exempt': {} }, 'spec.exempt: Forbidden: must be nil if the type is Limited'],
    [
      { 'spec.limited.nominalConcurrencyShares': -1 },
      'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
    ],
    [
      { 'spec.limited.lendablePercent': 101 },
      'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    ],
    [
      { 'spec.limited.borrowingLimitPercent': -1 },
      'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
    ],
    [
      { 'spec.limited.limitResponse': { type: 'Wait' } },
      'spec.limited.limitResponse.type: Unsupported value: "Wait": supported values: "Queue", "Reject"',
    ],
    [
      { 'spec.limited.limitResponse.type': 'Reject' },
      `${QUEUING}: Forbidden: must be nil if limited.limitResponse.type is not Limited`,
    ],
    [
      { [QUEUING]: undefined },
      `${QUEUING}: Required value: must not be empty if limited.limitResponse.type is Limited`,
    ],
    [
      { [`${QUEUING}.queues`]: -1 },
      `${QUEUING}.queues: Invalid value: -1: must be positive`,
      `${QUEUING}.handSize: Invalid value: 8: should not be greater than queues (-1)`,
    ],
    [{ [`${QUEUING}.queues`]: 4 }, `${QUEUING}.handSize: Invalid value: 8: should not be greater than queues (4)`],
    [
      { [`${QUEUING}.queues`]: 512, [`${QUEUING}.handSize`]: 8 },
      `${QUEUING}.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60`,
    ],
    [{ [`${QUEUING}.queueLengthLimit`]: -1 }, `${QUEUING}.queueLengthLimit: Invalid value: -1: must be positive`],
    [
      {
        'metadata.name': 'catch-all',
        spec: { type: 'Limited', limited: { nominalConcurrencyShares: 6, limitResponse: { type: 'Reject' } } },
      },
      'spec: Invalid value: {"type":"Limited","limited":{"nominalConcurrencyShares":6,"limitResponse":{"type":"Reject"},"lendablePercent":0}}: spec of \'catch-all\' must equal the fixed value',
    ],
  ],
  defaults: {
    'spec.limited.nominalConcurrencyShares': 30,
    'spec.limited.lendablePercent': 0,
    [`${QUEUING}.queues`]: 64,
    [`${QUEUING}.handSize`]: 8,
    [`${QUEUING}.queueLengthLimit`]: 50,
  },
  cells: [
    [{}, 'Limited', '30', '64', '8', '50', '10m'],
    [{ 'metadata.name': 'exempt', spec: { type: 'Exempt' } }, 'Exempt', '<none>', '<none>', '<none>', '<none>', '10m'],
  ],
});
