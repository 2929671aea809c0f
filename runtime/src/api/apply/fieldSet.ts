/**
 * Sets of fields (upstream: `fieldpath.Set`), as tries in the shape FieldsV1 has on the wire: a key is a path element, its value
 * what is below it, and `.` says that the place itself is in the set. So a stored set needs no decoding.
 *
 * Always true of a set:
 * - a place with nothing below it is in the set, and written `{}`; `.` stands only beside something else;
 * - keys are in upstream's order ({@link compareElements});
 * - it is shared and never changed: operations return what they were given where nothing is different.
 */
import { compareElements, elementText, fieldElement } from './elements.ts';
import type { TypeView } from './types.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

type Building = Record<string, FieldSet>;

/** The set itself. */
export const SELF = '.';
/** As a whole set: nothing; as what is below a place: the place is in the set. */
export const emptySet: FieldSet = Object.freeze({});

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the place whose node this is, is in the set. */
export const isMember = (node: FieldSet): boolean => node[SELF] !== undefined || isEmptySet(node);

/** A node of children in any order; `member` says whether the place itself is in the set. Undefined: nothing is. */
export function nodeOf(children: Building, member: boolean): FieldSet | undefined {
  const keys = Object.keys(children);
  if (keys.length === 0) return member ? emptySet : undefined;
  const sorted = isSorted(keys);
  if (sorted && !member) return children;
  if (!sorted) keys.sort(compareElements);
  const node: Building = {};
  if (member) node[SELF] = emptySet;
  for (const key of keys) node[key] = children[key] ?? emptySet;
  return node;
}

function isSorted(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at++) if (compareElements(keys[at - 1] ?? '', keys[at] ?? '') > 0) return false;
  return true;
}

/** A set of paths: `setOf(['f:spec', 'f:replicas'])`. */
export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  let set = emptySet;
  for (const path of paths) {
    let node = emptySet;
    for (const element of [...path].reverse()) node = { [element]: node };
    set = union(set, node);
  }
  return set;
}

/** `fields('spec', 'replicas')`: a path of named fields. */
export const fieldPath = (...names: readonly string[]): string[] => names.map(fieldElement);

export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const key in a) {
    const other = b[key];
    if (other === undefined || !equalSets(a[key] ?? emptySet, other)) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return merged(a, b);
}

/** Two nodes that are not empty. */
function merged(a: FieldSet, b: FieldSet): FieldSet {
  const left = Object.keys(a);
  const right = Object.keys(b);
  const node: Building = {};
  let isA = true;
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const x = left[i];
    const y = right[j];
    const order = x === undefined ? 1 : y === undefined ? -1 : compareElements(x, y);
    const key = (order <= 0 ? x : y) ?? '';
    node[key] =
      order < 0
        ? (a[key] ?? emptySet)
        : order > 0
          ? (b[key] ?? emptySet)
          : unionNodes(a[key] ?? emptySet, b[key] ?? emptySet);
    if (order > 0 || node[key] !== a[key]) isA = false;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return isA ? a : node;
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmptySet(b)) return withSelf(a);
  if (isEmptySet(a)) return withSelf(b);
  return merged(a, b);
}

const withSelf = (node: FieldSet): FieldSet => (isMember(node) ? node : { [SELF]: emptySet, ...node });

