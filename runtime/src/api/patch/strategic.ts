/**
 * Strategic merge patch: lists merge by the keys the schema names, and directives in the patch say what merging cannot
 * (https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md).
 *
 *   $patch: delete | replace | merge          in an object or in an element of a list
 *   $retainKeys: [a, b]                       other keys of the object go
 *   $deleteFromPrimitiveList/<field>: [x]     elements to remove
 *   $setElementOrder/<field>: [...]           order of what the patch's author knows of
 */
import type { FieldSchema } from '../schema/model.ts';
import { fieldsOf } from '../schema/table.ts';
import { badRequest } from '../status.ts';
import { isObject } from './mergePatch.ts';
import { type Elements, inOrder, keyOf } from './order.ts';

type Json = Record<string, unknown>;

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const SET_ORDER = '$setElementOrder/';

/** What is known of a field: all that merging looks at. */
export type PatchField = Pick<FieldSchema, 'type' | 'patchStrategy' | 'patchMergeKey'>;

/** The field of that name in a type; undefined: it has none, or it has no fields. */
export type FieldLookup = (type: string, name: string) => PatchField | undefined;

const builtIn: FieldLookup = (type, name) => (type.startsWith('io.k8s.') ? fieldsOf(type).get(name) : undefined);

/** What the schema says of one field: strategy, merge key, and the type inside. */
interface Meta {
  readonly merge: boolean;
  readonly replace: boolean;
  readonly mergeKey: string;
  /** Of the object, or of a list's or map's elements. */
  readonly type: string;
}

/** `type` is a definition, or `{}T` for a map, whose entries all have the type T. */
function metaOf(lookup: FieldLookup, type: string, name: string): Meta {
  const field = lookup(type, name);
  const inner = (field?.type ?? (type.startsWith('{}') ? type.slice(2) : '')).replace(/!$/, '');
  const strategies = (field?.patchStrategy ?? '').split(',');
  return {
    merge: strategies.includes('merge'),
    replace: strategies.includes('replace'),
    mergeKey: field?.patchMergeKey ?? '',
    type: inner.startsWith('[]') ? inner.slice(2) : inner,
  };
}

const asList = (value: unknown, name: string): unknown[] => {
  if (!Array.isArray(value)) throw badRequest(`the patch's ${name} must be a list`);
  return value;
};

/** A value taken over whole: nulls in objects mean "not there", directives have nothing to act on. */
function taken(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter(item => !(isObject(item) && (item[DIRECTIVE] === 'delete' || Object.keys(item).join() === DIRECTIVE)))
      .map(taken);
  }
  if (!isObject(value)) return value;
  const result: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null || key === DIRECTIVE || key === RETAIN_KEYS) continue;
    if (key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)) continue;
    result[key] = taken(inner);
  }
  return result;
}

function retainKeys(original: Json, patch: Json): void {
  if (!(RETAIN_KEYS in patch)) return;
  const keep = new Set(asList(patch[RETAIN_KEYS], RETAIN_KEYS));
  for (const key of Object.keys(patch)) {
    if (!key.startsWith('$') && patch[key] !== null && !keep.has(key))
      throw badRequest('invalid patch format of retainKeys: it lacks a key the patch sets');
  }
  for (const key of Object.keys(original)) if (!keep.has(key)) delete original[key];
}

/** Merges into `original`, which is the caller's own copy. */
function mergeObject(lookup: FieldLookup, type: string, original: Json, patch: Json): Json {
  const directive = patch[DIRECTIVE];
  if (directive === 'replace') return taken(patch) as Json;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge')
    throw badRequest(`Unknown patch type found: ${String(directive)}`);
  retainKeys(original, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(DELETE_FROM)) continue;
    const name = key.slice(DELETE_FROM.length);
    const gone = new Set(asList(value, key));
    const list = original[name];
    if (Array.isArray(list)) original[name] = list.filter(item => !gone.has(item));
  }
  const before = new Map<string, unknown>();
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(SET_ORDER)) continue;
    const name = key.slice(SET_ORDER.length);
    checkOrder(asList(value, key), patch[name], metaOf(lookup, type, name).mergeKey);
    before.set(name, original[name]);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)) continue;
    if (value === null) delete original[key];
    else original[key] = mergeValue(lookup, metaOf(lookup, type, key), original[key], value);
  }
  for (const [name, old] of before) {
    const list = original[name];
    if (!Array.isArray(list)) continue;
    const { mergeKey } = metaOf(lookup, type, name);
    const wanted = asList(patch[SET_ORDER + name], SET_ORDER + name);
    original[name] = inOrder(list, wanted, serverOrder(old, patch[name], mergeKey), mergeKey);
  }
  return original;
}

