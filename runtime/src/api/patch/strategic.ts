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

/** What the schema says of one field: strategy, merge key, and the type inside. */
interface Meta {
  readonly merge: boolean;
  readonly replace: boolean;
  readonly mergeKey: string;
  /** Of the object, or of a list's or map's elements. */
  readonly type: string;
}

/** `type` is a definition, or `{}T` for a map, whose entries all have the type T. */
function metaOf(type: string, name: string): Meta {
  const field: FieldSchema | undefined = type.startsWith('io.k8s.') ? fieldsOf(type).get(name) : undefined;
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
function mergeObject(type: string, original: Json, patch: Json): Json {
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
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)) continue;
    if (value === null) delete original[key];
    else original[key] = mergeValue(metaOf(type, key), original[key], value);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(SET_ORDER)) continue;
    const name = key.slice(SET_ORDER.length);
    const list = original[name];
    if (!Array.isArray(list)) continue;
    const { mergeKey } = metaOf(type, name);
    original[name] = inOrder(list, asList(value, key), list, mergeKey);
  }
  return original;
}

function mergeValue(meta: Meta, original: unknown, patch: unknown): unknown {
  if (isObject(original) && isObject(patch)) {
    if (meta.replace) return taken(patch);
    return mergeObject(meta.type, original, patch);
  }
  if (Array.isArray(original) && Array.isArray(patch) && meta.merge) return mergeList(meta, original, patch);
  return taken(patch);
}

function mergeList(meta: Meta, original: unknown[], patch: unknown[]): unknown[] {
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
    if (found) merged[index] = mergeObject(meta.type, found, change);
    else merged.push(taken(change) as Json);
  }
  return inOrder(merged, known, original, mergeKey);
}

/** A new object; `original` and `patch` stay as they are. Throws a 400 for a patch that makes no sense. */
export function strategicMergePatch(definition: string, original: object, patch: object): Record<string, unknown> {
  return mergeObject(definition, structuredClone(original) as Json, structuredClone(patch) as Json);
}
