/** Objects without some of their fields, or with nothing but them (upstream: `TypedValue.RemoveItems`, `ExtractItems`). */
import { fieldElement } from './elements.ts';
import { below, emptySet, type FieldSet, forEachPath, has, isEmptySet, isMember, setOf, union } from './fieldSet.ts';
import { formOf, isMap, typeOfField } from './forms.ts';
import { elementOf, ownedFields } from './ownedFields.ts';
import type { ListView, MapView, TypeView } from './types.ts';

/**
 * A new value without the places of the set and what is below them. What becomes empty by that becomes `null`, which built-in
 * kinds do not keep and custom resources keep where they are nullable ({@link withoutNulls}).
 */
export const removeFields = (view: TypeView, value: unknown, fields: FieldSet): unknown =>
  walk(view, value, fields, false);

/** A new value of nothing but the places of the set, and the keys of the items they are in. */
export function extractFields(view: TypeView, value: unknown, fields: FieldSet): unknown {
  const present = ownedFields(view, value);
  let keys = emptySet;
  forEachPath(fields, path => {
    if (!has(present, path)) return;
    for (const [at, element] of path.entries()) {
      if (!element.startsWith('k:')) continue;
      for (const name of Object.keys(JSON.parse(element.slice(2)) as object))
        keys = union(keys, setOf([...path.slice(0, at + 1), fieldElement(name)]));
    }
  });
  return walk(view, value, union(fields, keys), true);
}

/** As {@link extractFields}, without the keys of items unless the set names them. */
export const extractOnly = (view: TypeView, value: unknown, fields: FieldSet): unknown =>
  walk(view, value, fields, true);

function walk(view: TypeView, value: unknown, fields: FieldSet, extract: boolean): unknown {
  switch (formOf(view, value)) {
    case 'scalar':
      return value;
    case 'list':
      return view.list ? walkList(view.list, value, fields, extract) : null;
    case 'map':
      return view.map ? walkMap(view.map, value, fields, extract) : null;
    default:
      return null;
  }
}

/** Null: nothing is left. */
function walkList(list: ListView, value: unknown, fields: FieldSet, extract: boolean): unknown {
  if (!Array.isArray(value) || value.length === 0) return null;
  if (list.atomic) return extract ? value : null;
  const items: unknown[] = [];
  for (const item of value) {
    const element = elementOf(list, item);
    const node = fields[element];
    if (node !== undefined && isMember(node)) {
      if (!extract) continue;
      items.push(walk(list.element, item, below(fields, element), true));
      continue;
    }
    const inner = below(fields, element);
    if (!isEmptySet(inner)) items.push(walk(list.element, item, inner, extract));
    else if (!extract) items.push(item);
  }
  return items.length > 0 ? items : null;
}

function walkMap(map: MapView, value: unknown, fields: FieldSet, extract: boolean): unknown {
  if (!isMap(value)) return null;
  if (map.atomic) return extract && Object.keys(value).length > 0 ? value : null;
  const kept: Record<string, unknown> = {};
  let any = false;
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const element = fieldElement(name);
    const node = fields[element];
    const type = typeOfField(map, name);
    const member = node !== undefined && isMember(node);
    if (member && !extract) continue;
    const deeper = below(fields, element);
    if (member || !isEmptySet(deeper)) kept[name] = type ? walk(type, inner, deeper, extract) : inner;
    else if (extract) continue;
    else kept[name] = inner;
    any = true;
  }
  return any ? kept : null;
}

/** A new value without the nulls its type does not know: what pruning emptied, in a kind without a codec that would drop them. */
export function withoutNulls(view: TypeView, value: unknown): unknown {
  if (Array.isArray(value)) {
    const element = view.list?.element;
    return element ? value.map(item => withoutNulls(element, item)) : value;
  }
  if (!isMap(value) || !view.map) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const field = view.map.fields.get(name);
    if (inner === null && field && !field.type.nullable) continue;
    const type = field?.type ?? view.map.element;
    kept[name] = type ? withoutNulls(type, inner) : inner;
  }
  return kept;
}