/**
 * The order that what the patch's author does not know of keeps: as the list was. Of what the patch deletes the places are taken by
 * what it adds, as in upstream, where both live in one array.
 */
function serverOrder(old: unknown, changes: unknown, mergeKey: string): readonly unknown[] {
  if (!Array.isArray(old)) return [];
  if (mergeKey === '' || !Array.isArray(changes)) return old;
  const gone = new Set(
    changes.filter(change => isObject(change) && change[DIRECTIVE] === 'delete').map(change => keyOf(change, mergeKey)),
  );
  const left = old.filter(element => !gone.has(keyOf(element, mergeKey)));
  if (left.length === old.length) return old;
  const present = new Set(left.map(element => keyOf(element, mergeKey)));
  const added = changes.filter(
    change => isObject(change) && change[DIRECTIVE] === undefined && !present.has(keyOf(change, mergeKey)),
  );
  return [...left, ...added.slice(0, old.length - left.length)];
}

/** Who names an order changes nothing in another. @throws StatusError 400 */
function checkOrder(order: readonly unknown[], changes: unknown, mergeKey: string): void {
  if (!Array.isArray(changes) || order.length === 0) return;
  let at = 0;
  for (const change of changes) {
    if (isObject(change) && change[DIRECTIVE] !== undefined) continue;
    const key = keyOf(change, mergeKey);
    while (at < order.length && keyOf(order[at], mergeKey) !== key) at++;
    if (at++ >= order.length)
      throw badRequest(
        `The order in patch list:\n${JSON.stringify(changes)}\n doesn't match ${SET_ORDER} list:\n${JSON.stringify(order)}\n`,
      );
  }
}

function mergeValue(lookup: FieldLookup, meta: Meta, original: unknown, patch: unknown): unknown {
  if (isObject(original) && isObject(patch)) {
    if (meta.replace) return taken(patch);
    return mergeObject(lookup, meta.type, original, patch);
  }
  if (Array.isArray(original) && Array.isArray(patch) && meta.merge) return mergeList(lookup, meta, original, patch);
  return taken(patch);
}

function mergeList(lookup: FieldLookup, meta: Meta, original: unknown[], patch: unknown[]): unknown[] {
  const elements = [...original, ...patch];
  if (!elements.some(isObject)) return inOrder([...new Set(elements)], patch, original, '');
  const { mergeKey } = meta;
  if (mergeKey === '') throw badRequest(`cannot merge lists without merge key for ${meta.type}`);
  if (!elements.every(isObject)) throw badRequest(`the patch holds list elements of another type than ${meta.type}`);
  const merged = [...(original as Json[])];
  const changes = patch as Json[];
  if (changes.some(e => e[DIRECTIVE] === 'replace')) {
    return changes.filter(e => e[DIRECTIVE] !== 'replace' || Object.keys(e).length > 1).map(taken);
  }
  const known: Elements = [];
  for (const change of changes) {
    const directive = change[DIRECTIVE];
    const key = keyOf(change, mergeKey);
    if (directive !== undefined && directive !== 'delete' && directive !== 'merge')
      throw badRequest(`Unknown patch type found: ${String(directive)}`);
    if (key === undefined)
      throw badRequest(`map: ${JSON.stringify(change)} does not contain declared merge key: ${mergeKey}`);
    const index = merged.findIndex(e => keyOf(e, mergeKey) === key);
    if (directive === 'delete') {
      // All of them: a list written before its key was one may hold several.
      for (let i = merged.length - 1; i >= 0; i--) if (keyOf(merged[i], mergeKey) === key) merged.splice(i, 1);
      continue;
    }
    known.push(change);
    const found = merged[index];
    if (found) merged[index] = mergeObject(lookup, meta.type, found, change);
    else merged.push(taken(change) as Json);
  }
  return inOrder(merged, known, original, mergeKey);
}

/**
 * `patch` stays as it is, and so does `original` unless it is `given` away: then it may be changed and become part of the result.
 * Throws a 400 for a patch that makes no sense.
 */
export function strategicMergePatch(
  definition: string,
  original: object,
  patch: object,
  lookup: FieldLookup = builtIn,
  given = false,
): Record<string, unknown> {
  const base = (given ? original : structuredClone(original)) as Json;
  return mergeObject(lookup, definition, base, structuredClone(patch) as Json);
}
