/** Requests that make no sense, or only almost, made from good ones. */
import { encodeProtobuf } from '../../src/api/protobuf.ts';
import { resourceOfKind } from '../../src/api/resources.ts';
import type { Chance } from './random.ts';
import { anyValue, damaged, damagedBytes, words } from './values.ts';

export interface Nonsense {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A whole object of some kind, and where it belongs. */
export interface Sample {
  readonly collection: string;
  readonly object: { readonly apiVersion: string; readonly kind: string } & Record<string, unknown>;
}

export function sampleOf(object: Sample['object']): Sample | undefined {
  const [version = '', group = ''] = object.apiVersion.split('/').reverse();
  const resource = resourceOfKind(group, version, object.kind);
  if (!resource) return undefined;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return { collection: `${root}${resource.namespaced ? '/namespaces/default' : ''}/${resource.resource}`, object };
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'BREW'] as const;
const types = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/cbor',
  'text/plain',
  ';;;',
  'application/json; charset=utf-8; x',
] as const;
const accepts = [
  '*/*',
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=Chair;v=v9;g=x',
  'application/json;q=x, */*;q=2',
  ',,;=;,',
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
] as const;
const parameters = [
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'timeoutSeconds',
  'allowWatchBookmarks',
  'sendInitialEvents',
  'watch',
  'pretty',
  'dryRun',
  'fieldValidation',
  'fieldManager',
  'force',
  'gracePeriodSeconds',
  'propagationPolicy',
  'orphanDependents',
  'includeObject',
  'export',
  'hash',
  'verbose',
  'exclude',
  'container',
  'tailLines',
  'sinceTime',
] as const;
const selectorParts = [
  'a',
  'b',
  'in',
  'notin',
  '(',
  ')',
  ',',
  '=',
  '==',
  '!=',
  '!',
  '>',
  '<',
  ' ',
  '5',
  'a.b/c',
  '\\',
  'metadata.name',
];
const paths = [
  '/',
  '/api',
  '/apis',
  '/api/v1',
  '/apis/apps',
  '/apis/apps/v1',
  '/version',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/api/v1',
  '/livez',
  '/readyz/ping',
  '/api/v1/namespaces',
  '/api/v1/namespaces/default',
  '/api/v1/namespaces/default/finalize',
  '/api/v1/pods',
  '/api/v1/watch/pods',
  '/api/v1/namespaces/default/pods/it/log',
  '/api/v1/namespaces/default/pods/it/exec',
  '/api/v1/namespaces/default/pods/it/binding',
  '/api/v1/namespaces/default/pods/it/eviction',
  '/api/v1/namespaces/default/pods/it/status',
  '/api/v1/namespaces/default/serviceaccounts/default/token',
  '/apis/apps/v1/namespaces/default/deployments/it/scale',
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  '/apis/authentication.k8s.io/v1/tokenreviews',
  '/.well-known/openid-configuration',
  '/v1-atoll/certificates',
] as const;

export function nonsense(chance: Chance, samples: readonly Sample[]): Nonsense {
  const sample = chance.of(samples);
  const kinds = [
    badBody,
    badBody,
    badBody,
    badBytes,
    badProtobuf,
    badPatch,
    badPatch,
    badSelector,
    badQuery,
    badPath,
    anything,
  ];
  const made = chance.of(kinds)(chance, sample);
  return {
    ...made,
    path: cleaned(made.path),
    headers: Object.fromEntries(Object.entries(made.headers).map(([k, v]) => [k, printable(v)])),
  };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? '');
const nothing = Buffer.alloc(0);

function writing(chance: Chance, { collection }: Sample): Pick<Nonsense, 'method' | 'path'> {
  if (chance.in(0.7)) return { method: 'POST', path: `${collection}${chance.in(0.3) ? '?dryRun=All' : ''}` };
  return { method: 'PUT', path: `${collection}/${chance.in(0.8) ? 'it' : 'name'}${chance.in(0.1) ? '/status' : ''}` };
}

function badBody(chance: Chance, sample: Sample): Nonsense {
  const headers = { 'content-type': 'application/json' };
  return { ...writing(chance, sample), headers, body: json(damaged(sample.object, chance)) };
}

function badBytes(chance: Chance, sample: Sample): Nonsense {
  const body = damagedBytes(json(sample.object), chance);
  return { ...writing(chance, sample), headers: { 'content-type': chance.of(types) }, body };
}

function badProtobuf(chance: Chance, sample: Sample): Nonsense {
  let bytes: Buffer = nothing;
  try {
    bytes = encodeProtobuf(sample.object);
  } catch {
    // a kind that has none
  }
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf', accept: chance.of(accepts) };
  return { ...writing(chance, sample), headers, body: damagedBytes(bytes, chance) };
}

