/**
 * What `resourceVersion` and its companions ask of reads, lists and watches
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 */
import type { FieldError } from '../api/kinds/kind.ts';
import { badRequest, expired, type GroupResource, invalid, StatusError } from '../api/status.ts';
import { CompactedError, FutureRevisionError, type Store } from '../store/store.ts';
import { flag, integer } from './queryValues.ts';

const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };

/** What a list or a watch is asked for, as the query says it; selectors apart. */
export interface ListOptions {
  /** Empty: unset. */
  readonly version: string;
  readonly match: string;
  /** Empty: from the beginning. */
  readonly continue: string;
  /** 0: all. */
  readonly limit: number;
  /** Undefined: unset. */
  readonly timeoutSeconds: number | undefined;
  /** With upstream's default for watches from an unset revision or 0. */
  readonly sendInitialEvents: boolean;
  readonly bookmarks: boolean;
}

/** @throws StatusError 400 for values that cannot be read, 422 for ones that contradict each other. */
export function listOptionsOf(query: URLSearchParams, watch: boolean): ListOptions {
  const options: ListOptions = {
    version: query.get('resourceVersion') ?? '',
    match: query.get('resourceVersionMatch') ?? '',
    continue: query.get('continue') ?? '',
    limit: Math.max(integer(query, 'limit') ?? 0, 0),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    sendInitialEvents: false,
    bookmarks: flag(query, 'allowWatchBookmarks') ?? false,
  };
  const asked = flag(query, 'sendInitialEvents');
  const errors = watch ? watchFaults(options, asked) : listFaults(options, asked);
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
  if (!watch) return options;
  const legacy = options.match === '' && (options.version === '' || options.version === '0');
  return { ...options, sendInitialEvents: asked ?? legacy };
}

const forbidden = (field: string, reason: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${reason}`,
});

const unsupportedMatch = (value: string, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field: 'resourceVersionMatch',
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map(v => JSON.stringify(v)).join(', ')}`,
});

function listFaults({ match, version, continue: token }: ListOptions, sendInitialEvents?: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const field = 'resourceVersionMatch';
  if (match !== '') {
    if (version === '') {
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (token !== '') errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(unsupportedMatch(match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && version === '0') {
      errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchFaults({ match, continue: token }: ListOptions, sendInitialEvents?: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const field = 'resourceVersionMatch';
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(forbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match === '') return errors;
  if (sendInitialEvents === undefined) {
    errors.push(forbidden(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  }
  if (match !== 'NotOlderThan') errors.push(unsupportedMatch(match, ['NotOlderThan']));
  if (token !== '') errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
  return errors;
}

/** @throws StatusError for what is no revision: 400, and 422 where it is a watch of a resource, as upstream. */
export function parseResourceVersion(text: string, watched?: GroupResource): number {
  const number = JSON.stringify(text);
  const fault = !/^\d+$/.test(text) ? 'invalid syntax' : BigInt(text) >= 2n ** 64n ? 'value out of range' : undefined;
  if (fault === undefined) return Number(text);
  const message = `Invalid value: ${number}: strconv.ParseUint: parsing ${number}: ${fault}`;
  if (watched) {
    const error: FieldError = { type: 'FieldValueInvalid', field: 'resourceVersion', message };
    throw invalid({ group: watched.group, kind: watched.resource }, '', [error]);
  }
  throw badRequest(`invalid resource version: resourceVersion: ${message}`);
}

/** @throws StatusError 504 when the store has not come so far: reads are never older than asked. */
export function requireReached(text: string, store: Store, watched?: GroupResource): number {
  const revision = parseResourceVersion(text, watched);
  if (revision > store.revision()) throw tooLarge(revision, store.revision());
  return revision;
}

export function tooLarge(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** The store's errors about revisions as the API says them; others as they are. */
export function revisionError(error: unknown, watch = false): unknown {
  if (error instanceof CompactedError) {
    return expired(
      watch
        ? `too old resource version: ${error.asked} (${error.compacted})`
        : 'The resourceVersion for the provided list is too old.',
    );
  }
  if (error instanceof FutureRevisionError) return tooLarge(error.asked, error.current);
  return error;
}
