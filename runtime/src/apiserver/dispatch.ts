/** From what a request is about to the handler that answers it. */
import type { Pod } from '../api/generated/types/core.v1.ts';
import { kindModule } from '../api/kinds/index.ts';
import { findResource, type ResourceInfo } from '../api/resources.ts';
import {
  badRequest,
  methodNotAllowed,
  methodNotServed,
  notFound,
  resourceNotServed,
  StatusError,
} from '../api/status.ts';
import type { Request, Response, User } from '../lib/exchange.ts';
import { accepted, answerStored } from './answer.ts';
import { decodeBody } from './body.ts';
import { askedOf, type Context, type Parts } from './context.ts';
import { customContext, withDeprecation } from './customResources/context.ts';
import { componentStatuses } from './handlers/componentStatuses.ts';
import { deleteMany, deleteOne } from './handlers/delete.ts';
import { evictPod } from './handlers/eviction.ts';
import { getObject } from './handlers/get.ts';
import { listObjects } from './handlers/list.ts';
import { patchObject } from './handlers/patch.ts';
import { bindPod } from './handlers/pods.ts';
import { review } from './handlers/reviews.ts';
import { scale } from './handlers/scale.ts';
import { requestToken } from './handlers/token.ts';
import { watchObjects } from './handlers/watch.ts';
import { postObject, putObject, replaceObject } from './handlers/write.ts';
import { keyOf } from './keys.ts';
import { otherVersion } from './otherVersion.ts';
import { updateObject } from './registry.ts';
import type { RequestInfo } from './requestInfo.ts';
import { deserialize } from './serialized.ts';
import { warningHeader } from './warnings.ts';
import { checkWriteOptions } from './writeOptions.ts';

/** Reads a pod's log through its node's tunnel; see `kubelet/proxy.ts`. */
export type PodLog = (pod: Pod, request: Request) => Promise<Response>;

const reviewGroups = new Set(['authentication.k8s.io', 'authorization.k8s.io']);
/** Their answers are no objects. */
const raw = new Set(['log', 'proxy', 'exec', 'attach', 'portforward']);
const APPLY_TYPES = 'application/apply-patch';
const streams = new Set(['exec', 'attach', 'portforward']);

/** @throws StatusError 404 for what is not served, 405 for a verb it does not have, 400 for an unknown dryRun. */
export function contextOf(
  parts: Parts,
  request: Request,
  info: RequestInfo,
  user: User,
  audited?: { annotate(key: string, value: string): void },
): Context {
  const builtIn = findResource(info.group, info.version, info.resource);
  const custom = builtIn ? undefined : parts.catalog.custom(info.group, info.version, info.resource);
  const resource = builtIn ?? custom?.resource;
  if (!resource) throw resourceNotServed();
  const subresource = resource.subresources.find(sub => sub.name === info.subresource);
  if (info.subresource !== '' && !subresource) throw resourceNotServed();
  const verbs = subresource ? subresource.verbs : resource.verbs;
  const isServed = verbs.includes(info.verb) || (info.verb === '' && info.subresource === 'proxy');
  if (!isServed || isMisplaced(info)) throw notAllowed(resource, info, verbs, builtIn !== undefined);
  if (!resource.namespaced && info.namespace !== '' && resource.resource !== 'namespaces') throw resourceNotServed();
  const kind = kindModule(resource.group, resource.kind, resource.version);
  return {
    parts: kind?.storedAs ? { ...parts, store: otherVersion(parts.store, resource, kind.storedAs) } : parts,
    request,
    info: resource.namespaced ? info : { ...info, namespace: '' },
    user,
    resource,
    kind,
    warnings: kind?.deprecated === undefined ? [] : [kind.deprecated],
    dryRun: dryRunOf(request, info.verb),
    ...(audited ? { annotate: (key: string, value: string) => audited.annotate(key, value) } : {}),
    custom,
  };
}

/** Of a deletion the body may say it: handlers/delete.ts. @throws StatusError 415, 422 */
function dryRunOf(request: Request, verb: string): boolean {
  if (verb !== 'create' && verb !== 'update' && verb !== 'patch') return false;
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `the body of the request has the content encoding ${JSON.stringify(encoding)}, and none is supported`,
    );
  }
  return checkWriteOptions(request, verb, request.headers['content-type']?.startsWith(APPLY_TYPES) ?? false);
}

export async function dispatch(asked: Context, podLog: PodLog): Promise<Response> {
  const { custom } = asked;
  try {
    if (!custom) return await answer(asked, podLog);
    return withDeprecation(await answer(await customContext(asked, custom), podLog), custom);
  } catch (error) {
    // What is refused is warned of too.
    if (error instanceof StatusError && asked.warnings.length > 0)
      error.headers = { ...error.headers, warning: warningHeader(asked.warnings) };
    throw error;
  }
}

