/** Answers in the form the client asked for. What it wants as plain JSON is copied from the store without parsing. */
import type { KindModule } from '../api/kinds/kind.ts';
import type { KubeObject } from '../api/object.ts';
import { encodeProtobuf } from '../api/protobuf.ts';
import type { ResourceInfo } from '../api/resources.ts';
import { definitionOf } from '../api/schema/table.ts';
import { StatusError, statusOf } from '../api/status.ts';
import type { Request, Response } from '../lib/exchange.ts';
import { type Accepted, contentTypes, negotiate, type Offer, plainJson } from './negotiate.ts';
import { deserialize, spliced } from './serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from './table.ts';
import { warningHeader } from './warnings.ts';

export interface StoredObject {
  readonly value: Buffer;
  readonly revision: number;
}

/** What an answer needs to know of the request. */
export interface Asked {
  readonly request: Request;
  readonly resource: ResourceInfo;
  readonly kind: KindModule | undefined;
  readonly warnings: readonly string[];
  readonly nowMs: number;
}

export const plainOffer: Offer = { transforms: false, tables: false, protobuf: true, stream: false };
const whole: Offer = { transforms: true, tables: true, protobuf: true, stream: false };
const unlisted: Offer = { ...whole, tables: false };
const schemaless: Offer = { ...whole, protobuf: false };

/** In which forms a resource can be had. Custom resources have no protobuf; what cannot be listed has no table. */
export function offerOf({ group, version, kind, verbs }: ResourceInfo): Offer {
  if (definitionOf(group, version, kind) === undefined) return schemaless;
  return verbs.includes('list') ? whole : unlisted;
}

/** The form the client wants. @throws StatusError 406 */
export const accepted = (request: Request, resource: ResourceInfo): Accepted => {
  const { accept } = request.headers;
  return accept === undefined || accept === 'application/json' ? plainJson : negotiate(accept, offerOf(resource));
};

export async function answerStored(asked: Asked, stored: StoredObject, code = 200): Promise<Response> {
  const form = accepted(asked.request, asked.resource);
  if (form.encoding === 'json' && form.as === 'object' && !wantsPretty(asked.request, form)) {
    return { status: code, headers: headersOf('json', asked.warnings), body: spliced(stored.value, stored.revision) };
  }
  return answerTransformed(asked, form, deserialize(stored.value, stored.revision), code);
}

/** An object that is not (or not as it is) in the store: `Scale`, `Status`, reviews, dry runs. */
export async function answerObject(asked: Asked, object: KubeObject, code = 200): Promise<Response> {
  return answerTransformed(asked, accepted(asked.request, asked.resource), object, code);
}

async function answerTransformed(asked: Asked, form: Accepted, object: KubeObject, code: number): Promise<Response> {
  const body = await encode(transformed(asked, form, object), form, asked.request);
  return { status: code, headers: headersOf(form.encoding, asked.warnings), body };
}

function transformed(asked: Asked, { as, metaVersion }: Accepted, object: KubeObject): KubeObject {
  if (as === 'object' || object.kind === 'Status') return object;
  if (as === 'PartialObjectMetadataList') throw noSuchForm(as, `the requested object is not a list`, asked.resource);
  if (as === 'PartialObjectMetadata') return partialMetadata(object, metaVersion);
  const row = rowOf(object, asked.kind, asked.nowMs, includeObjectOf(asked.request.query), metaVersion);
  const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
  return tableOf(columnsOf(asked.kind), [row], metadata, metaVersion) as unknown as KubeObject;
}

/** Metadata of a list where one object was read, or the other way round. */
export function noSuchForm(form: string, why: string, { kind }: ResourceInfo): StatusError {
  return new StatusError(406, 'NotAcceptable', `you requested ${form}, but ${why} (${kind})`);
}

/** Any value in the encoding agreed upon. */
export async function encode(value: unknown, form: Accepted, request: Request): Promise<Buffer> {
  switch (form.encoding) {
    case 'json':
      return Buffer.from(wantsPretty(request, form) ? `${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value));
    case 'yaml':
      return Buffer.from((await yamlWriter())(value));
    case 'protobuf':
      return encodeProtobuf(value as KubeObject);
  }
}

/** Loaded when somebody wants YAML. */
export async function yamlWriter(): Promise<(value: unknown) => string> {
  const { stringify } = await import('yaml');
  // 1.1: texts that a reader of that version, as Go, would take for something else are quoted.
  return value => stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/** Asked for, or likely to be read by a person: upstream knows them by these user agents. */
export function wantsPretty(request: Request, form: Accepted): boolean {
  if (form.pretty) return true;
  const asked = request.query.get('pretty') ?? '';
  if (asked !== '') return /^(1|t|T|true|TRUE|True)$/.test(asked);
  const agent = request.headers['user-agent'];
  return agent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(agent);
}

export function headersOf(encoding: keyof typeof contentTypes, warnings: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': contentTypes[encoding],
    'cache-control': 'no-cache, private',
  };
  if (warnings.length > 0) headers.warning = warningHeader(warnings);
  return headers;
}

/** The `Status` of an error, in an encoding the client takes; JSON where it takes none. */
export async function answerError(request: Request, error: unknown): Promise<Response> {
  const status = statusOf(error);
  let form = plainJson;
  try {
    form = negotiate(request.headers.accept, plainOffer);
  } catch {
    // it cannot be told in a form it accepts: JSON, as upstream
  }
  const headers = { ...headersOf(form.encoding, []), ...(error instanceof StatusError ? error.headers : {}) };
  const retryAfterSeconds = status.details?.retryAfterSeconds;
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  if (status.code === 401) headers['www-authenticate'] = 'Bearer realm="kubernetes"';
  return { status: status.code, headers, body: await encode(status, form, request) };
}

/** `Status: Success` for what leaves nothing to show. */
export function success(
  of: { readonly group: string; readonly resource: string },
  name: string,
  uid: string | undefined,
): KubeObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(of.group === '' ? {} : { group: of.group }),
      kind: of.resource,
      ...(uid === undefined ? {} : { uid }),
    },
  };
}
