/**
 * What a request is about, read from its method and path alone, before anybody is asked whether it is allowed
 * (the same rules as upstream's `RequestInfoFactory`).
 */
import { parseFieldSelector } from '../api/selectors.ts';
import type { Request } from '../lib/exchange.ts';
import { flag } from './queryValues.ts';

export type ResourceVerb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  | 'proxy';

export interface RequestInfo {
  /** False for `/healthz`, discovery and the like. */
  readonly isResource: boolean;
  /** Of resource requests a {@link ResourceVerb}; of others the method in lower case. */
  readonly verb: string;
  readonly path: string;
  /** Empty for core. */
  readonly group: string;
  readonly version: string;
  /** Empty where there is none, and for all namespaces. */
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for collections; from `metadata.name=…` for lists and watches of one object, so that they can be authorized by name. */
  readonly name: string;
  /** The path after the subresource (`/api/v1/nodes/n1/proxy/metrics` → `metrics`), still encoded. */
  readonly rest: string;
}

const none = { group: '', version: '', namespace: '', resource: '', subresource: '', name: '', rest: '' };

const verbs: Readonly<Record<string, ResourceVerb>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; any other word there is a resource inside it. */
const namespaceSubresources = new Set(['status', 'finalize']);

/** @throws URIError for a path that is not valid percent-encoding. */
export function parseRequestInfo(request: Pick<Request, 'method' | 'path' | 'query'>): RequestInfo {
  const { method, path, query } = request;
  const nonResource = (): RequestInfo => ({ isResource: false, verb: method.toLowerCase(), path, ...none });
  const parts = path.split('/');
  parts.shift();
  if (parts.at(-1) === '') parts.pop();
  let at = parts[0] === 'api' ? 1 : parts[0] === 'apis' ? 2 : 0;
  if (at === 0 || parts.length < at + 2) return nonResource();
  const group = at === 2 ? (parts[1] ?? '') : '';
  const version = parts[at++] ?? '';
  const known = verbs[method] ?? '';
  let verb: string = known;
  if (parts[at] === 'watch' && parts.length > at + 1) {
    verb = 'watch'; // deprecated form: /api/v1/watch/pods
    at++;
  }
  let namespace = '';
  if (parts[at] === 'namespaces' && parts.length > at + 2 && !namespaceSubresources.has(parts[at + 2] ?? '')) {
    namespace = decode(parts[at + 1]);
    at += 2;
  } else if (parts[at] === 'namespaces' && parts.length > at + 1) {
    namespace = decode(parts[at + 1]);
  }
  const resource = decode(parts[at]);
  let name = decode(parts[at + 1]);
  const subresource = decode(parts[at + 2]);
  const rest = parts.slice(at + 3).join('/');
  // Only proxies have use for other methods; as upstream, nobody may who may not do everything.
  if (known === '' && subresource !== 'proxy') return nonResource();
  if (name === '' && verb === 'get') verb = 'list';
  if (verb === 'list' || verb === 'get') {
    if (verb === 'list' && flag(query, 'watch')) verb = 'watch';
  }
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  if (name === '' && (verb === 'list' || verb === 'watch')) name = nameFromFieldSelector(query.get('fieldSelector'));
  return { isResource: true, verb, path, group, version, namespace, resource, subresource, name, rest };
}

function decode(part: string | undefined): string {
  if (part === undefined) return '';
  return part.includes('%') ? decodeURIComponent(part) : part;
}

/**
 * The name that a term `metadata.name=x` demands; empty where none does. Read as the handlers read the selector: what is authorized
 * by name must be selected by it.
 */
function nameFromFieldSelector(selector: string | null): string {
  if (!selector?.includes('metadata.name')) return '';
  try {
    const terms = parseFieldSelector(selector);
    const name = terms.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value ?? '';
    return name === '.' || name === '..' || /[/%]/.test(name) ? '' : name;
  } catch {
    return ''; // the handler says what is wrong with it
  }
}
