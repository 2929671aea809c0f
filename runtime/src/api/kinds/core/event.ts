/** Events of core and of events.k8s.io: the same things, in two shapes. */
import type { Event as CoreEvent } from '../../generated/types/core.v1.ts';
import type { Event as NewEvent } from '../../generated/types/events.v1.ts';
import { dns1123SubdomainErrors, pathSegmentErrors, qualifiedNameErrors } from '../../names.ts';
import { age, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, invalidEach, required } from '../errors.ts';
import type { Column, FieldError } from '../kind.ts';

/** One view of both. */
interface View {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involved: {
    readonly kind?: string | undefined;
    readonly name?: string | undefined;
    readonly fieldPath?: string | undefined;
  };
  readonly source: string;
  readonly count: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly name: string;
}

const sourceText = (component: string | undefined, host: string | undefined): string =>
  host ? `${component ?? ''}, ${host}` : (component ?? '');

const ofCore = (e: CoreEvent): View => ({
  type: e.type ?? '',
  reason: e.reason ?? '',
  message: e.message ?? '',
  involved: e.involvedObject,
  source: sourceText(e.source?.component || e.reportingComponent, e.source?.host || e.reportingInstance),
  count: e.series?.count ?? (e.count || 1),
  first: e.firstTimestamp ?? e.eventTime,
  last: e.series?.lastObservedTime ?? e.lastTimestamp ?? e.firstTimestamp ?? e.eventTime,
  name: e.metadata.name ?? '',
});

const ofNew = (e: NewEvent): View => ({
  type: e.type ?? '',
  reason: e.reason ?? '',
  message: e.note ?? '',
  involved: e.regarding ?? {},
  source: sourceText(
    e.deprecatedSource?.component || e.reportingController,
    e.deprecatedSource?.host || e.reportingInstance,
  ),
  count: e.series?.count ?? (e.deprecatedCount || 1),
  first: e.deprecatedFirstTimestamp ?? e.eventTime,
  last: e.series?.lastObservedTime ?? e.deprecatedLastTimestamp ?? e.deprecatedFirstTimestamp ?? e.eventTime,
  name: e.metadata.name ?? '',
});

const objectText = ({ involved }: View): string =>
  involved.name ? `${(involved.kind ?? '').toLowerCase()}/${involved.name}` : (involved.kind ?? '').toLowerCase();

function columns<T>(view: (event: T) => View): Column<T>[] {
  return [
    column('Last Seen', 'string', 'When the event was last seen.', (e, now) => age(view(e).last, now)),
    column('Type', 'string', 'Type of this event (Normal, Warning).', e => view(e).type),
    column('Reason', 'string', 'A short, machine understandable reason.', e => view(e).reason),
    column('Object', 'string', 'The object that this event is about.', e => objectText(view(e))),
    wide('Subobject', 'string', 'The part of the object this event is about.', e => view(e).involved.fieldPath ?? ''),
    wide('Source', 'string', 'The component reporting this event.', e => view(e).source),
    column('Message', 'string', 'A human-readable description.', e => view(e).message.trim()),
    wide('First Seen', 'string', 'When the event was first seen.', (e, now) => age(view(e).first, now)),
    wide('Count', 'integer', 'The number of times this event has occurred.', e => view(e).count),
    { ...wide<T>('Name', 'string', 'Name of the event.', e => view(e).name), format: 'name' },
  ];
}

/** The same columns for both shapes. */
export const eventColumns = { ofNew: columns(ofNew) };

const MAX_WORD = 128;
const MAX_MESSAGE = 1024;

function wordErrors(field: string, text: string): FieldError[] {
  if (text === '') return [required(field)];
  return text.length > MAX_WORD ? [invalid(field, '', `can have at most ${MAX_WORD} characters`)] : [];
}

/** What of an event says where and when it is: upstream's `legacyValidateEvent`. Without an `eventTime` it is of the old kind. */
function eventErrors(event: CoreEvent): FieldError[] {
  const errors: FieldError[] = [];
  const namespace = event.metadata.namespace ?? '';
  const involved = event.involvedObject?.namespace ?? '';
  const mismatch = invalid('involvedObject.namespace', involved, 'does not match event.namespace');
  if (!event.eventTime) {
    if (involved === '' ? namespace !== 'default' : namespace !== involved) errors.push(mismatch);
  } else {
    if (involved === '' && namespace !== 'default' && namespace !== 'kube-system') errors.push(mismatch);
    const component = event.reportingComponent ?? '';
    if (component === '') errors.push(required('reportingComponent'));
    errors.push(...invalidEach('reportingComponent', component, qualifiedNameErrors(component)));
    errors.push(...wordErrors('reportingInstance', event.reportingInstance ?? ''));
    errors.push(...wordErrors('action', event.action ?? ''));
    errors.push(...wordErrors('reason', event.reason ?? ''));
    if ((event.message ?? '').length > MAX_MESSAGE)
      errors.push(invalid('message', '', `can have at most ${MAX_MESSAGE} characters`));
  }
  return [...errors, ...invalidEach('namespace', namespace, dns1123SubdomainErrors(namespace))];
}

const CORE_FIELDS = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

export const coreEvent = defineKind<CoreEvent>({
  group: '',
  version: 'v1',
  kind: 'Event',
  shortNames: ['ev'],
  columns: columns(ofCore),
  ownNameColumn: true,
  selectableFieldNames: CORE_FIELDS,
  selectableFields: e => {
    const { kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath } = e.involvedObject;
    const about = { kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath };
    return {
      ...Object.fromEntries(Object.entries(about).map(([key, value]) => [`involvedObject.${key}`, value ?? ''])),
      reason: e.reason ?? '',
      reportingComponent: e.reportingComponent ?? '',
      source: e.source?.component || e.reportingComponent || '',
      type: e.type ?? '',
    };
  },
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  nameErrors: pathSegmentErrors,
  validate: eventErrors,
});
