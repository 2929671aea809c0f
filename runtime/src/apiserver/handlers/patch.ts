/** PATCH: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch; server-side apply is `apply.ts`. */
import type { KubeObject } from '../../api/object.ts';
import { unsupportedMediaType } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerStored, type StoredObject } from '../answer.ts';
import { mediaType } from '../body.ts';
import { askedOf, type Context, forgetWarnings } from '../context.ts';
import { checkName, dedupeOwners } from '../objectMeta.ts';
import { type Patch, patchOf, patchTypes } from '../patchBody.ts';
import { updateObject } from '../registry.ts';

const APPLY = 'application/apply-patch+yaml';
/** Applying needs an object of which the manager and his fields can be kept: all resources that can be patched have one. */
const accepts: readonly string[] = [...Object.values(patchTypes), APPLY];

/** Loaded by the first apply; asking again would cost each of them a look for the module. */
let applying: Promise<typeof import('./apply.ts')> | undefined;

export const isApply = ({ request }: Context): boolean => mediaType(request) === APPLY;

/** The body as a function on objects. @throws StatusError 400, 415 */
export function readPatch({ request, custom }: Context): Patch {
  const type = mediaType(request);
  // A strategic merge needs merge keys, which the schemas of custom resources do not have.
  const offered = custom ? accepts.filter(name => name !== patchTypes.strategic) : accepts;
  const known = Object.values(patchTypes).find(name => name === type);
  if (known === undefined || !offered.includes(known)) throw unsupportedMediaType(offered);
  return patchOf(request, known);
}

/** By its name, by an escape that could spell it, or by moving what it is part of. */
const mayNameManagers = (body: Buffer): boolean => ['managedFields', '\\u', '"from"'].some(text => body.includes(text));

/** @param subresource empty, `status`, or another that is patched as the whole object. */
export async function patchObject(context: Context, subresource: string): Promise<Response> {
  const { info, resource } = context;
  if (isApply(context)) {
    applying ??= import('./apply.ts');
    return (await applying).applyObject(context, subresource);
  }
  const patch = readPatch(context);
  const change = (old: KubeObject, _stored: StoredObject): KubeObject => {
    const { resourceVersion } = old.metadata;
    forgetWarnings(context);
    const object = patch(old, resource, context.warnings);
    // A patch that says nothing of the revision means whatever is there; one that does means only that.
    if (object.metadata.resourceVersion === resourceVersion) delete object.metadata.resourceVersion;
    checkName(object, info.name);
    dedupeOwners(object, context.warnings, true);
    return object;
  };
  const changesManagers = mayNameManagers(context.request.body);
  const updated = await updateObject(context, info.name, { change, subresource, changesManagers });
  return answerStored(askedOf(context), updated);
}