function badPatch(chance: Chance, { collection, object }: Sample): Nonsense {
  const type = chance.of(types.slice(3, 7));
  const pointer = (): string =>
    `/${Array.from({ length: 1 + chance.below(4) }, () => chance.of([...Object.keys(object), ...words, 'spec', 'labels', '0', '-'])).join('/')}`;
  const operation = (): unknown => ({
    op: chance.of(['add', 'remove', 'replace', 'move', 'copy', 'test', 'fly']),
    path: chance.in(0.9) ? pointer() : anyValue(chance),
    ...(chance.in(0.5) ? { from: pointer() } : {}),
    ...(chance.in(0.7) ? { value: anyValue(chance) } : {}),
  });
  const directive = (): Record<string, unknown> => ({
    [chance.of(['$patch', '$retainKeys', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers'])]:
      anyValue(chance),
  });
  const patch = type.includes('json-patch')
    ? Array.from({ length: 1 + chance.below(4) }, operation)
    : chance.in(0.5)
      ? damaged(object, chance)
      : { metadata: anyValue(chance), spec: { ...directive(), template: directive() }, ...directive() };
  const query = type.includes('apply')
    ? `?fieldManager=${chance.of(['m', '', 'x'])}&force=${chance.of(['1', '0'])}`
    : '';
  const body = chance.in(0.9) ? json(patch) : damagedBytes(json(patch), chance);
  return {
    method: 'PATCH',
    path: `${collection}/${chance.of(['it', 'it', 'none'])}${query}`,
    headers: { 'content-type': type },
    body,
  };
}

function badSelector(chance: Chance, { collection }: Sample): Nonsense {
  const text = Array.from({ length: 1 + chance.below(8) }, () => chance.of(selectorParts)).join('');
  const query = new URLSearchParams({ [chance.of(['labelSelector', 'fieldSelector'])]: text });
  if (chance.in(0.3)) query.set('limit', '2');
  const method = chance.of(['GET', 'GET', 'GET', 'DELETE']);
  if (method === 'DELETE') query.set('dryRun', 'All');
  return { method, path: `${collection}?${query}`, headers: { accept: chance.of(accepts) }, body: nothing };
}

function badQuery(chance: Chance, { collection, object }: Sample): Nonsense {
  const query = Array.from({ length: 1 + chance.below(4) }, () => {
    const value = chance.in(0.3) ? chance.of(['1', 'true', 'All', 'Exact', 'NotOlderThan', '5']) : chance.of(words);
    return `${chance.of(parameters)}=${encodeURIComponent(wellFormed(value))}`;
  }).join('&');
  const method = chance.of(['GET', 'GET', 'POST', 'DELETE', 'PUT']);
  const path = `${collection}${method === 'GET' || method === 'POST' ? '' : '/none'}?${query}`;
  const body =
    method === 'GET' ? nothing : method === 'DELETE' ? json(chance.in(0.5) ? anyValue(chance) : {}) : json(object);
  return { method, path, headers: { 'content-type': 'application/json', accept: chance.of(accepts) }, body };
}

function badPath(chance: Chance, { collection }: Sample): Nonsense {
  const segments = (chance.in(0.5) ? collection : chance.of(paths)).split('/');
  for (let count = 1 + chance.below(3); count > 0; count--)
    segments.splice(
      1 + chance.below(segments.length),
      chance.below(2),
      chance.in(0.5) ? chance.of(words) : encodeURIComponent(wellFormed(chance.of(words))),
    );
  const method = chance.of(methods);
  return {
    method,
    path: segments.join('/'),
    headers: { accept: chance.of(accepts) },
    body: method === 'POST' ? json({}) : nothing,
  };
}

function anything(chance: Chance, { object }: Sample): Nonsense {
  const method = chance.of(methods);
  const hasBody = !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method);
  return {
    method,
    path: `${chance.of(paths)}${chance.in(0.3) ? `?${chance.of(parameters)}=${encodeURIComponent(wellFormed(chance.of(words)))}` : ''}`,
    headers: {
      'content-type': chance.of(types),
      accept: chance.of(accepts),
      ...(chance.in(0.2) ? { authorization: `Bearer ${chance.of(words)}` } : {}),
      ...(chance.in(0.1) ? { 'impersonate-user': chance.of(words) } : {}),
      ...(chance.in(0.1) ? { 'impersonate-group': chance.of(words), 'impersonate-extra-%2f': chance.of(words) } : {}),
      ...(chance.in(0.1) ? { 'content-encoding': chance.of(['gzip', 'br', '']) } : {}),
      ...(chance.in(0.1) ? { 'if-none-match': chance.of(words) } : {}),
      ...(chance.in(0.1) ? { 'user-agent': chance.of(words) } : {}),
    },
    body: hasBody ? json(chance.in(0.5) ? object : anyValue(chance)) : nothing,
  };
}

/** Without lone surrogates, which `encodeURIComponent` does not take. */
const wellFormed = (text: string): string => text.replace(/[\ud800-\udfff]/g, '?');

/** What an HTTP client library still sends: the raw rest is for the test of raw bytes. */
const cleaned = (path: string): string =>
  path.replace(/#/g, '').replace(/[^\x21-\x7e]/g, c => (c > ' ' ? encodeURIComponent(wellFormed(c)) : ''));
const printable = (value: string): string => value.replace(/[^\x20-\x7e]/g, '?').trim();
