/**
 * The fields of a new object: all it holds. Objects of a kind are mostly made alike, so what one of a shape holds is remembered.
 *
 * Always true: a shape names everything that {@link compareTyped} looks at in a value that was not there before: which fields and
 * items there are, what names them in their lists, and which form each value has; never the values themselves.
 */
import { compareTyped } from './compare.ts';
import type { FieldSet } from './fieldSet.ts';
import { frozen } from './fieldsText.ts';
import { isEmptyCollection, type JsonMap } from './forms.ts';
import type { ListView, TypeView } from './types.ts';

/** A shape takes about ten times its length, with the set of it. */
const GENERATION_CHARACTERS = 32 * 1024;
/** Longer ones are large objects, which come one by one. */
const MAX_SHAPE = 4096;

let young = new Map<string, FieldSet>();
let old = new Map<string, FieldSet>();
let characters = 0;

const numbers = new WeakMap<TypeView, number>();
let lastNumber = 0;

/**
 * What {@link compareTyped} finds changed between an object without fields and this one. The set is shared.
 * @throws TypedError for an item that has no name in its list.
 */
export function fieldsOfNew(view: TypeView, value: object): FieldSet {
  const shape = shapeOf(view, value);
  if (shape === undefined) return compareTyped(view, {}, value).changed;
  const known = young.get(shape);
  if (known) return known;
  const set = old.get(shape) ?? frozen(compareTyped(view, {}, value).changed);
  if (characters + shape.length > GENERATION_CHARACTERS) {
    old = young;
    young = new Map();
    characters = 0;
  }
  young.set(shape, set);
  characters += shape.length;
  return set;
}

/** Undefined: it is not worth remembering, or cannot be said. */
function shapeOf(view: TypeView, value: object): string | undefined {
  const number = numbers.get(view) ?? ++lastNumber;
  numbers.set(view, number);
  const shape = walk(view, value);
  return shape === undefined || shape.length > MAX_SHAPE ? undefined : `${number}${shape}`;
}

/** Every name is preceded by its length, so that no name can look like something else. */
const named = (name: string): string => `${name.length}:${name}`;

function walk(view: TypeView, value: unknown): string | undefined {
  if (value === null) return 'n';
  if (typeof value !== 'object') return 's';
  if (Array.isArray(value)) {
    if (!view.list) return undefined;
    if (!view.list.atomic) return walkList(view.list, value);
    return value.length === 0 ? 'a' : 'A';
  }
  const { map } = view;
  if (!map || map.atomic) return isEmptyCollection(value) ? 'o' : 'O';
  let shape = '{';
  for (const name in value) {
    const inner = (value as JsonMap)[name];
    if (inner === undefined) continue;
    const type = map.fields.get(name)?.type ?? map.element;
    // Of what has no type nothing is owned; but it makes a map one that is not empty.
    const below = type ? walk(type, inner) : '?';
    if (below === undefined) return undefined;
    shape += named(name) + below;
  }
  return `${shape}}`;
}

function walkList(list: ListView, items: readonly unknown[]): string | undefined {
  let shape = '[';
  for (const item of items) {
    if (list.keys.length === 0) {
      const name = scalarText(item);
      if (name === undefined) return undefined;
      shape += name;
      continue;
    }
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
    for (const key of list.keys) {
      const name = scalarText((item as JsonMap)[key]);
      if (name === undefined) return undefined;
      shape += name;
    }
    const below = walk(list.element, item);
    if (below === undefined) return undefined;
    shape += below;
  }
  return `${shape}]`;
}

/** Undefined for what is no scalar; a key that an item leaves out has its default, or none, by its type alone. */
function scalarText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `"${named(value)}`;
    case 'number':
      return `#${named(String(value))}`;
    case 'boolean':
      return value ? '+' : '-';
    case 'undefined':
      return 'u';
    default:
      return undefined;
  }
}
