/** Answers in the form the client asked for. What it wants as plain JSON is copied from the store without parsing. */
import type { KindModule } from '../api/kinds/kind.ts';
import type { KubeObject } from '../api/object.ts';
import { encodeProtobuf } from '../api/protobuf.ts';
import { statusOf } from '../api/status.ts';
import type { Request, Response } from '../lib/exchange.ts';
import { type Accepted, contentTypes, negotiate } from './negotiate.ts';
import { deserialize, spliced } from './serialized.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from './table.ts';

export interface StoredObject {
  readonly value: Buffer;
  readonly revision: number;
}

/** What an answer needs to know of the request. */
export interface Asked {
  readonly request: Request;
  readonly kind: KindModule | undefined;
  readonly warnings: readonly string[];
  readonly nowMs: number;
}

export const objectOffer = { transforms: true, protobuf: true, yaml: true };
const plainOffer = { transforms: false, protobuf: true, yaml: true };

export async function answerStored(asked: Asked, stored: StoredObject, code = 200): Promise<Response> {
  const accepted = negotiate(asked.request.headers.accept, objectOffer);
  if (accepted.encoding === 'json' && accepted.as === 'object' && !wantsPretty(asked.request, accepted)) {
    return { status: code, headers: headersOf('json', asked.warnings), body: spliced(stored.value, stored.revision) };
  }
  return answerTransformed(asked, accepted, deserialize(stored.value, stored.revision), code);
}

/** An object that is not (or not as it is) in the store: `Scale`, `Status`, reviews, dry runs. */
export async function answerObject(asked: Asked, object: KubeObject, code = 200): Promise<Response> {
  return answerTransformed(asked, negotiate(asked.request.headers.accept, objectOffer), object, code);
}

async function answerTransformed(
  asked: Asked,
  accepted: Accepted,
  object: KubeObject,
  code: number,
): Promise<Response> {
  const body = await encode(transformed(asked, accepted, object), accepted, asked.request);
  return { status: code, headers: headersOf(accepted.encoding, asked.warnings), body };
}

function transformed(asked: Asked, accepted: Accepted, object: KubeObject): KubeObject {
  if (accepted.as === 'object' || object.kind === 'Status') return object;
  if (accepted.as !== 'Table') return partialMetadata(object);
  const row = rowOf(object, asked.kind, asked.nowMs, includeObjectOf(asked.request.query));
  const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
  return tableOf(columnsOf(asked.kind), [row], metadata) as unknown as KubeObject;
}

/** Any value in the encoding agreed upon. */
export async function encode(value: unknown, accepted: Accepted, request: Request): Promise<Buffer> {
  switch (accepted.encoding) {
    case 'json':
      return Buffer.from(
        wantsPretty(request, accepted) ? `${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value),
      );
    case 'yaml': {
      const { stringify } = await import('yaml');
      return Buffer.from(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }));
    }
    case 'protobuf':
      return encodeProtobuf(value as KubeObject);
  }
}

export const wantsPretty = (request: Request, accepted: Accepted): boolean => {
  if (accepted.pretty) return true;
  const asked = request.query.get('pretty');
  return asked !== null && asked !== '0' && asked !== 'false';
};

export function headersOf(encoding: keyof typeof contentTypes, warnings: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': contentTypes[encoding],
    'cache-control': 'no-cache, private',
  };
  if (warnings.length > 0) headers.warning = warnings.map(warningHeader).join(', ');
  return headers;
}

/** RFC 7234 §5.5: 299 is "miscellaneous persistent warning". Header values are one line of printable ASCII. */
function warningHeader(text: string): string {
  const line = text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 1024);
  return `299 - "${line.replace(/([\\"])/g, '\\$1')}"`;
}

/** The `Status` of an error, in an encoding the client takes; JSON where it takes none. */
export async function answerError(request: Request, error: unknown): Promise<Response> {
  const status = statusOf(error);
  let accepted: Accepted = { encoding: 'json', as: 'object', pretty: false };
  try {
    accepted = negotiate(request.headers.accept, plainOffer);
  } catch {
    // it cannot be told in a form it accepts: JSON, as upstream
  }
  const headers = headersOf(accepted.encoding, []);
  const retryAfterSeconds = status.details?.retryAfterSeconds;
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  if (status.code === 401) headers['www-authenticate'] = 'Bearer realm="kubernetes"';
  return { status: status.code, headers, body: await encode(status, accepted, request) };
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
