import { testKind } from '../testing/table.ts';

const NOT_NEGATIVE = 'must be greater than or equal to 0';
const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'example.test/a:1' }] } };
const indexed = (more: object = {}) => ({ 'spec.completionMode': 'Indexed', 'spec.completions': 3, ...more });
const failure = (...rules: object[]) => ({ 'spec.podFailurePolicy': { rules } });
const success = (...rules: object[]) => indexed({ 'spec.successPolicy': { rules } });
const onExit = (more: object = {}) => ({
  action: 'FailJob',
  onExitCodes: { operator: 'In', values: [1], ...more },
});
const EXIT = 'spec.podFailurePolicy.rules[0].onExitCodes';

testKind({
  group: 'batch',
  resource: 'jobs',
  good: { spec: { template } },
  alsoGood: [
    { 'spec.template.spec.restartPolicy': 'OnFailure' },
    { 'spec.completions': 5, 'spec.parallelism': 2, 'spec.backoffLimit': 0 },
    { 'spec.parallelism': 2 },
    indexed(),
    indexed({ 'spec.backoffLimitPerIndex': 1, 'spec.maxFailedIndexes': 2 }),
    { 'spec.suspend': true },
    { 'spec.ttlSecondsAfterFinished': 0, 'spec.activeDeadlineSeconds': 1 },
    { 'spec.managedBy': 'example.com/mine' },
    failure(onExit(), { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }),
    failure(onExit({ operator: 'NotIn', values: [0, 1], containerName: 'a' })),
    indexed({
      'spec.backoffLimitPerIndex': 1,
      'spec.podFailurePolicy': { rules: [{ ...onExit(), action: 'FailIndex' }] },
    }),
    success({ succeededIndexes: '0,2' }),
    success({ succeededCount: 2 }),
    success({ succeededIndexes: '0-2', succeededCount: 2 }),
    { 'spec.podReplacementPolicy': 'Failed' },
  ],
  bad: [
    [
      { 'spec.template.spec.restartPolicy': 'Always' },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      { 'spec.template.spec.restartPolicy': undefined },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [{ 'spec.parallelism': -1 }, `spec.parallelism: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.completions': -1 }, `spec.completions: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.backoffLimit': -1 }, `spec.backoffLimit: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.activeDeadlineSeconds': -1 }, `spec.activeDeadlineSeconds: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.ttlSecondsAfterFinished': -1 }, `spec.ttlSecondsAfterFinished: Invalid value: -1: ${NOT_NEGATIVE}`],
    [
      { 'spec.completionMode': 'Numbered' },
      'spec.completionMode: Unsupported value: "Numbered": supported values: "NonIndexed", "Indexed"',
    ],
    [
      { 'spec.backoffLimitPerIndex': 1 },
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
    ],
    [
      indexed({ 'spec.maxFailedIndexes': 1 }),
      'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
    ],
    [
      indexed({ 'spec.backoffLimitPerIndex': 1, 'spec.maxFailedIndexes': 4 }),
      'spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions',
    ],
    [
      { 'spec.manualSelector': true, 'spec.selector': { matchLabels: { a: 'b' } } },
      'spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`',
    ],
    [
      { 'spec.managedBy': 'mine' },
      'spec.managedBy: Invalid value: "mine": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [
      { 'spec.podReplacementPolicy': 'Now' },
      'spec.podReplacementPolicy: Unsupported value: "Now": supported values: "Failed", "TerminatingOrFailed"',
    ],
    [
      { ...failure(onExit()), 'spec.template.spec.restartPolicy': 'OnFailure' },
      'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    ],
    [
      failure({ action: 'Panic', onExitCodes: { operator: 'In', values: [1] } }),
      'spec.podFailurePolicy.rules[0].action: Unsupported value: "Panic": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
    ],
    [
      failure({ action: 'FailJob' }),
      'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
    ],
    [failure(onExit({ values: [] })), `${EXIT}.values: Invalid value: []: at least one value is required`],
    [failure(onExit({ values: [1, 1] })), `${EXIT}.values[1]: Duplicate value: 1`],
    [failure(onExit({ values: [2, 1] })), `${EXIT}.values: Invalid value: [2,1]: must be ordered`],
    [failure(onExit({ values: [0] })), `${EXIT}.values[0]: Invalid value: 0: must not be 0 for the In operator`],
    [
      failure(onExit({ containerName: 'b' })),
      `${EXIT}.containerName: Invalid value: "b": must be one of the container or initContainer names in the pod template`,
    ],
    [
      failure({ action: 'Count', onPodConditions: [{ type: 'X', status: 'Maybe' }] }),
      'spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    ],
    [
      { 'spec.successPolicy': { rules: [{ succeededCount: 1 }] } },
      'spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode',
    ],
    [
      success(),
      'spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified',
    ],
    [
      success({}),
      'spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified',
    ],
    [
      success({ succeededCount: 4 }),
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)',
    ],
  ],
  defaults: {
    'spec.completions': 1,
    'spec.parallelism': 1,
    'spec.backoffLimit': 6,
    'spec.completionMode': 'NonIndexed',
    'spec.suspend': false,
    'spec.podReplacementPolicy': 'TerminatingOrFailed',
    'spec.manualSelector': false,
    'spec.selector': { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } },
    'spec.template.metadata.labels': {
      'batch.kubernetes.io/controller-uid': 'u-1',
      'batch.kubernetes.io/job-name': 'x',
      'controller-uid': 'u-1',
      'job-name': 'x',
    },
    'metadata.generation': 1,
  },
  updates: [
    [{ 'spec.parallelism': 3 }],
    [{ 'spec.suspend': true }],
    [{ 'spec.backoffLimit': 3 }],
    [{ 'spec.ttlSecondsAfterFinished': 3 }],
    [{ 'spec.activeDeadlineSeconds': 3 }],
    [{ 'spec.completions': 2 }, 'spec.completions: Invalid value: 2: field is immutable'],
    [{ 'spec.completionMode': 'Indexed' }, 'spec.completionMode: Invalid value: "Indexed": field is immutable'],
    [{ 'spec.managedBy': 'example.com/mine' }, 'spec.managedBy: Invalid value: "example.com/mine": field is immutable'],
    [{ 'spec.podReplacementPolicy': 'Failed' }],
  ],
  cells: [
    [{}, 'Running', '0/1', '', '10m', 'a', 'example.test/a:1', 'batch.kubernetes.io/controller-uid=u-1'],
    [
      {
        'status.startTime': '2026-01-01T00:00:00Z',
        'status.completionTime': '2026-01-01T00:01:05Z',
        'status.succeeded': 1,
        'status.conditions': [{ type: 'Complete', status: 'True' }],
      },
      'Complete',
      '1/1',
      '65s',
      '10m',
      'a',
      'example.test/a:1',
      'batch.kubernetes.io/controller-uid=u-1',
    ],
    [
      {
        'spec.completions': undefined,
        'spec.parallelism': 3,
        'status.startTime': '2026-01-01T00:05:00Z',
        'status.conditions': [{ type: 'Failed', status: 'True' }],
      },
      'Failed',
      '0/1 of 3',
      '5m',
      '10m',
      'a',
      'example.test/a:1',
      'batch.kubernetes.io/controller-uid=u-1',
    ],
    [
      { 'status.conditions': [{ type: 'Suspended', status: 'True' }] },
      'Suspended',
      '0/1',
      '',
      '10m',
      'a',
      'example.test/a:1',
      'batch.kubernetes.io/controller-uid=u-1',
    ],
  ],
});

