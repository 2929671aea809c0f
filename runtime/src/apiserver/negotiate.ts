/**
 * Which form of an answer the client's `Accept` header asks for
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources).
 */
import { notAcceptable } from '../api/status.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf';
export type As = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export interface Accepted {
  readonly encoding: Encoding;
  readonly as: As;
  /** The version of `meta.k8s.io` of a Table or a PartialObjectMetadata. */
  readonly metaVersion: 'v1' | 'v1beta1';
  readonly pretty: boolean;
}

export const contentTypes: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

const encodings: Readonly<Record<string, Encoding>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
  '*/*': 'json',
  'application/*': 'json',
};

export const plainJson: Accepted = { encoding: 'json', as: 'object', metaVersion: 'v1', pretty: false };

/** Clients send the same few headers over and over: parsed once. Bounded, as the text comes from the network. */
const cache = new Map<string, Accepted | null>();
const CACHE_SIZE = 256;

export interface Offer {
  /** Metadata-only forms are there for resources, not for discovery. */
  readonly transforms: boolean;
  /** Tables are there for what is stored, but not for reviews, and not for lists that are streamed. */
  readonly tables: boolean;
  readonly protobuf: boolean;
  /** Watches are streams of JSON or protobuf: there is no YAML stream. */
  readonly stream: boolean;
}

/** @throws StatusError 406 when nothing the client accepts can be given. */
export function negotiate(accept: string | undefined, offer: Offer): Accepted {
  if (accept === undefined || accept === '' || accept === 'application/json') return plainJson;
  const key = `${offer.transforms ? 't' : ''}${offer.tables ? 'b' : ''}${offer.protobuf ? 'p' : ''}${offer.stream ? 's' : ''} ${accept}`;
  let found = cache.get(key);
  if (found === undefined) {
    found = best(accept, offer) ?? null;
    if (cache.size >= CACHE_SIZE) cache.clear();
    cache.set(key, found);
  }
  if (found !== null) return found;
  // A stream that could be had as a list says that it is the stream which cannot.
  const streamAlone = offer.stream && best(accept, { ...offer, stream: false }) !== undefined;
  const suffix = streamAlone ? ';stream=watch' : '';
  const offered = streamAlone ? ['application/json'] : ['application/json', 'application/yaml'];
  if (offer.protobuf) offered.push('application/vnd.kubernetes.protobuf');
  throw notAcceptable(offered.map(type => type + suffix));
}

function best(accept: string, offer: Offer): Accepted | undefined {
  const clauses = accept.split(',').map((text, index) => ({ ...clause(text), index }));
  clauses.sort((a, b) => b.quality - a.quality || a.wildcards - b.wildcards || a.index - b.index);
  for (const { type, parameters, quality } of clauses) {
    const encoding = encodings[type];
    if (encoding === undefined || quality === 0) continue;
    if ((encoding === 'protobuf' && !offer.protobuf) || (encoding === 'yaml' && offer.stream)) continue;
    const stream = parameters.get('stream') ?? '';
    if (stream !== '' && (stream !== 'watch' || encoding === 'yaml')) continue;
    if ((parameters.get('sv') ?? '') !== '') continue; // no server offers versions of its own
    const pretty = parameters.get('pretty') === '1';
    const [as, group, version] = [parameters.get('as'), parameters.get('g'), parameters.get('v')];
    if (as === undefined && group === undefined && version === undefined) {
      return { encoding, as: 'object', metaVersion: 'v1', pretty };
    }
    if (!offer.transforms || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') {
      if (!offer.tables || encoding === 'protobuf') continue; // as upstream: a Table has no protobuf form
      return { encoding, as, metaVersion: version, pretty };
    }
    if (version === 'v1beta1' && encoding === 'protobuf') continue; // other field numbers, and nobody asks for them
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return { encoding, as, metaVersion: version, pretty };
    }
  }
  return undefined;
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
  /** The more a clause leaves open, the later it comes among those of its quality. */
  readonly wildcards: number;
}

function clause(text: string): Clause {
  const [written = '', ...rest] = text.split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const at = parameter.indexOf('=');
    if (at > 0) parameters.set(parameter.slice(0, at).trim().toLowerCase(), parameter.slice(at + 1).trim());
  }
  const type = written.trim().toLowerCase();
  const quality = Number(parameters.get('q') ?? '1');
  return {
    type,
    parameters,
    quality: Number.isFinite(quality) ? quality : 1,
    wildcards: type.split('*').length - 1,
  };
}

/** `gzip` among what is accepted, and not with a quality of 0. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  return header.split(',').some(token => {
    const [name = '', ...parameters] = token.split(';').map(part => part.trim().toLowerCase());
    return name === 'gzip' && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter));
  });
}