/** What is in both, place by place. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return shared(a, b, false) ?? emptySet;
}

function shared(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  const children: Building = {};
  for (const key in a) {
    const other = b[key];
    if (key === SELF || other === undefined) continue;
    const x = a[key] ?? emptySet;
    const node = shared(x, other, isMember(x) && isMember(other));
    if (node) children[key] = node;
  }
  return nodeOf(children, member);
}

/** What is in `a` and not in `b`, place by place: a parent stays though its child goes, a child though its parent. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(b) ? a : (without(a, b, false, false) ?? emptySet);
}

/** As {@link difference}, but what is below a place of `b` goes with it. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(b) ? a : (without(a, b, false, true) ?? emptySet);
}

/** @param member the place of `a` was in the set and stays. */
function without(a: FieldSet, b: FieldSet, member: boolean, recursive: boolean): FieldSet | undefined {
  let children: Building | undefined;
  for (const key in b) {
    const x = a[key];
    if (key === SELF || x === undefined) continue;
    const other = b[key] ?? emptySet;
    const goes = isMember(other);
    let node: FieldSet | undefined;
    if (!(goes && recursive)) {
      if (isEmptySet(x)) node = goes ? undefined : x;
      else node = without(x, other, !goes && x[SELF] !== undefined, recursive);
    }
    if (node === x) continue;
    children ??= { ...a };
    if (node === undefined) delete children[key];
    else children[key] = node;
  }
  // The place itself.
  const was = a[SELF] !== undefined;
  if (children === undefined && was === member) return a;
  children ??= { ...a };
  delete children[SELF];
  return nodeOf(children, member);
}

/** Only the places with nothing below them. */
export function leaves(set: FieldSet): FieldSet {
  const node: Building = {};
  for (const key in set) if (key !== SELF) node[key] = leaves(set[key] ?? emptySet);
  return node;
}

/** What is below a place, or nothing. */
export function below(set: FieldSet, element: string): FieldSet {
  const node = set[element];
  if (node === undefined) return emptySet;
  if (node[SELF] === undefined) return node;
  const { [SELF]: _, ...children } = node;
  return children;
}

/** Named fields of structs that have something below them are in the set too. */
export function withNamedFields(set: FieldSet, view: TypeView | undefined): FieldSet {
  const children: Building = {};
  for (const key in set) {
    if (key === SELF) continue;
    const node = set[key] ?? emptySet;
    if (isEmptySet(node)) {
      children[key] = node;
      continue;
    }
    let member = node[SELF] !== undefined;
    let inner: TypeView | undefined;
    if (key.startsWith('f:')) {
      const field = view?.map?.fields.get(key.slice(2));
      if (field) member = true;
      inner = field?.type ?? view?.map?.element;
    } else if (key.startsWith('k:')) inner = view?.list?.element;
    const deeper = withNamedFields(node, inner);
    children[key] = member ? withSelf(deeper) : deeper;
  }
  return children;
}

/** Each path in the set; parents first, a place's own before its children's. The array is reused. */
export function forEachPath(set: FieldSet, visit: (path: readonly string[]) => void, prefix: string[] = []): void {
  for (const key in set) {
    if (key === SELF || !isMember(set[key] ?? emptySet)) continue;
    prefix.push(key);
    visit(prefix);
    prefix.pop();
  }
  for (const key in set) {
    if (key === SELF) continue;
    prefix.push(key);
    forEachPath(set[key] ?? emptySet, visit, prefix);
    prefix.pop();
  }
}

export function pathsOf(set: FieldSet): string[][] {
  const paths: string[][] = [];
  forEachPath(set, path => paths.push([...path]));
  return paths;
}

/** For people: `.spec.template.spec.containers[name="web"].image`. */
export const pathText = (path: readonly string[]): string => path.map(elementText).join('');

/** Paths that a set may hold: `*` stands for any element; a pattern with nothing below it for all that is below it. */
export interface SetPattern {
  readonly [element: string]: SetPattern;
}

/** Only the paths a pattern names. */
export function matching(set: FieldSet, pattern: SetPattern): FieldSet {
  const children: Building = {};
  for (const key in set) {
    const inner = pattern['*'] ?? pattern[key];
    if (key === SELF || inner === undefined) continue;
    const node = set[key] ?? emptySet;
    const member = isMember(node);
    const kept = isEmptySet(inner as FieldSet) ? node : (nodeOf({ ...matching(node, inner) }, member) ?? undefined);
    if (kept) children[key] = kept;
  }
  return children;
}
