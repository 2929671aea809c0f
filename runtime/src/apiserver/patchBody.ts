/** The body of a PATCH as a function on objects: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch. */
import { hasDuplicates, problemsInOrder } from '../api/duplicates.ts';
import type { KubeObject } from '../api/object.ts';
import { goTypeOf, jsonPatch, mergePatch, strategicMergePatch } from '../api/patch/index.ts';
import { badRequest, invalid, StatusError } from '../api/status.ts';
import type { Request } from '../lib/exchange.ts';
import { conform, type Expected, parseJson } from './body.ts';
import { fieldValidationOf } from './writeOptions.ts';

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

export type PatchType = (typeof patchTypes)[keyof typeof patchTypes];

/** @param current the caller's to give away @param expected what is patched: the resource's kind, or a subresource's (`Scale`). @throws StatusError 400, 422 */
export type Patch = (current: KubeObject, expected: Expected, warnings: string[]) => KubeObject;

/** Of the patched object in a refusal: it may be as large as the largest body. */
const SHOWN_CHARACTERS = 4096;
const TEXT_FIELDS = ['op', 'path', 'from'] as const;
const OPERATION_FIELDS = new Set<string>([...TEXT_FIELDS, 'value']);

/** @throws StatusError 400 for a body that is no such patch */
export function patchOf(request: Request, type: PatchType): Patch {
  const text = request.body.toString('utf8');
  const patch = parsed(text, type);
  const validation = fieldValidationOf(request);
  const isStrategic = type === patchTypes.strategic;
  const ofPatch = validation === 'Ignore' ? [] : problemsOfPatch(text, type, patch);
  return (current, expected, warnings) => {
    const patched = apply(type, expected, current, patch);
    const found: string[] = [];
    let object: KubeObject;
    try {
      object = conform(patched, undefined, expected, validation === 'Ignore' ? 'Ignore' : 'Warn', found);
    } catch (error) {
      const reason = reasonOf(error, expected);
      throw isStrategic ? unfit(goText(patch), converterReason(reason)) : unfit(JSON.stringify(patched), reason);
    }
    const problems = [...ofPatch, ...found];
    if (validation === 'Strict' && problems.length > 0) {
      throw unfit(
        isStrategic ? goText(patch) : JSON.stringify(patched),
        `strict decoding error: ${problems.join(', ')}`,
      );
    }
    warnings.push(...problems);
    return object;
  };
}

function parsed(text: string, type: PatchType): unknown {
  const prefix = type === patchTypes.strategic ? '' : 'error decoding patch: ';
  let patch: unknown;
  try {
    patch = parseJson(text, 'patch');
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw badRequest(`${prefix}${said.replace(/^.*json parse error: /s, '').replace(/ \([^()]*\)$/, '')}`);
  }
  const given = patch === null ? 'null' : goTypeOf(patch);
  if (type === patchTypes.json) {
    if (given === 'array' || given === 'null') return patch ?? [];
    throw badRequest(`${prefix}json: cannot unmarshal ${given} into Go value of type []handlers.jsonPatchOp`);
  }
  if (given === 'object') return patch;
  if (given === 'null' && type === patchTypes.strategic) return {};
  throw badRequest(`${prefix}json: cannot unmarshal ${given} into Go value of type map[string]interface {}`);
}

const notOfType = (value: unknown, wanted: string): StatusError =>
  badRequest(`error decoding patch: json: cannot unmarshal ${goTypeOf(value)} into ${wanted}`);

/** Fields that an operation does not have, and fields said twice. @throws StatusError 400 for operations that are none */
function problemsOfPatch(text: string, type: PatchType, patch: unknown): string[] {
  if (type !== patchTypes.json) return hasDuplicates(text, patch) ? problemsInOrder(text, new Set()) : [];
  const unknown = new Set<string>();
  for (const [index, operation] of (patch as readonly unknown[]).entries()) {
    if (operation === null) continue;
    if (typeof operation !== 'object' || Array.isArray(operation))
      throw notOfType(operation, 'Go value of type handlers.jsonPatchOp');
    for (const field of TEXT_FIELDS) {
      const value = (operation as Record<string, unknown>)[field] ?? '';
      if (typeof value !== 'string') throw notOfType(value, `Go struct field jsonPatchOp.${field} of type string`);
    }
    for (const key of Object.keys(operation)) if (!OPERATION_FIELDS.has(key)) unknown.add(`[${index}].${key}`);
  }
  if (unknown.size === 0 && !hasDuplicates(text, patch)) return [];
  return problemsInOrder(text, unknown).map(problem => `json patch ${problem}`);
}

function apply(type: PatchType, expected: Expected, current: KubeObject, patch: unknown): unknown {
  try {
    switch (type) {
      case patchTypes.json:
        return jsonPatch(current, patch, true);
      case patchTypes.merge:
        return mergePatch(current, patch, true);
      case patchTypes.strategic:
        return strategicMergePatch(expected.definition, current, patch as Record<string, unknown>, undefined, true);
    }
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw unfit(JSON.stringify(patch) ?? '', error instanceof Error ? error.message : String(error));
  }
}

/**
 * A patch whose result is no object of the kind: a 422 about the patch, not a 400 about the body.
 * @param text the patched object; of a strategic merge patch, the patch.
 */
function unfit(text: string, reason: string): StatusError {
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return invalid({ group: '', kind: '' }, '', [
    { type: 'FieldValueInvalid', field: 'patch', message: `Invalid value: ${JSON.stringify(shown)}: ${reason}` },
  ]);
}

/** Without what a refused body is told first. */
function reasonOf(error: unknown, { kind }: Expected): string {
  const said = error instanceof Error ? error.message : String(error);
  const at = said.indexOf(`cannot be handled as a ${kind}: `);
  return at < 0 ? said : said.slice(at + `cannot be handled as a ${kind}: `.length);
}

/** As Go prints what a patch is read into: `map[spec:map[replicas:a]]`. */
function goText(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
}

const plain = new Set(['string', 'bool', 'int32', 'int64', 'uint16', 'float64']);

/** Upstream reads strategically patched objects without JSON in between, and says so where plain fields are of another type. */
function converterReason(reason: string): string {
  const [, given = '', of = ''] =
    /^json: cannot unmarshal (\w+)\b.* into Go struct field \S+ of type (\S+)$/.exec(reason) ?? [];
  if (!plain.has(of)) return reason;
  return given === 'number' && of === 'string' ? 'cannot convert int64 to string' : `unrecognized type: ${of}`;
}
