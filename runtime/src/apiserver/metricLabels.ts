/** Under which labels a request is counted: upstream's words for verbs and scopes, and never what only a client made up. */
import { findResource } from '../api/resources.ts';
import type { Request } from '../lib/exchange.ts';
import type { Labels } from './metrics.ts';
import type { RequestInfo } from './requestInfo.ts';

const verbs: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};
const connects = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Paths that are no resources and are counted by themselves. */
const paths = new Set(['/livez', '/readyz', '/healthz', '/metrics', '/version', '/openapi/v2', '/openapi/v3']);

export const isMutating = ({ method }: Request): boolean => method !== 'GET' && method !== 'HEAD';

export function requestLabels(info: RequestInfo, request: Request, served = isServed(info)): Labels {
  if (!served) {
    const subresource = paths.has(info.path) ? info.path : '';
    const verb = methods.has(request.method) ? request.method : 'OTHER';
    return { verb, group: '', version: '', resource: '', subresource, scope: '', dryRun: false };
  }
  const { group, version, resource, subresource } = info;
  const isApply = info.verb === 'patch' && request.headers['content-type']?.startsWith('application/apply-patch');
  const verb = connects.has(subresource) ? 'CONNECT' : isApply ? 'APPLY' : (verbs[info.verb] ?? 'OTHER');
  const named = info.name !== '' || info.verb === 'create';
  return {
    verb,
    group,
    version,
    resource,
    subresource,
    scope: named ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster',
    dryRun: isMutating(request) && request.query.get('dryRun') === 'All',
  };
}

/** Subresources too: what is not served is counted nowhere by its name. `find` knows custom resources besides. */
export function isServed(
  { isResource, group, version, resource, subresource }: RequestInfo,
  find: typeof findResource = findResource,
): boolean {
  const found = isResource ? find(group, version, resource) : undefined;
  return found !== undefined && (subresource === '' || found.subresources.some(({ name }) => name === subresource));
}
