/**
 * A partly specified object laid over a whole one (upstream: `TypedValue.Merge`). Nothing is removed by it; lists of items keep
 * the order of the side that changes them.
 *
 * Always true: neither side is changed; the result shares what it takes over whole with both.
 */
import { elementText, itemElement, TypedError } from './elements.ts';
import { formOf, isEmptyCollection, isMap, type JsonMap, typeOfField } from './forms.ts';
import type { ListView, MapView, TypeView } from './types.ts';

/** @throws TypedError where an item has no name in its list, or `over` names one twice. */
export function mergeTyped(view: TypeView, base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (base === undefined) return over;
  const form = formOf(view, over === null ? base : over);
  if (formOf(view, base === null ? over : base) !== form) return over;
  if (form === 'map' && view.map && !view.map.atomic) {
    if (isEmptyCollection(base) && isEmptyCollection(over)) return over;
    return mergeMaps(view.map, isMap(base) ? base : {}, isMap(over) ? over : {});
  }
  if (form === 'list' && view.list && !view.list.atomic) {
    if (isEmptyCollection(base) && isEmptyCollection(over)) return over;
    return mergeLists(view.list, Array.isArray(base) ? base : [], Array.isArray(over) ? over : []);
  }
  return over;
}

function mergeMaps(map: MapView, base: JsonMap, over: JsonMap): JsonMap {
  const merged: Record<string, unknown> = { ...base };
  for (const name of Object.keys(over)) {
    const type = typeOfField(map, name);
    merged[name] = type ? mergeTyped(type, base[name], over[name]) : over[name];
  }
  return merged;
}

interface Indexed {
  readonly elements: readonly string[];
  /** Undefined: it stands there more than once, and is not merged. */
  readonly items: ReadonlyMap<string, unknown>;
}

function index(list: ListView, items: readonly unknown[], allowDuplicates: boolean): Indexed {
  const elements: string[] = [];
  const found = new Map<string, unknown>();
  const errors: string[] = [];
  for (const [at, item] of items.entries()) {
    const named = itemElement(list, item);
    if ('error' in named) {
      errors.push(`element ${at}: ${named.error}`);
      continue;
    }
    const { element } = named;
    if (found.has(element)) {
      if (!allowDuplicates) {
        errors.push(`duplicate entries for key ${elementText(element)}`);
        continue;
      }
      found.set(element, undefined);
    } else found.set(element, item);
    elements.push(element);
  }
  if (errors.length > 0) throw new TypedError(errors);
  return { elements, items: found };
}

/**
 * Items both sides have stand in `over`'s order; what only `base` has stays where it is between them, what only `over` has is
 * put before the next item both have.
 */
function mergeLists(list: ListView, base: readonly unknown[], over: readonly unknown[]): unknown[] {
  const right = index(list, over, false);
  const left = index(list, base, true);
  const shared = right.elements.filter(element => left.items.has(element));
  const merged = new Set<string>();
  const out: unknown[] = [];
  let next = 0;
  const take = (element: string): void => {
    merged.add(element);
    out.push(mergeTyped(list.element, left.items.get(element), right.items.get(element)));
  };
  for (let l = 0, r = 0; l < left.elements.length || r < right.elements.length; ) {
    const ours = left.elements[l];
    const theirs = right.elements[r];
    if (ours !== undefined && theirs !== undefined) {
      if (ours === theirs) {
        take(ours);
        l++;
        r++;
        next++;
        continue;
      }
      if (right.items.has(ours) && shared[next] !== undefined && shared[next] !== ours) {
        // Both have it, but it is not its turn.
        l++;
        continue;
      }
    }
    if (ours !== undefined) {
      if (!right.items.has(ours)) {
        out.push(base[l]);
        l++;
        continue;
      }
      if (merged.has(ours)) l++;
    }
    if (theirs !== undefined) {
      take(theirs);
      r++;
      if (shared[next] === theirs) next++;
    }
  }
  return out;
}