testKind({
  group: 'batch',
  resource: 'jobs',
  good: { spec: { suspend: true, template } },
  updates: [
    [{ 'spec.template.metadata.labels.a': 'b' }],
    [{ 'spec.template.metadata.annotations': { a: 'b' } }],
    [{ 'spec.template.spec.nodeSelector': { a: 'b' } }],
    [{ 'spec.template.spec.tolerations': [{ operator: 'Exists' }] }],
    [{ 'spec.template.spec.schedulingGates': [{ name: 'example.com/g' }] }],
  ],
});

testKind({
  group: 'batch',
  resource: 'cronjobs',
  good: { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template } } } },
  alsoGood: [
    { 'spec.schedule': '@hourly' },
    { 'spec.schedule': '0 22 * * 1-5' },
    { 'spec.schedule': '0 0 1 jan sun' },
    { 'spec.timeZone': 'Europe/Vienna' },
    { 'spec.timeZone': 'Etc/UTC' },
    { 'spec.startingDeadlineSeconds': 0, 'spec.successfulJobsHistoryLimit': 0, 'spec.failedJobsHistoryLimit': 0 },
    { 'spec.concurrencyPolicy': 'Forbid', 'spec.suspend': true },
  ],
  bad: [
    [{ 'spec.schedule': '' }, 'spec.schedule: Required value'],
    [
      { 'spec.schedule': '* * * *' },
      'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
    ],
    [
      { 'spec.schedule': '61 * * * *' },
      'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
    ],
    [{ 'spec.schedule': '@never' }, 'spec.schedule: Invalid value: "@never": unrecognized descriptor: @never'],
    [
      { 'spec.schedule': 'CRON_TZ=UTC 0 0 * * *' },
      'spec.schedule: Invalid value: "CRON_TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
    [{ 'spec.timeZone': '' }, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
    [
      { 'spec.timeZone': 'Local' },
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
    [{ 'spec.timeZone': 'Mars/Base' }, 'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    [
      { 'spec.concurrencyPolicy': 'Some' },
      'spec.concurrencyPolicy: Unsupported value: "Some": supported values: "Allow", "Forbid", "Replace"',
    ],
    [{ 'spec.startingDeadlineSeconds': -1 }, `spec.startingDeadlineSeconds: Invalid value: -1: ${NOT_NEGATIVE}`],
    [{ 'spec.successfulJobsHistoryLimit': -1 }, `spec.successfulJobsHistoryLimit: Invalid value: -1: ${NOT_NEGATIVE}`],
    [
      { 'spec.jobTemplate.spec.template.spec.restartPolicy': 'Always' },
      'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      { 'metadata.name': 'a'.repeat(53) },
      `metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`,
    ],
    [
      { 'spec.jobTemplate.spec.manualSelector': true },
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ],
  ],
  defaults: {
    'spec.concurrencyPolicy': 'Allow',
    'spec.suspend': false,
    'spec.successfulJobsHistoryLimit': 3,
    'spec.failedJobsHistoryLimit': 1,
    'metadata.generation': 1,
  },
  updates: [
    [{ 'spec.schedule': '@daily' }],
    [{ 'spec.jobTemplate.spec.template.spec.containers.0.image': 'b' }],
    [{ 'spec.schedule': 'x' }, 'spec.schedule: Invalid value: "x": expected exactly 5 fields, found 1: [x]'],
  ],
  cells: [
    [
      {
        'spec.timeZone': 'Etc/UTC',
        'spec.suspend': true,
        'status.active': [{ name: 'a' }],
        'status.lastScheduleTime': '2026-01-01T00:09:00Z',
      },
      '*/5 * * * *',
      'Etc/UTC',
      'True',
      1,
      '60s',
      '10m',
      'a',
      'example.test/a:1',
      '<none>',
    ],
  ],
});
