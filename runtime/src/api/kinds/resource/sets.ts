/** Lists and maps of the resource API, validated alike (upstream: `pkg/apis/resource/validation`). */
import { cIdentifierErrors, dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { at, duplicate, invalid, invalidEach, keyed, required, tooLong, tooMany } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { driverNameErrors } from '../storage/driverName.ts';

type ItemRule<T> = (item: T, path: string) => FieldError[];

/** @param max how many there may be; the items of a longer list are not looked at. */
export function listErrors<T>(
  items: readonly T[] | undefined,
  max: number,
  rule: ItemRule<T>,
  path: string,
): FieldError[] {
  const all = items ?? [];
  if (all.length > max) return [tooMany(path, all.length, max)];
  return all.flatMap((item, i) => rule(item, at(path, i)));
}

/** As {@link listErrors}, with no two of the same key. */
export function setErrors<T>(
  items: readonly T[] | undefined,
  max: number,
  rule: ItemRule<T>,
  keyOf: (item: T) => unknown,
  path: string,
): FieldError[] {
  const errors = listErrors(items, max, rule, path);
  const all = items ?? [];
  if (all.length > max) return errors;
  const seen = new Set<string>();
  for (const [i, item] of all.entries()) {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) errors.push(duplicate(at(path, i), key));
    seen.add(text);
  }
  return errors;
}

export function mapErrors<T>(
  entries: Readonly<Record<string, T>> | undefined,
  max: number,
  keyRule: ItemRule<string>,
  rule: ItemRule<T>,
  path: string,
): FieldError[] {
  const all = Object.entries(entries ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (all.length > max) return [tooMany(path, all.length, max)];
  return all.flatMap(([key, value]) => [...keyRule(key, keyed(path, key)), ...rule(value, keyed(path, key))]);
}

/** A DNS label, where an empty one is simply not valid. */
export const labelErrors: ItemRule<string> = (name, path) => invalidEach(path, name, dns1123LabelErrors(name));

export function requiredLabelErrors(name: string | undefined, path: string): FieldError[] {
  return name ? labelErrors(name, path) : [required(path)];
}

const MAX_IDENTIFIER = 32;

function identifierErrors(id: string, path: string): FieldError[] {
  const errors = id.length > MAX_IDENTIFIER ? [tooLong(path, MAX_IDENTIFIER)] : [];
  return [...errors, ...invalidEach(path, id, cIdentifierErrors(id))];
}

/** `name` or `driver.example.com/name`. */
export function qualifiedErrors(name: string, path: string): FieldError[] {
  const [domain = '', id, ...more] = name.split('/');
  if (id === undefined) return identifierErrors(domain, path);
  if (more.length > 0) return [invalid(path, name, 'must not contain more than one slash')];
  return [
    ...(domain === '' ? [invalid(path, '', 'the domain must not be empty')] : driverNameErrors(path, domain)),
    ...(id === '' ? [invalid(path, '', 'the name must not be empty')] : identifierErrors(id, path)),
  ];
}

export function fullyQualifiedErrors(name: string, path: string): FieldError[] {
  const errors = qualifiedErrors(name, path);
  return name.includes('/')
    ? errors
    : [...errors, invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash')];
}

const MAX_POOL_NAME = 253;

export function poolNameErrors(name: string, path: string): FieldError[] {
  if (name === '') return [required(path)];
  const errors = name.length > MAX_POOL_NAME ? [tooLong(path, MAX_POOL_NAME)] : [];
  return [...errors, ...name.split('/').flatMap(part => invalidEach(path, part, dns1123SubdomainErrors(part)))];
}
