/** PATCH: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch. */
import type { KubeObject } from '../../api/object.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from '../../api/patch/index.ts';
import { badRequest, invalid, StatusError, unsupportedMediaType } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerStored, type StoredObject } from '../answer.ts';
import { conform, type Expected, mediaType, parseJson } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { updateObject } from '../registry.ts';
import { fieldValidationOf } from '../writeOptions.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const APPLY_CBOR = 'application/apply-patch+cbor';

/** @param expected what is patched: the resource's kind, or a subresource's (`Scale`). */
export type Patch = (current: KubeObject, expected: Expected, warnings: string[]) => KubeObject;

/** The body as a function on objects. @throws StatusError 400, 415 */
export function readPatch(context: Context): Patch {
  const { request } = context;
  const type = mediaType(request);
  if (type === APPLY_PATCH || type === APPLY_CBOR) {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `server-side apply (${type}) is not served yet: use client-side apply (kubectl apply without --server-side) or one of ${JSON_PATCH}, ${MERGE_PATCH}, ${STRATEGIC_PATCH}`,
    );
  }
  if (type !== JSON_PATCH && type !== MERGE_PATCH && type !== STRATEGIC_PATCH) {
    throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH]);
  }
  if (request.body.length === 0) throw badRequest('the body of the request is empty; send a patch');
  const text = request.body.toString('utf8');
  const patch = parseJson(text, 'patch');
  if (
    type === JSON_PATCH ? !Array.isArray(patch) : typeof patch !== 'object' || patch === null || Array.isArray(patch)
  ) {
    throw badRequest(
      `error decoding patch: a body of type ${type} must be a JSON ${type === JSON_PATCH ? 'array of operations' : 'object'}`,
    );
  }
  const validation = fieldValidationOf(request);
  return (current, expected, warnings) => {
    const patched = applyPatch(type, expected, current, patch);
    return conform(patched, undefined, expected, validation, warnings);
  };
}

function applyPatch(type: string, expected: Expected, current: KubeObject, patch: unknown): unknown {
  try {
    if (type === JSON_PATCH) return jsonPatch(current, patch as Parameters<typeof jsonPatch>[1]);
    if (type === MERGE_PATCH) return mergePatch(current, patch);
    return strategicMergePatch(expected.definition, current, patch as Record<string, unknown>);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(expected, current.metadata.name ?? '', [
      {
        type: 'FieldValueInvalid',
        field: 'patch',
        message: `Invalid value: ${JSON.stringify(patch).slice(0, 200)}: ${message}`,
      },
    ]);
  }
}

/** @param subresource empty, `status`, or another that is patched as the whole object. */
export async function patchObject(context: Context, subresource: string): Promise<Response> {
  const { info, resource } = context;
  const patch = readPatch(context);
  const change = (old: KubeObject, _stored: StoredObject): KubeObject => {
    const { resourceVersion } = old.metadata;
    context.warnings.length = 0;
    const object = patch(old, resource, context.warnings);
    // A patch that says nothing of the revision means whatever is there; one that does means only that.
    if (object.metadata.resourceVersion === resourceVersion) delete object.metadata.resourceVersion;
    if (object.metadata.name !== info.name) {
      throw badRequest(
        `the name of the object (${object.metadata.name ?? ''}) does not match the name on the URL (${info.name})`,
      );
    }
    return object;
  };
  const updated = await updateObject(context, info.name, { change, subresource });
  return answerStored(askedOf(context), updated);
}