async function answer(context: Context, podLog: PodLog): Promise<Response> {
  const { info, resource } = context;
  requireNamespace(context);
  // Before anything is done: what has been written cannot be refused any more.
  if (info.verb !== 'watch' && !raw.has(info.subresource)) accepted(context.request, resource);
  if (info.subresource !== '') return subresource(context, podLog);
  if (reviewGroups.has(resource.group)) return review(context);
  if (resource.resource === 'bindings') return bindPod(context);
  if (resource.resource === 'componentstatuses') return componentStatuses(context, context.parts.components);
  switch (info.verb) {
    case 'get':
      return getObject(context);
    case 'list':
      return listObjects(context);
    case 'watch':
      return watchObjects(context);
    case 'create':
      return postObject(context);
    case 'update':
      return putObject(context);
    case 'patch':
      return patchObject(context, '');
    case 'delete':
      return deleteOne(context);
    case 'deletecollection':
      return deleteMany(context);
    default:
      throw methodNotAllowed(resource, info.verb);
  }
}

const methods: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** An object's verb where all of them are, or the other way round. */
const isMisplaced = ({ subresource, name, verb }: RequestInfo): boolean =>
  subresource === '' && (name === '' ? verb === 'update' || verb === 'patch' : verb === 'create');

/** 405 with what this path does allow (RFC 9110 §15.5.6). Upstream's router says it of built-in resources, custom ones their handler. */
function notAllowed(
  resource: ResourceInfo,
  info: RequestInfo,
  verbs: readonly string[],
  isBuiltIn: boolean,
): StatusError {
  const named = info.name !== '' && info.verb !== 'list' && info.verb !== 'watch';
  const ofMany = new Set(['list', 'watch', 'create', 'deletecollection']);
  const here = info.subresource !== '' ? verbs : verbs.filter(verb => named !== ofMany.has(verb));
  const error = isBuiltIn ? methodNotServed() : methodNotAllowed(resource, info.verb);
  error.headers = { allow: [...new Set(here.map(verb => methods[verb] ?? ''))].filter(Boolean).join(', ') };
  return error;
}

/** Only lists and watches reach over all namespaces: nothing else is served there, whatever the path names. */
function requireNamespace({ info, resource, custom }: Context): void {
  if (!resource.namespaced || info.namespace !== '') return;
  if (info.verb === 'list' || info.verb === 'watch') return;
  if (info.verb === 'create' && reviewGroups.has(resource.group)) return;
  if (custom || info.name !== '') throw resourceNotServed();
  throw notAllowed(resource, info, ['list', 'watch'], true);
}

async function subresource(context: Context, podLog: PodLog): Promise<Response> {
  const { info, resource, request, warnings } = context;
  switch (info.subresource) {
    case 'scale':
      return scale(context);
    case 'binding':
      return bindPod(context);
    case 'eviction':
      return evictPod(context);
    case 'token':
      return requestToken(context);
    case 'finalize':
      return finalizeNamespace(context);
    case 'log':
      return podLog(await readPod(context), request);
  }
  if (streams.has(info.subresource)) throw badRequest('Upgrade request required');
  if (info.subresource === 'proxy') {
    const { proxyRequest } = await import('./proxy/proxy.ts');
    return proxyRequest(context.parts.tunnels, context);
  }
  // status, approval, resize, ephemeralcontainers: the object itself, of which only a part may change
  const part = info.subresource;
  if (info.verb === 'get') return getObject(context);
  if (info.verb === 'patch') return patchObject(context, part);
  return replaceObject(context, await decodeBody(request, resource, warnings), resource, part);
}

export async function readPod({ parts, info, resource }: Context): Promise<Pod> {
  const found = await parts.store.get(keyOf(resource, info.namespace, info.name));
  if (!found) throw notFound(resource, info.name);
  return deserialize(found.value, found.modRevision) as unknown as Pod;
}

/** PUT namespaces/NAME/finalize: the namespace controller says which finalizers are left. */
async function finalizeNamespace(context: Context): Promise<Response> {
  const { info, request, resource, warnings } = context;
  const sent = await decodeBody(request, resource, warnings);
  const { finalizers } = (sent.spec ?? {}) as { finalizers?: string[] };
  const updated = await updateObject(context, info.name, {
    subresource: 'finalize',
    trusted: true,
    change: old => {
      const { resourceVersion } = sent.metadata;
      if (resourceVersion === undefined) delete old.metadata.resourceVersion;
      else old.metadata.resourceVersion = resourceVersion;
      old.spec = { ...(old.spec as object | undefined), ...(finalizers?.length ? { finalizers } : {}) };
      if (!finalizers?.length) delete (old.spec as { finalizers?: string[] }).finalizers;
      return old;
    },
  });
  return answerStored(askedOf(context), updated);
}
