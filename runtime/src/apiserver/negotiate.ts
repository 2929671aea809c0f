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

const json: Accepted = { encoding: 'json', as: 'object', pretty: false };

/** Clients send the same few headers over and over: parsed once. Bounded, as the text comes from the network. */
const cache = new Map<string, Accepted | null>();
const CACHE_SIZE = 256;

export interface Offer {
  /** Tables and metadata-only forms are there for reads of resources, not for discovery. */
  readonly transforms: boolean;
  readonly protobuf: boolean;
  /** Watches are streams of JSON or protobuf: there is no YAML stream. */
  readonly yaml: boolean;
}

/** @throws StatusError 406 when nothing the client accepts can be given. */
export function negotiate(accept: string | undefined, offer: Offer): Accepted {
  if (accept === undefined || accept === '' || accept === 'application/json') return json;
  const key = `${offer.transforms ? 't' : ''}${offer.protobuf ? 'p' : ''}${offer.yaml ? 'y' : ''} ${accept}`;
  let found = cache.get(key);
  if (found === undefined) {
    found = best(accept, offer) ?? null;
    if (cache.size >= CACHE_SIZE) cache.clear();
    cache.set(key, found);
  }
  if (found === null) {
    const offered = ['application/json'];
    if (offer.yaml) offered.push('application/yaml');
    if (offer.protobuf) offered.push('application/vnd.kubernetes.protobuf');
    throw notAcceptable(offered);
  }
  return found;
}

function best(accept: string, offer: Offer): Accepted | undefined {
  const clauses = accept.split(',').map((text, index) => ({ ...clause(text), index }));
  clauses.sort((a, b) => b.quality - a.quality || a.index - b.index);
  for (const { type, parameters, quality } of clauses) {
    const encoding = encodings[type];
    if (encoding === undefined || quality === 0) continue;
    if ((encoding === 'protobuf' && !offer.protobuf) || (encoding === 'yaml' && !offer.yaml)) continue;
    const as = parameters.get('as');
    const pretty = parameters.get('pretty') === '1';
    if (as === undefined) return { encoding, as: 'object', pretty };
    if (!offer.transforms || parameters.get('g') !== 'meta.k8s.io' || parameters.get('v') !== 'v1') continue;
    if (as === 'Table' && encoding === 'protobuf') continue; // as upstream: a Table has no protobuf form
    if (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return { encoding, as, pretty };
    }
  }
  return undefined;
}

function clause(text: string): { type: string; parameters: Map<string, string>; quality: number } {
  const [type = '', ...rest] = text.split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const at = parameter.indexOf('=');
    if (at > 0) parameters.set(parameter.slice(0, at).trim().toLowerCase(), parameter.slice(at + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? '1');
  return { type: type.trim().toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
}
