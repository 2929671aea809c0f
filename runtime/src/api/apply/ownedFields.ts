/** Which fields a value sets (upstream: `TypedValue.ToFieldSet`, and what its comparison with nothing adds). */
import { fieldElement, itemElement, TypedError } from './elements.ts';
import { emptySet, type FieldSet, nodeOf, SELF } from './fieldSet.ts';
import { formOf, isEmptyCollection, type JsonMap } from './forms.ts';
import type { ListView, MapView, TypeView } from './types.ts';

type Building = Record<string, FieldSet>;

/**
 * The leaves of an applied configuration: what its manager will own. Named structs and lists above them are not owned,
 * fields that no schema names and items of lists are.
 *
 * @throws TypedError for an item that has no name in its list.
 */
export function ownedFields(view: TypeView, value: unknown): FieldSet {
  return owned(view, value) ?? emptySet;
}

/** Undefined: the value sets nothing by itself. {@link emptySet}: the place itself. */
function owned(view: TypeView, value: unknown): FieldSet | undefined {
  const form = formOf(view, value);
  if (form === 'map' && view.map && !view.map.atomic) {
    if (typeof value !== 'object' || value === null) return undefined;
    const children: Building = {};
    for (const name in value as JsonMap) {
      const inner = (value as JsonMap)[name];
      if (inner === undefined) continue;
      const field = view.map.fields.get(name);
      const type = field?.type ?? view.map.element;
      if (!type) continue;
      const member =
        !field || inner === null || (!Array.isArray(inner) && isEmptyCollection(inner) && typeof inner === 'object');
      const node = withMember(owned(type, inner), member);
      if (node) children[fieldElement(name)] = node;
    }
    return nodeOf(children, false);
  }
  if (form === 'list' && view.list && !view.list.atomic)
    return Array.isArray(value) ? nodeOf(ownedItems(view.list, value), false) : undefined;
  return emptySet;
}

function ownedItems(list: ListView, items: readonly unknown[]): Building {
  const children: Building = {};
  const duplicates = new Set<string>();
  for (const item of items) {
    const element = elementOf(list, item);
    if (children[element] === undefined) children[element] = withMember(owned(list.element, item), true) ?? emptySet;
    else duplicates.add(element);
  }
  // An item that stands there twice is owned as a whole.
  for (const element of duplicates) children[element] = emptySet;
  return children;
}

function withMember(node: FieldSet | undefined, member: boolean): FieldSet | undefined {
  if (!member || node === undefined) return member ? emptySet : node;
  return nodeOf({ ...node }, true);
}

export function elementOf(list: ListView, item: unknown): string {
  const named = itemElement(list, item);
  if ('error' in named) throw new TypedError([named.error]);
  return named.element;
}

/** Everything a value holds, each struct, map, list and item itself among it: the node of a place that is new, or gone. */
export function allFields(view: TypeView, value: unknown): FieldSet {
  return everything(view, value, true) ?? emptySet;
}

/** What {@link allFields} holds below the place; undefined where the value is a leaf. */
export const fieldsBelow = (view: TypeView, value: unknown): FieldSet | undefined => everything(view, value, false);

function everything(view: TypeView, value: unknown, member: boolean): FieldSet | undefined {
  const form = formOf(view, value);
  if (form === 'map' && view.map && !view.map.atomic) return everyField(view.map, value, member);
  if (form !== 'list' || !view.list || view.list.atomic || !Array.isArray(value)) return member ? emptySet : undefined;
  const children: Building = {};
  const duplicates = new Set<string>();
  for (const item of value) {
    const element = elementOf(view.list, item);
    if (children[element] === undefined) children[element] = allFields(view.list.element, item);
    else duplicates.add(element);
  }
  for (const element of duplicates) children[element] = emptySet;
  return nodeOf(children, member);
}

function everyField(map: MapView, value: unknown, member: boolean): FieldSet | undefined {
  if (typeof value !== 'object' || value === null) return member ? emptySet : undefined;
  const node: Building = {};
  let any = false;
  for (const name of Object.keys(value).sort()) {
    const inner = (value as JsonMap)[name];
    if (inner === undefined) continue;
    const field = map.fields.get(name);
    const type = field?.type ?? map.element;
    if (!type) continue;
    if (!any && member) node[SELF] = emptySet;
    any = true;
    node[field?.element ?? fieldElement(name)] = allFields(type, inner);
  }
  if (any) return node;
  return member ? emptySet : undefined;
}
