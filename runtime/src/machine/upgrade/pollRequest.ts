/** A channel asked whether it has changed: one conditional GET (RFC 9110 §13), small and bounded. Loaded when it is asked for the first time. */
import http from 'node:http';
import https from 'node:https';
import type { Offer } from './poll.ts';

export interface ChannelAnswer {
  readonly etag: string | undefined;
  /** By image. */
  readonly offers: Readonly<Record<string, Offer>>;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 256 * 1024;
const MAX_REDIRECTS = 5;

/** Undefined: as it was when it had this `etag`. @throws Error saying what is wrong with the answer */
export async function askChannel(
  url: string,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<ChannelAnswer | undefined> {
  let target = new URL(url);
  if (target.pathname.endsWith('/')) target.pathname += 'channel.json';
  for (let i = 0; i <= MAX_REDIRECTS; i++) {
    const { status, headers, body } = await get(target, etag, signal);
    if (status === 304) return undefined;
    if (status >= 300 && status < 400 && headers.location !== undefined) {
      const next = new URL(headers.location, target);
      if (target.protocol === 'https:' && next.protocol !== 'https:')
        throw new Error(`it leads from https to ${next.protocol}`);
      target = next;
      continue;
    }
    if (status !== 200) throw new Error(`HTTP ${status}`);
    return { etag: headers.etag, offers: offersOf(body) };
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirections`);
}

interface Got {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function get(url: URL, etag: string | undefined, signal: AbortSignal): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', ...(etag === undefined ? {} : { 'if-none-match': etag }) };
    const ask = url.protocol === 'https:' ? https.get : http.get;
    const request = ask(url, { headers, agent: false, timeout: TIMEOUT_MS, signal }, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) request.destroy(new Error(`it answers with more than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`it did not answer within ${TIMEOUT_MS / 1000} s`)));
    request.on('error', reject);
  });
}

/** The form of `channel.json`: builder/src/channel.ts. What is wrong with one image's entry is no matter of the others. */
export function offersOf(text: string): Readonly<Record<string, Offer>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
  const document = record(value);
  const images = record(document?.images);
  if (document?.format !== 1 || !images) throw new Error('it is no channel of format 1');
  const offers: Record<string, Offer> = Object.create(null) as Record<string, Offer>;
  for (const [image, entry] of Object.entries(images)) {
    const { version, roothash, rolloutPercent = 100, minimumVersion } = record(entry) ?? {};
    if (typeof version !== 'string' || typeof rolloutPercent !== 'number') continue;
    offers[image] = {
      version,
      rolloutPercent,
      ...(typeof roothash === 'string' ? { roothash } : {}),
      ...(typeof minimumVersion === 'string' ? { minimumVersion } : {}),
    };
  }
  return offers;
}

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
