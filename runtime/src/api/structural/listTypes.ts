/** Lists of type set and map hold nothing twice (upstream's package `schema/listtype`). */
import { at, child, duplicate, invalid, keyed } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { isObject, type Json, type Structural, sortedJson } from './model.ts';

export function listTypeErrors(value: unknown, schema: Structural | undefined, path: string): FieldError[] {
  if (!schema?.hasUnique) return [];
  if (Array.isArray(value)) {
    const own =
      schema.listType === 'set'
        ? repeated(value).map(i => duplicate(at(path, i), sortedJson(value[i])))
        : schema.listType === 'map'
          ? mapErrors(value, schema, path)
          : [];
    return [...own, ...value.flatMap((item, i) => listTypeErrors(item, schema.items, at(path, i)))];
  }
  if (!isObject(value)) return [];
  const errors: FieldError[] = [];
  for (const key of Object.keys(value)) {
    const property = schema.properties.get(key);
    if (typeof schema.additional === 'object')
      errors.push(...listTypeErrors(value[key], schema.additional, keyed(path, key)));
    if (property) errors.push(...listTypeErrors(value[key], property, child(path, key)));
  }
  return errors;
}

/** Indexes of the second appearance of what appears more than once. */
function repeated(values: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  const found: number[] = [];
  values.forEach((value, i) => {
    const text = JSON.stringify(sortedJson(value)) ?? '';
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times === 2) found.push(i);
  });
  return found;
}

function mapErrors(items: readonly unknown[], schema: Structural, path: string): FieldError[] {
  const stranger = items.findIndex(item => item !== null && !isObject(item));
  if (stranger >= 0)
    return [invalid(at(path, stranger), items[stranger], 'must be an object for an array of list-type map')];
  const keys = items.map(item => {
    const key: Json = {};
    for (const name of schema.listMapKeys) {
      if (isObject(item) && Object.hasOwn(item, name)) key[name] = item[name];
    }
    return key;
  });
  return repeated(keys).map(i => duplicate(at(path, i), sortedJson(keys[i])));
}
