/** A request of the node's own API: its body as JSON, its query, and answers as JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, requestEntityTooLarge, StatusError, unsupportedMediaType } from '../../api/status.ts';

export interface NodeRequest {
  readonly method: string;
  /** Behind `/v1-atoll/`: `upgrade/check`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const MAX_BODY_BYTES = 64 * 1024;

/**
 * The body, an object; empty where there is none.
 *
 * Its type has to be said: pages of the web cannot make a browser send that to somebody's `kubectl proxy`.
 * @throws StatusError 400, 413, 415
 */
export async function bodyOf({ request }: NodeRequest): Promise<Readonly<Record<string, unknown>>> {
  if (request.headers['content-type']?.split(';', 1)[0]?.trim() !== 'application/json')
    throw unsupportedMediaType(['application/json']);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw requestEntityTooLarge(`limit is ${MAX_BODY_BYTES}`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body must be a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

type Kind = 'string' | 'boolean';
type Value<K extends Kind> = K extends 'string' ? string : boolean;

/**
 * The fields a body may have, and no others: a mistake must not be an upgrade of something else.
 * @throws StatusError 400
 */
export function fieldsOf<S extends Readonly<Record<string, Kind>>>(
  body: Readonly<Record<string, unknown>>,
  shape: S,
): { readonly [N in keyof S]?: Value<S[N]> } {
  for (const [name, value] of Object.entries(body)) {
    const kind = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (kind === undefined)
      throw badRequest(`unknown field "${name}": this takes ${Object.keys(shape).join(', ') || 'none'}`);
    if (typeof value !== kind) throw badRequest(`${name}: must be a ${kind}`);
    if (typeof value === 'string' && (value === '' || value.length > 4096 || /\p{Cc}/u.test(value)))
      throw badRequest(`${name}: must be a text of 1 to 4096 characters without control characters`);
  }
  return body as { readonly [N in keyof S]?: Value<S[N]> };
}

export function answer({ response }: NodeRequest, code: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

/** A stream of JSON objects, one a line; `signal` aborts when the asker has left. */
export function lines({ response }: NodeRequest): {
  readonly write: (value: string) => Promise<void>;
  readonly signal: AbortSignal;
} {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  return {
    signal: gone.signal,
    write: line =>
      new Promise(resolve => {
        if (gone.signal.aborted || response.write(`${line}\n`)) return resolve();
        const go = (): void => {
          response.off('drain', go);
          gone.signal.removeEventListener('abort', go);
          resolve();
        };
        response.once('drain', go);
        gone.signal.addEventListener('abort', go, { once: true });
      }),
  };
}

export const wrongMethod = (allowed: string): StatusError => {
  const error = new StatusError(405, 'MethodNotAllowed', `only ${allowed} is allowed here`);
  error.headers = { allow: allowed };
  return error;
};
