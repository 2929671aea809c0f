/**
 * What `resourceVersion` and its companions ask of lists and watches
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 */
import type { FieldError } from '../api/kinds/kind.ts';
import { expired, invalid, StatusError } from '../api/status.ts';
import { CompactedError, FutureRevisionError, type Store } from '../store/store.ts';

/** @throws StatusError 400/422 for what is not a revision. */
export function parseResourceVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw invalid({ group: '', kind: 'ListOptions' }, '', [
      {
        type: 'FieldValueInvalid',
        field: 'resourceVersion',
        message: `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
      },
    ]);
  }
  return Number(text);
}

/** @throws StatusError 504 when the store has not come so far: reads are never older than asked. */
export function requireReached(text: string, store: Store): number {
  const revision = parseResourceVersion(text);
  if (revision > store.revision()) throw tooLarge(revision, store.revision());
  return revision;
}

export function tooLarge(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** The store's errors about revisions as the API says them; others as they are. */
export function revisionError(error: unknown): unknown {
  if (error instanceof CompactedError) return expired(`too old resource version: ${error.asked} (${error.compacted})`);
  if (error instanceof FutureRevisionError) return tooLarge(error.asked, error.current);
  return error;
}

/** Rules between the options, as upstream's `ValidateListOptions`. @throws StatusError 422 */
export function validateListOptions(query: URLSearchParams, watch: boolean): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const sendInitialEvents = query.get('sendInitialEvents');
  const errors: FieldError[] = [];
  const forbid = (field: string, reason: string): void => {
    errors.push({ type: 'FieldValueForbidden', field, message: `Forbidden: ${reason}` });
  };
  if (watch) {
    if (sendInitialEvents !== null && match === '') {
      forbid('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    }
    if (sendInitialEvents === null && match !== '') {
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    }
    if (match !== '' && match !== 'NotOlderThan') unsupported(match, ['NotOlderThan']);
  } else {
    if (sendInitialEvents !== null) forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
    if (match !== '' && version === '') {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
    }
    if (match !== '' && (query.get('continue') ?? '') !== '') {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
    }
    if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan')
      unsupported(match, ['Exact', 'NotOlderThan', '']);
    if (match === 'Exact' && version === '0') {
      forbid('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);

  function unsupported(value: string, supported: readonly string[]): void {
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'resourceVersionMatch',
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map(v => JSON.stringify(v)).join(', ')}`,
    });
  }
}

/** A query's truth value: present and not `false` or `0`. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== 'false' && text !== '0';
}

/** @throws StatusError 400 for what is not a whole number ≥ 0. */
export function count(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (!/^\d{1,15}$/.test(text)) {
    throw new StatusError(400, 'BadRequest', `${name}: ${JSON.stringify(text)} is not a whole number`);
  }
  return Number(text);
}
