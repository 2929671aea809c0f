/** POST and PUT of objects themselves. */
import type { KubeObject } from '../../api/object.ts';
import { methodNotAllowed, notFound, StatusError } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject, answerStored } from '../answer.ts';
import { decodeBody, type Expected } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { checkName, dedupeOwners } from '../objectMeta.ts';
import { createObject, updateObject } from '../registry.ts';
import { deserialize } from '../serialized.ts';

/** Kinds that a PUT makes when they are not there (upstream's `AllowCreateOnUpdate`). */
const createdByUpdate = new Set([
  '/events',
  '/limitranges',
  '/services',
  '/endpoints',
  'coordination.k8s.io/leases',
  'node.k8s.io/runtimeclasses',
  'rbac.authorization.k8s.io/roles',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/clusterroles',
  'rbac.authorization.k8s.io/clusterrolebindings',
  'scheduling.k8s.io/priorityclasses',
]);

export async function postObject(context: Context): Promise<Response> {
  const { info, resource, request, warnings } = context;
  if (info.name !== '') throw methodNotAllowed(resource, 'create');
  const object = await decodeBody(request, resource, warnings);
  dedupeOwners(object, warnings, false);
  const stored = await createObject(context, object);
  if (context.dryRun) return answerObject(askedOf(context), dryRunObject(stored.value), 201);
  return answerStored(askedOf(context), stored, 201);
}

export async function putObject(context: Context): Promise<Response> {
  const { resource, request, warnings } = context;
  const object = await decodeBody(request, resource, warnings);
  return replaceObject(context, object, resource, '');
}

/** @param subresource empty, `status`, or another that is updated as the whole object. */
export async function replaceObject(
  context: Context,
  object: KubeObject,
  expected: Expected,
  subresource: string,
): Promise<Response> {
  const { info, resource } = context;
  checkName(object, info.name);
  dedupeOwners(object, context.warnings, false);
  try {
    // Every attempt changes its object: after a lost race the body is read again.
    let decoded: KubeObject | undefined = object;
    const change = async (): Promise<KubeObject> => {
      const next = decoded ?? (await decodeBody(context.request, expected, []));
      if (decoded === undefined) dedupeOwners(next, [], false);
      decoded = undefined;
      return next;
    };
    const updated = await updateObject(context, info.name, { change, subresource, replaces: true });
    return await answerStored(askedOf(context), updated);
  } catch (error) {
    if (!isMissing(error) || subresource !== '' || !createdByUpdate.has(`${resource.group}/${resource.resource}`)) {
      throw error;
    }
    if ((object.metadata.uid ?? '') !== '') throw notFound(resource, info.name);
    return answerStored(askedOf(context), await createObject(context, object), 201);
  }
}

const isMissing = (error: unknown): boolean => error instanceof StatusError && error.code === 404;

/** As a dry run shows it: without a revision, since none was made. */
export function dryRunObject(value: Buffer): KubeObject {
  const object = deserialize(value, 0);
  delete object.metadata.resourceVersion;
  return object;
}
