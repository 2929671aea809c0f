import { testKind } from '../testing/table.ts';

const TIME = '2026-01-01T00:00:00.000000Z';

testKind({
  group: 'events.k8s.io',
  resource: 'events',
  good: {
    eventTime: TIME,
    reportingController: 'example.com/robot',
    reportingInstance: 'robot-1',
    action: 'Weld',
    reason: 'Welded',
    note: 'done',
    type: 'Normal',
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
  },
  alsoGood: [
    { series: { count: 2, lastObservedTime: TIME } },
    { regarding: { kind: 'Node', name: 'n1' } },
    { 'metadata.namespace': 'kube-system', regarding: { kind: 'Node', name: 'n1' } },
    { note: 'x'.repeat(1024) },
  ],
  bad: [
    [{ eventTime: undefined }, 'eventTime: Required value'],
    [{ reportingController: '' }, 'reportingController: Required value', ...emptyName('reportingController')],
    [{ reportingInstance: '' }, 'reportingInstance: Required value'],
    [{ reportingInstance: 'x'.repeat(129) }, 'reportingInstance: Invalid value: "": can have at most 128 characters'],
    [{ action: undefined }, 'action: Required value'],
    [{ action: 'x'.repeat(129) }, 'action: Invalid value: "": can have at most 128 characters'],
    [{ reason: undefined }, 'reason: Required value'],
    [{ note: 'x'.repeat(1025) }, 'message: Invalid value: "": can have at most 1024 characters'],
    [{ type: 'Odd' }, 'type: Invalid value: "": has invalid value: Odd'],
    [{ series: { count: 1, lastObservedTime: TIME } }, 'series.count: Invalid value: "": should be at least 2'],
    [{ series: { count: 2 } }, 'series.lastObservedTime: Required value'],
    [{ deprecatedCount: 1 }, 'count: Invalid value: "": needs to be unset'],
    [{ deprecatedFirstTimestamp: '2026-01-01T00:00:00Z' }, 'firstTimestamp: Invalid value: "": needs to be unset'],
    [{ deprecatedLastTimestamp: '2026-01-01T00:00:00Z' }, 'lastTimestamp: Invalid value: "": needs to be unset'],
    [{ deprecatedSource: { component: 'x' } }, 'source: Invalid value: "": needs to be unset'],
    [
      { 'metadata.namespace': 'other', regarding: { kind: 'Node', name: 'n1' } },
      'involvedObject.namespace: Invalid value: "": does not match event.namespace',
    ],
  ],
  updates: [
    [{ series: { count: 3, lastObservedTime: TIME } }],
    [{ 'metadata.labels': { a: 'b' } }],
    [{ note: 'other' }, 'message: Invalid value: "other": field is immutable'],
    [{ reason: 'Other' }, 'reason: Invalid value: "Other": field is immutable'],
    [{ type: 'Warning' }, 'type: Invalid value: "Warning": field is immutable'],
    [{ series: { count: 1, lastObservedTime: TIME } }, 'series.count: Invalid value: "": should be at least 2'],
  ],
});

/** An empty name is also no qualified one. */
function emptyName(field: string): string[] {
  return [
    `${field}: Invalid value: "": name part must be non-empty`,
    `${field}: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  ];
}
