/** Events of events.k8s.io (upstream: core's `validation/events.go`, which names core's fields). */
import type { Event } from '../../generated/types/events.v1.ts';
import { dns1123SubdomainErrors, qualifiedNameErrors } from '../../names.ts';
import { eventColumns } from '../core/event.ts';
import { defineKind } from '../define.ts';
import { immutable, invalid, invalidEach, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { fromCoreEvent, toCoreEvent } from './convert.ts';

const MAX_WORD = 128;
const MAX_NOTE = 1024;
const NAMESPACE = 'does not match event.namespace';

function wordErrors(field: string, text: string): FieldError[] {
  if (text === '') return [required(field)];
  return text.length > MAX_WORD ? [invalid(field, '', `can have at most ${MAX_WORD} characters`)] : [];
}

function seriesErrors({ series }: Event): FieldError[] {
  if (!series) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime ? [] : [required('series.lastObservedTime')]),
  ];
}

/** Events without a namespace of their own are about things without one. */
function aboutErrors(event: Event): FieldError[] {
  const involved = event.regarding?.namespace ?? '';
  const own = event.metadata.namespace ?? '';
  if (involved !== '' && event.eventTime) return [];
  const fits =
    involved === '' ? own === 'default' || (own === 'kube-system' && event.eventTime !== undefined) : own === involved;
  return fits ? [] : [invalid('involvedObject.namespace', involved, NAMESPACE)];
}

function commonErrors(event: Event): FieldError[] {
  const errors = aboutErrors(event);
  if (event.eventTime) {
    const controller = event.reportingController ?? '';
    if (controller === '') errors.push(required('reportingController'));
    errors.push(...invalidEach('reportingController', controller, qualifiedNameErrors(controller)));
    errors.push(...wordErrors('reportingInstance', event.reportingInstance ?? ''));
    errors.push(...wordErrors('action', event.action ?? ''));
    errors.push(...wordErrors('reason', event.reason ?? ''));
    if ((event.note ?? '').length > MAX_NOTE)
      errors.push(invalid('message', '', `can have at most ${MAX_NOTE} characters`));
  }
  const namespace = event.metadata.namespace ?? '';
  return [...errors, ...invalidEach('namespace', namespace, dns1123SubdomainErrors(namespace))];
}

function createErrors(event: Event): FieldError[] {
  const errors = [...commonErrors(event), ...seriesErrors(event)];
  const unset = (field: string, value: unknown): void => {
    if (value) errors.push(invalid(field, '', 'needs to be unset'));
  };
  if (!event.eventTime) errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`));
  unset('firstTimestamp', event.deprecatedFirstTimestamp);
  unset('lastTimestamp', event.deprecatedLastTimestamp);
  unset('count', event.deprecatedCount);
  unset('source', event.deprecatedSource?.component || event.deprecatedSource?.host);
  return errors;
}

/** Only the series of an event grows; core's name of a field and ours. */
const FIXED: readonly (readonly [name: string, field: keyof Event])[] = [
  ['involvedObject', 'regarding'],
  ['reason', 'reason'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingController', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
];

export const newEvent = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
  storedAs: { group: '', version: 'v1', toStored: toCoreEvent, fromStored: fromCoreEvent },
  columns: eventColumns.ofNew,
  ownNameColumn: true,
  selectableFieldNames: [
    'reason',
    'reportingController',
    'type',
    'regarding.kind',
    'regarding.namespace',
    'regarding.name',
    'regarding.uid',
  ],
  selectableFields: e => ({
    reason: e.reason ?? '',
    reportingController: e.reportingController ?? '',
    type: e.type ?? '',
    'regarding.kind': e.regarding?.kind ?? '',
    'regarding.namespace': e.regarding?.namespace ?? '',
    'regarding.name': e.regarding?.name ?? '',
    'regarding.uid': e.regarding?.uid ?? '',
  }),
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: createErrors,
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...commonErrors(object),
    ...(sameValue(object.series, old.series) ? [] : seriesErrors(object)),
    ...FIXED.flatMap(([name, field]) => immutable(name, object[field], old[field])),
  ],
});
