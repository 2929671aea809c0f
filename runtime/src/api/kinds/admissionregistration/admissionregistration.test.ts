import { type Row, testKind } from '../testing/table.ts';
import { DNS1035, QUALIFIED, SUBDOMAIN } from '../testing/texts.ts';

const group = 'admissionregistration.k8s.io';
const RULE = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] };
const HOOK = {
  name: 'hook.example.com',
  clientConfig: { service: { namespace: 'ns', name: 'hook' } },
  rules: [RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const W = 'webhooks.0';
const FIRST = 'webhooks[0]';
const URL_FORM = '; desired format: https://host[/path]';

/** What a rule may not be; at `<path>.rules[0]` of webhooks and `resourceRules[0]` of policies alike. */
const badRules = (path: string, field: string) =>
  (
    [
      ['operations', [], 'Required value'],
      [
        'operations',
        ['*', 'CREATE'],
        `Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
      ],
      ['apiGroups', [], 'Required value'],
      ['apiGroups', ['*', 'a'], `Invalid value: ["*","a"]: if '*' is present, must not specify other API groups`],
      ['apiVersions', [], 'Required value'],
      ['apiVersions', ['*', 'v1'], `Invalid value: ["*","v1"]: if '*' is present, must not specify other API versions`],
      ['resources', [], 'Required value'],
      ['resources', ['*/*', 'a'], `Invalid value: ["*/*","a"]: if '*/*' is present, must not specify other resources`],
      [
        'resources',
        ['*', 'a'],
        `Invalid value: ["*","a"]: if '*' is present, must not specify other resources without subresources`,
      ],
      ['scope', 'Galaxy', 'Unsupported value: "Galaxy": supported values: "*", "Cluster", "Namespaced"'],
    ] as const
  ).map(([name, value, text]) => [{ [`${path}.${name}`]: value }, `${field}.${name}: ${text}`] as const);

for (const resource of ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'])
  testKind({
    group,
    resource,
    good: { webhooks: [HOOK] },
    alsoGood: [
      { webhooks: undefined },
      { [`${W}.clientConfig`]: { url: 'https://example.com:8443/hook' } },
      { [`${W}.rules.0.resources`]: ['*/*'] },
      { [`${W}.rules.0.resources`]: ['deployments', 'deployments/scale', '*/status'] },
      { [`${W}.admissionReviewVersions`]: ['v2', 'v1beta1'] },
      { [`${W}.matchConditions`]: [{ name: 'a/b', expression: 'true' }] },
    ],
    bad: [
      [{ [`${W}.name`]: '' }, `${FIRST}.name: Required value`],
      [
        { [`${W}.name`]: 'a.b' },
        `${FIRST}.name: Invalid value: "a.b": should be a domain with at least three segments separated by dots`,
      ],
      [{ [`${W}.name`]: 'A.b.c' }, `${FIRST}.name: Invalid value: "A.b.c": ${SUBDOMAIN}`],
      ...badRules(`${W}.rules.0`, `${FIRST}.rules[0]`),
      [
        { [`${W}.rules.0.operations`]: ['READ'] },
        `${FIRST}.rules[0].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"`,
      ],
      [{ [`${W}.rules.0.apiVersions`]: [''] }, `${FIRST}.rules[0].apiVersions[0]: Required value`],
      [{ [`${W}.rules.0.resources`]: [''] }, `${FIRST}.rules[0].resources[0]: Required value`],
      [
        { [`${W}.rules.0.resources`]: ['a/*', 'a/b'] },
        `${FIRST}.rules[0].resources[1]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b`,
      ],
      [
        { [`${W}.rules.0.resources`]: ['*/b', 'a/b'] },
        `${FIRST}.rules[0].resources[1]: Invalid value: "a/b": if '*/b' is present, must not specify a/b`,
      ],
      [
        { [`${W}.failurePolicy`]: 'Hope' },
        `${FIRST}.failurePolicy: Unsupported value: "Hope": supported values: "Fail", "Ignore"`,
      ],
      [
        { [`${W}.matchPolicy`]: 'Loose' },
        `${FIRST}.matchPolicy: Unsupported value: "Loose": supported values: "Equivalent", "Exact"`,
      ],
      [
        { [`${W}.sideEffects`]: undefined },
        `${FIRST}.sideEffects: Required value: must specify one of None, NoneOnDryRun`,
      ],
      [
        { [`${W}.sideEffects`]: 'Some' },
        `${FIRST}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`,
      ],
      ...[0, 31].map(
        seconds =>
          [
            { [`${W}.timeoutSeconds`]: seconds },
            `${FIRST}.timeoutSeconds: Invalid value: ${seconds}: the timeout value must be between 1 and 30 seconds`,
          ] as const,
      ),
      [
        { [`${W}.namespaceSelector`]: { matchLabels: { 'a b': 'c' } } },
        `${FIRST}.namespaceSelector.matchLabels: Invalid value: "a b": ${QUALIFIED}`,
      ],
      [
        { [`${W}.clientConfig`]: {} },
        `${FIRST}.clientConfig: Required value: exactly one of url or service is required`,
      ],
      [
        { [`${W}.clientConfig.url`]: 'https://example.com' },
        `${FIRST}.clientConfig: Required value: exactly one of url or service is required`,
      ],
      [
        { [`${W}.clientConfig`]: { url: 'http://example.com' } },
        `${FIRST}.clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme${URL_FORM}`,
      ],
      [
        { [`${W}.clientConfig`]: { url: 'https:///x' } },
        `${FIRST}.clientConfig.url: Invalid value: "": host must be specified${URL_FORM}`,
      ],
      [
        { [`${W}.clientConfig`]: { url: 'https://me@example.com?a=b#c' } },
        `${FIRST}.clientConfig.url: Invalid value: "me": user information is not permitted in the URL`,
        `${FIRST}.clientConfig.url: Invalid value: "c": fragments are not permitted in the URL`,
        `${FIRST}.clientConfig.url: Invalid value: "a=b": query parameters are not permitted in the URL`,
      ],
      [{ [`${W}.clientConfig.service.name`]: '' }, `${FIRST}.clientConfig.service.name: Required value`],
      [
        { [`${W}.clientConfig.service.port`]: 70000 },
        `${FIRST}.clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive`,
      ],
      [
        { [`${W}.clientConfig.service.path`]: '/a//b' },
        `${FIRST}.clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty`,
      ],
      [
        { [`${W}.clientConfig.service.path`]: '//' },
        `${FIRST}.clientConfig.service.path: Invalid value: "//": segment[0] may not be empty`,
      ],
      [
        { [`${W}.admissionReviewVersions`]: [] },
        `${FIRST}.admissionReviewVersions: Required value: must specify one of v1, v1beta1`,
      ],
      [
        { [`${W}.admissionReviewVersions`]: ['v2'] },
        `${FIRST}.admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1`,
      ],
      [
        { [`${W}.admissionReviewVersions`]: ['v1', 'v1'] },
        `${FIRST}.admissionReviewVersions[1]: Invalid value: "v1": duplicate version`,
      ],
      [
        { [`${W}.admissionReviewVersions`]: ['v1', '1'] },
        `${FIRST}.admissionReviewVersions[1]: Invalid value: "1": ${DNS1035}`,
      ],
      [{ webhooks: [HOOK, HOOK] }, 'webhooks[1].name: Duplicate value: "hook.example.com"'],
      [
        { [`${W}.matchConditions`]: [{ name: '', expression: ' ' }] },
        `${FIRST}.matchConditions[0].expression: Required value`,
        `${FIRST}.matchConditions[0].name: Required value`,
      ],
      [
        {
          [`${W}.matchConditions`]: [
            { name: 'a', expression: 'true' },
            { name: 'a', expression: 'true' },
          ],
        },
        `${FIRST}.matchConditions[1].name: Duplicate value: "a"`,
      ],
      [
        {
          [`${W}.matchConditions`]: Array.from({ length: 65 }, (_, i) => ({ name: `n${i}`, expression: 'true' })),
        },
        `${FIRST}.matchConditions: Too many: 65: must have at most 64 items`,
      ],
    ],
    defaults: {
      [`${W}.failurePolicy`]: 'Fail',
      [`${W}.matchPolicy`]: 'Equivalent',
      [`${W}.namespaceSelector`]: {},
      [`${W}.objectSelector`]: {},
      [`${W}.timeoutSeconds`]: 10,
      [`${W}.clientConfig.service.port`]: 443,
      [`${W}.rules.0.scope`]: '*',
      [`${W}.reinvocationPolicy`]: resource.startsWith('m') ? 'Never' : undefined,
      'metadata.generation': 1,
    },
    updates: [
      [{ [`${W}.timeoutSeconds`]: 5 }],
      [
        { [`${W}.sideEffects`]: 'Some' },
        `${FIRST}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`,
      ],
    ],
    cells: [
      [{}, 1, '10m'],
      [{ webhooks: undefined }, 0, '10m'],
    ],
  });

const MATCH = { resourceRules: [RULE] };
const policyBad: readonly Row[] = [
  [
    { 'spec.failurePolicy': 'Hope' },
    'spec.failurePolicy: Unsupported value: "Hope": supported values: "Fail", "Ignore"',
  ],
  [{ 'spec.matchConstraints': undefined }, 'spec.matchConstraints: Required value'],
  [{ 'spec.matchConstraints.resourceRules': [] }, 'spec.matchConstraints.resourceRules: Required value'],
  ...badRules('spec.matchConstraints.resourceRules.0', 'spec.matchConstraints.resourceRules[0]'),
  [
    { 'spec.matchConstraints.resourceRules.0.resourceNames': ['a', 'a', 'b/c'] },
    'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
    'spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "b/c": may not contain \'/\'',
  ],
  [
    { 'spec.paramKind': { apiVersion: '', kind: '' } },
    'spec.paramKind.apiVersion: Required value',
    'spec.paramKind.kind: Required value',
  ],
  [
    { 'spec.paramKind': { apiVersion: 'a/b/c', kind: 'K' } },
    'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
  ],
  [
    { 'spec.paramKind': { apiVersion: 'A/v1', kind: 'K k' } },
    `spec.paramKind.apiVersion: Invalid value: "A": ${SUBDOMAIN}`,
    `spec.paramKind.kind: Invalid value: "K k": may have mixed case, but should otherwise match: ${DNS1035}`,
  ],
  [
    { 'spec.paramKind': { apiVersion: 'a/', kind: 'K' } },
    'spec.paramKind.apiVersion: Invalid value: "a/": version must be specified',
  ],
  [
    { 'spec.variables': [{ name: '', expression: '' }] },
    'spec.variables[0].name: Required value: name is not specified',
    'spec.variables[0].expression: Required value: expression is not specified',
  ],
  [
    { 'spec.variables': [{ name: 'in', expression: '1' }] },
    'spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier',
  ],
  [{ 'spec.matchConditions': [{ name: 'a', expression: '' }] }, 'spec.matchConditions[0].expression: Required value'],
];

testKind({
  group,
  resource: 'validatingadmissionpolicies',
  name: 'p.example.com',
  good: { spec: { matchConstraints: MATCH, validations: [{ expression: 'object.spec.replicas < 5' }] } },
  alsoGood: [
    { 'spec.paramKind': { apiVersion: 'v1', kind: 'ConfigMap' } },
    { 'spec.validations.0.reason': 'Forbidden', 'spec.validations.0.message': 'no' },
    { 'spec.validations': undefined, 'spec.auditAnnotations': [{ key: 'k', valueExpression: '"v"' }] },
    { 'spec.variables': [{ name: 'a', expression: '1' }] },
  ],
  bad: [
    ...policyBad,
    [
      { 'spec.validations': [] },
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
    [
      { 'spec.validations.0.expression': ' ' },
      'spec.validations[0].expression: Required value: expression is not specified',
    ],
    [
      { 'spec.validations.0.message': 'a\nb' },
      'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
    ],
    [
      { 'spec.validations.0.message': ' ' },
      'spec.validations[0].message: Invalid value: " ": message must be non-empty if specified',
    ],
    [
      { 'spec.validations.0.messageExpression': ' ' },
      'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
    ],
    [
      { 'spec.validations.0.reason': 'Because' },
      'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ],
    [
      { 'spec.auditAnnotations': [{ key: 'a b', valueExpression: '' }] },
      `spec.auditAnnotations[0].key: Invalid value: "p.example.com/a b": ${QUALIFIED}`,
      'spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified',
    ],
    [
      {
        'spec.auditAnnotations': [
          { key: 'a', valueExpression: '1' },
          { key: 'a', valueExpression: '1' },
        ],
      },
      'spec.auditAnnotations[1].key: Duplicate value: "a"',
    ],
  ],
  defaults: {
    'spec.failurePolicy': 'Fail',
    'spec.matchConstraints.matchPolicy': 'Equivalent',
    'spec.matchConstraints.namespaceSelector': {},
    'spec.matchConstraints.resourceRules.0.scope': '*',
    'metadata.generation': 1,
  },
  statusUpdates: [
    [
      {
        'status.conditions': [
          { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Ok', message: '' },
        ],
      },
    ],
    [
      { 'status.conditions': [{ type: 'Ready', status: 'Yes', message: '' }] },
      'status.conditions[0].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"',
      'status.conditions[0].lastTransitionTime: Required value: must be set',
      'status.conditions[0].reason: Required value: must be set',
    ],
    [
      { 'status.typeChecking.expressionWarnings': [{ warning: '', fieldRef: '' }] },
      'status.typeChecking.expressionWarnings[0].warning: Required value',
      'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
    ],
  ],
  cells: [
    [{}, 1, '<unset>', '10m'],
    [{ 'spec.paramKind': { apiVersion: 'v1', kind: 'ConfigMap' } }, 1, 'v1/ConfigMap', '10m'],
  ],
});

testKind({
  group,
  resource: 'mutatingadmissionpolicies',
  good: {
    spec: {
      matchConstraints: MATCH,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
    },
  },
  alsoGood: [
    { 'spec.mutations.0': { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } } },
  ],
  bad: [
    ...policyBad,
    [{ 'spec.mutations': [] }, 'spec.mutations: Required value: mutations must contain at least one item'],
    [{ 'spec.mutations.0.patchType': '' }, 'spec.mutations[0].patchType: Required value'],
    [
      { 'spec.mutations.0.jsonPatch': undefined },
      'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
    ],
    [
      { 'spec.mutations.0.jsonPatch.expression': '' },
      'spec.mutations[0].jsonPatch.expression: Required value: expression is not specified',
    ],
    [
      { 'spec.mutations.0.applyConfiguration': { expression: 'x' } },
      'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
    ],
    [{ 'spec.reinvocationPolicy': undefined }, 'spec.reinvocationPolicy: Required value'],
    [
      { 'spec.reinvocationPolicy': 'Often' },
      'spec.reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"',
    ],
  ],
  defaults: { 'spec.failurePolicy': 'Fail', 'metadata.generation': 1 },
  cells: [[{}, 1, '<unset>', '10m']],
});

for (const resource of ['validatingadmissionpolicybindings', 'mutatingadmissionpolicybindings']) {
  const validating = resource.startsWith('v');
  testKind({
    group,
    resource,
    good: { spec: { policyName: 'p', ...(validating ? { validationActions: ['Deny'] } : {}) } },
    alsoGood: [
      { 'spec.paramRef': { name: 'a', namespace: 'ns', parameterNotFoundAction: 'Allow' } },
      { 'spec.paramRef': { selector: {} } },
      { 'spec.matchResources': MATCH },
    ],
    bad: [
      [{ 'spec.policyName': '' }, 'spec.policyName: Required value'],
      [{ 'spec.policyName': 'A' }, `spec.policyName: Invalid value: "A": ${SUBDOMAIN}`],
      [
        { 'spec.paramRef': { name: 'a', selector: {} } },
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      ],
      [{ 'spec.paramRef': {} }, 'spec.paramRef: Required value: one of name or selector must be specified'],
      [
        { 'spec.paramRef': { name: 'a', parameterNotFoundAction: 'Shrug' } },
        'spec.paramRef.parameterNotFoundAction: Unsupported value: "Shrug": supported values: "Deny", "Allow"',
      ],
      [
        { 'spec.matchResources': { resourceRules: [{ ...RULE, operations: [] }] } },
        'spec.matchResouces.resourceRules[0].operations: Required value',
      ],
      ...(validating
        ? ([
            [
              { 'spec.validationActions': [] },
              'spec.validationActions: Required value: at least one validation action is required',
            ],
            [{ 'spec.validationActions': ['Deny', 'Deny'] }, 'spec.validationActions[1]: Duplicate value: "Deny"'],
            [
              { 'spec.validationActions': ['Sulk'] },
              'spec.validationActions[0]: Unsupported value: "Sulk": supported values: "Audit", "Deny", "Warn"',
            ],
            [
              { 'spec.validationActions': ['Deny', 'Warn'] },
              'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
            ],
          ] as const)
        : []),
    ],
    defaults: { 'metadata.generation': 1 },
    cells: [
      [{}, 'p', '<unset>', '10m'],
      [{ 'spec.paramRef': { name: 'a' } }, 'p', '*/a', '10m'],
      [{ 'spec.paramRef': { name: 'a', namespace: 'ns' } }, 'p', 'ns/a', '10m'],
    ],
  });
}
