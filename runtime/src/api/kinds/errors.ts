/** Field errors in upstream's words (apimachinery's `field.Error`). */
import type { FieldError } from './kind.ts';

/** Appends to a path: `child('spec', 'containers')`, with indexes as `at('spec.containers', 0)`. */
export const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
export const at = (path: string, index: number): string => `${path}[${index}]`;
/** An entry of a map: `metadata.labels[app]`. */
export const keyed = (path: string, key: string): string => `${path}[${key}]`;

const withDetail = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`);

export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

/** `value` is printed as JSON, which for strings, numbers and booleans is what Go prints. */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  const shown = JSON.stringify(value === undefined ? null : value);
  return { type: 'FieldValueInvalid', field, message: withDetail(`Invalid value: ${shown}`, detail) };
}

/** Invalid for a reason that no value shows (upstream: `field.OmitValueType`). */
export function unfit(field: string, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: withDetail('Invalid value', detail) };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const values = supported.map(v => JSON.stringify(v)).join(', ');
  return {
    type: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${JSON.stringify(value ?? '')}: supported values: ${values}`,
  };
}

export function forbidden(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, message: `Duplicate value: ${JSON.stringify(value)}` };
}

export function notFound(field: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, message: `Not found: ${JSON.stringify(value)}` };
}

export function tooLong(field: string, maxBytes: number): FieldError {
  return { type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxBytes} bytes` };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  const items = max === 1 ? 'item' : 'items';
  return { type: 'FieldValueTooMany', field, message: `Too many: ${actual}: must have at most ${max} ${items}` };
}

/** One `Invalid value` an entry of `details`. */
export function invalidEach(field: string, value: unknown, details: readonly string[]): FieldError[] {
  return details.map(detail => invalid(field, value, detail));
}

export const IMMUTABLE = 'field is immutable';
export const NOT_NEGATIVE = 'must be greater than or equal to 0';
export const POSITIVE = 'must be greater than zero';

/** Unset counts as zero, as in Go. */
export function nonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, NOT_NEGATIVE)] : [];
}

export function positive(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value <= 0 ? [invalid(field, value, POSITIVE)] : [];
}

/** Deep equality of JSON values; an unset field equals an empty list or map, as in Go's semantic comparison. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => sameValue(item, b[i]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of Object.keys(left)) if (!sameValue(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (!Object.hasOwn(left, key) && !isEmpty(right[key])) return false;
  return true;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

export function immutable(field: string, value: unknown, old: unknown): FieldError[] {
  return sameValue(value, old) ? [] : [invalid(field, value, IMMUTABLE)];
}
