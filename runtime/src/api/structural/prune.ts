/** Removes what a schema does not name (upstream's package `schema/pruning`), and nulls where none may stand. */
import { childOf, isMetaField, isObject, type Json, type Structural } from './model.ts';

interface Walk {
  /** Paths of what was removed; `undefined`: nobody asks. */
  readonly unknown: string[] | undefined;
}

/**
 * In place. Returns the paths of the fields removed, sorted, when `track` asks for them.
 * @param isRoot the value is a whole object, whose `apiVersion`, `kind` and `metadata` stay.
 */
export function prune(value: unknown, schema: Structural | undefined, isRoot: boolean, track = false): string[] {
  const walk: Walk = { unknown: track ? [] : undefined };
  if (isRoot && isObject(value)) pruneObject(value, schema, true, '', walk, schema?.preserve === true);
  else pruneValue(value, schema, '', walk);
  return (walk.unknown ?? []).sort();
}

const under = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** @param preserved unknown fields of this value stay; of what its schema names, only the named stays again. */
function pruneValue(
  value: unknown,
  schema: Structural | undefined,
  path: string,
  walk: Walk,
  preserved = schema?.preserve === true,
): void {
  if (Array.isArray(value)) {
    if (preserved && schema?.items === undefined) return;
    for (let i = 0; i < value.length; i++)
      pruneValue(value[i], schema?.items, `${path}[${i}]`, walk, preserved || schema?.items?.preserve === true);
  } else if (isObject(value)) pruneObject(value, schema, schema?.embedded === true, path, walk, preserved);
}

function pruneObject(
  object: Json,
  schema: Structural | undefined,
  isResource: boolean,
  path: string,
  walk: Walk,
  preserved: boolean,
): void {
  for (const key of Object.keys(object)) {
    if (isResource && isMetaField(key)) continue;
    const known = schema?.properties.get(key);
    if (known) pruneValue(object[key], known, under(path, key), walk);
    else if (schema?.additional !== undefined) {
      const additional = typeof schema.additional === 'object' ? schema.additional : undefined;
      // `additionalProperties: true` keeps the key, and nothing within it.
      pruneValue(object[key], additional, under(path, key), walk);
    } else if (!preserved) {
      walk.unknown?.push(under(path, key));
      delete object[key];
    }
  }
}

/** In place: a null goes where the schema neither allows it nor has a default to put there. Those with one stay for defaulting. */
export function dropNulls(value: unknown, schema: Structural | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) if (item !== null && typeof item === 'object') dropNulls(item, schema?.items);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const inner = schema === undefined ? undefined : childOf(schema, key);
      const field = value[key];
      if (field === null) {
        if (inner !== undefined && !inner.nullable && inner.default === undefined) delete value[key];
      } else if (typeof field === 'object') dropNulls(field, inner);
    }
  }
}
