import { testKind } from '../testing/table.ts';

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'example.test/a:1' }] } };
const yes = (...types: string[]) => types.map(type => ({ type, status: 'True' }));
const START = '2026-01-01T00:00:00Z';
const END = '2026-01-01T00:05:00Z';
const done = { startTime: START, completionTime: END, conditions: yes('SuccessCriteriaMet', 'Complete'), succeeded: 1 };
const failed = { startTime: START, conditions: yes('FailureTarget', 'Failed'), failed: 1 };

testKind({
  group: 'batch',
  resource: 'jobs',
  good: { spec: { template } },
  statusUpdates: [
    [{ status: {} }],
    [{ status: { startTime: START, active: 1, ready: 1, terminating: 0 } }],
    [{ status: done }],
    [{ status: failed }],
    [{ 'status.active': -1 }, 'status.active: Invalid value: -1: must be greater than or equal to 0'],
    [
      { 'status.succeeded': -1 },
      'status.succeeded: Invalid value: -1: must be greater than or equal to 0',
      'status.succeeded: Invalid value: -1: cannot decrease the succeeded counter',
    ],
    [
      { 'status.startTime': START, 'status.active': 1, 'status.ready': 2 },
      'status.ready: Invalid value: 2: cannot set more ready pods than active',
    ],
    [
      { status: { ...done, completionTime: undefined } },
      'status.completionTime: Required value: completionTime is required for Complete jobs',
    ],
    [
      { status: { ...done, conditions: yes('Complete') } },
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    ],
    [
      { status: { ...failed, conditions: yes('Failed') } },
      'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
    ],
    [
      { status: { ...failed, completionTime: END } },
      `status.completionTime: Invalid value: "${END}": cannot set completionTime when there is no Complete=True condition`,
    ],
    [
      { status: { ...failed, startTime: undefined } },
      'status.startTime: Required value: startTime is required for finished job',
    ],
    [
      { status: { ...done, completionTime: START, startTime: END } },
      `status.completionTime: Invalid value: "${START}": completionTime cannot be set before startTime`,
    ],
    [
      { 'status.completedIndexes': '0' },
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
    ],
    [
      { 'status.failedIndexes': '0' },
      'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    ],
  ],
});

testKind({
  group: 'batch',
  resource: 'jobs',
  good: { spec: { template, completionMode: 'Indexed', completions: 5, backoffLimitPerIndex: 1 } },
  statusUpdates: [
    [{ 'status.completedIndexes': '0,2-4', 'status.failedIndexes': '1' }],
    [
      { 'status.completedIndexes': '0-2', 'status.failedIndexes': '2' },
      'status.failedIndexes: Invalid value: "2": failedIndexes and completedIndexes overlap at index: 2',
    ],
  ],
});
