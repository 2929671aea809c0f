/** Which fields two versions of an object differ in (upstream: `TypedValue.Compare`). */
import { fieldElement } from './elements.ts';
import { equalValues } from './equal.ts';
import { emptySet, type FieldSet, nodeOf, union } from './fieldSet.ts';
import { emptyMap, formOf, isEmptyCollection, type JsonMap } from './forms.ts';
import { allFields, elementOf, fieldsBelow } from './ownedFields.ts';
import type { ListView, MapView, TypeView } from './types.ts';

export interface Comparison {
  /** Added, or of another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** @throws TypedError for an item that has no name in its list. */
export function compareTyped(view: TypeView, before: unknown, after: unknown): Comparison {
  const walk = new Walk();
  const changed = walk.compare(view, before, after) ?? emptySet;
  return { changed, removed: walk.removed ?? emptySet };
}

export const isSame = ({ changed, removed }: Comparison): boolean => changed === emptySet && removed === emptySet;

type Building = Record<string, FieldSet>;

const shift = (removed: Building | undefined, element: string, node: FieldSet): Building => {
  const building = removed ?? {};
  building[element] = node;
  return building;
};

/** Always true: `removed` is what the last call of {@link compare} found gone; its answer what it found changed. */
class Walk {
  removed: FieldSet | undefined;
  /** Maps above the one that is compared. */
  #depth = 0;

  /** Both are there. Equal subtrees cost no allocation. */
  compare(view: TypeView, before: unknown, after: unknown): FieldSet | undefined {
    this.removed = undefined;
    if (before === after) return undefined;
    const form = formOf(view, after === null ? before : after);
    const other = formOf(view, before === null ? after : before);
    if (form !== other) return this.#replaced(view, before, after);
    if (form === 'map' && view.map && !view.map.atomic) {
      if (isEmptyCollection(before) && isEmptyCollection(after))
        return before === null || after === null ? emptySet : undefined;
      return this.#compareMaps(view.map, (before ?? emptyMap) as JsonMap, (after ?? emptyMap) as JsonMap);
    }
    if (form === 'list' && view.list && !view.list.atomic) {
      if (isEmptyCollection(before) && isEmptyCollection(after))
        return before === null || after === null ? emptySet : undefined;
      const items = this.#compareLists(view.list, asList(before), asList(after));
      // A null could have been of any form: it is changed itself.
      const untyped = (before === null || after === null) && (view.map !== undefined || view.scalar !== undefined);
      return untyped ? nodeOf({ ...items }, true) : items;
    }
    return equalValues(before, after) ? undefined : emptySet;
  }

  /** A value of another form: what was below the place is gone, what is there now is new; a leaf is the place itself. */
  #replaced(view: TypeView, before: unknown, after: unknown): FieldSet | undefined {
    const gone = fieldsBelow(view, before);
    const come = fieldsBelow(view, after);
    this.removed = gone;
    return nodeOf({ ...come }, gone === undefined || come === undefined);
  }

  #compareMaps(map: MapView, before: JsonMap, after: JsonMap): FieldSet | undefined {
    let changed: Building | undefined;
    let removed: Building | undefined;
    for (const name in after) {
      const value = after[name];
      if (value === undefined) continue;
      let old = before[name];
      // Mostly one part of an object changes: the others are compared without looking at their types.
      if (old === value || (this.#depth === 0 && equalValues(old, value))) continue;
      const field = map.fields.get(name);
      const type = field?.type ?? map.element;
      if (!type) continue;
      if (old === undefined) {
        if (field?.absent === undefined) {
          changed = shift(changed, field?.element ?? fieldElement(name), allFields(type, value));
          continue;
        }
        old = field.absent;
      }
      this.#depth++;
      const node = this.compare(type, old, value);
      this.#depth--;
      if (node) changed = shift(changed, field?.element ?? fieldElement(name), node);
      if (this.removed) removed = shift(removed, field?.element ?? fieldElement(name), this.removed);
    }
    for (const name in before) {
      const old = before[name];
      if (old === undefined || after[name] !== undefined) continue;
      const field = map.fields.get(name);
      const type = field?.type ?? map.element;
      if (!type) continue;
      if (field?.absent !== undefined) {
        const node = this.compare(type, old, field.absent);
        if (node) changed = shift(changed, field?.element ?? fieldElement(name), node);
        if (this.removed) removed = shift(removed, field?.element ?? fieldElement(name), this.removed);
      } else removed = shift(removed, field?.element ?? fieldElement(name), allFields(type, old));
    }
    return this.#done(changed, removed);
  }

  #compareLists(list: ListView, before: readonly unknown[], after: readonly unknown[]): FieldSet | undefined {
    if (equalValues(before, after)) {
      this.removed = undefined;
      return undefined;
    }
    const old = byElement(list, before);
    const now = byElement(list, after);
    let changed: Building | undefined;
    let removed: Building | undefined;
    for (const element of new Set([...old.keys(), ...now.keys()])) {
      const was = old.get(element) ?? [];
      const is = now.get(element) ?? [];
      if (was.length <= 1 && is.length <= 1) {
        if (was.length === 0) changed = shift(changed, element, allFields(list.element, is[0]));
        else if (is.length === 0) removed = shift(removed, element, allFields(list.element, was[0]));
        else {
          const node = this.compare(list.element, was[0], is[0]);
          if (node) changed = shift(changed, element, node);
          if (this.removed) removed = shift(removed, element, this.removed);
        }
      } else if (was.length > 1 && is.length > 1) {
        // Items that stand there more than once are compared together.
        if (!equalValues(was, is)) changed = shift(changed, element, emptySet);
      } else if (was.length > 1) {
        if (is.length > 0) changed = shift(changed, element, allFields(list.element, is[0]));
        removed = shift(removed, element, emptySet);
      } else {
        if (was.length > 0) removed = shift(removed, element, allFields(list.element, was[0]));
        changed = shift(changed, element, emptySet);
      }
    }
    return this.#done(changed, removed);
  }

  #done(changed: Building | undefined, removed: Building | undefined): FieldSet | undefined {
    this.removed = removed && nodeOf(removed, false);
    return changed && nodeOf(changed, false);
  }
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function byElement(list: ListView, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of items) {
    const element = elementOf(list, item);
    const same = found.get(element);
    if (same) same.push(item);
    else found.set(element, [item]);
  }
  return found;
}

/** Both, for those who need not know which: what somebody else may no longer say. */
export const touched = ({ changed, removed }: Comparison): FieldSet => union(changed, removed);
