/**
 * A configuration from a URL: `atoll.config=<url>` on the kernel command line, or cloud-init's `ds=nocloud;s=<url>`.
 *
 * A URL that ends with `/` is a folder with `user-data` and perhaps `meta-data` and `network-config` (cloud-init's NoCloud); any
 * other is the `user-data` itself. Nothing is believed that did not arrive whole, and nothing is waited for without an end.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { DocumentName, SourceDocuments } from '../types.ts';
import { longestDocument } from './gathered.ts';

/** What `/run/atoll/config/url` says (written by the gatherer, `name=value` lines). */
export interface UrlSource {
  readonly url: string;
  /** Where the URL came from: `the kernel command line`. */
  readonly from: string;
  /** Hex, of user-data. */
  readonly sha256?: string;
  /** Authorities besides the system's, PEM. */
  readonly caPem?: string;
}

export interface UrlLimits {
  /** Until the answer starts, and between any two pieces of it. */
  readonly silenceMs: number;
  /** One document, redirects included. */
  readonly totalMs: number;
  readonly redirects: number;
}
const defaultLimits: UrlLimits = { silenceMs: 10_000, totalMs: 30_000, redirects: 5 };

/** `unreachable`: nobody answered, which says nothing of the configuration. `wrong`: somebody did, and it cannot be used. */
export class UrlError extends Error {
  override readonly name = 'UrlError';
  readonly kind: 'unreachable' | 'wrong';
  readonly hint: string | undefined;
  constructor(kind: 'unreachable' | 'wrong', message: string, hint?: string) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}

/** Lines of `/run/atoll/config/url`; the last of a name counts. Undefined without a URL. */
export function parseUrlSource(text: string, caPem?: string): UrlSource | undefined {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  const url = values.get('url');
  if (url === undefined || url === '') return undefined;
  const sha256 = values.get('sha256');
  return {
    url,
    from: values.get('from') ?? 'the kernel command line',
    ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }),
    ...(caPem === undefined ? {} : { caPem }),
  };
}

/** The URL without what may be secret in it: credentials and query. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** Fetches once. @throws UrlError */
export async function fetchDocuments(
  source: UrlSource,
  signal: AbortSignal,
  limits: UrlLimits = defaultLimits,
): Promise<SourceDocuments> {
  if (source.sha256 !== undefined && !/^[0-9a-f]{64}$/.test(source.sha256))
    throw new UrlError(
      'wrong',
      `atoll.config.sha256=${source.sha256} is not a SHA-256 checksum`,
      'it has 64 digits from 0 to f',
    );
  const base = parseUrl(source.url);
  const isFolder = base.pathname.endsWith('/');
  const documents: Partial<Record<DocumentName, Buffer>> = {};
  const userData = isFolder ? within(base, 'user-data') : base;
  const bytes = await fetchOne(userData, source, signal, limits);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (source.sha256 !== undefined && digest !== source.sha256)
    throw new UrlError(
      'wrong',
      `${shownUrl(userData.href)} has the SHA-256 ${digest}, and atoll.config.sha256 asks for ${source.sha256}`,
      'it was changed, or the checksum was not',
    );
  documents['user-data'] = bytes;
  for (const name of isFolder ? (['meta-data', 'network-config'] as const) : []) {
    const more = await fetchOne(within(base, name), source, signal, limits, true);
    if (more) documents[name] = more;
  }
  return { source: 'url', location: shownUrl(source.url), documents };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UrlError('wrong', `atoll.config=${shownUrl(text)} is not a URL`, 'write it with http:// or https://');
  return url;
}

const within = (base: URL, name: string): URL => Object.assign(new URL(base), { pathname: `${base.pathname}${name}` });

function fetchOne(url: URL, source: UrlSource, signal: AbortSignal, limits: UrlLimits): Promise<Buffer>;
function fetchOne(
  url: URL,
  source: UrlSource,
  signal: AbortSignal,
  limits: UrlLimits,
  optional: true,
): Promise<Buffer | undefined>;
async function fetchOne(
  url: URL,
  source: UrlSource,
  signal: AbortSignal,
  limits: UrlLimits,
  optional = false,
): Promise<Buffer | undefined> {
  const total = AbortSignal.timeout(limits.totalMs);
  const both = AbortSignal.any([signal, total]);
  let at = url;
  for (let hop = 0; ; hop++) {
    const answer = await exchange(at, source, both, limits).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      if (total.aborted)
        throw new UrlError('wrong', `${shownUrl(at.href)} did not send all of it within ${limits.totalMs / 1000} s`);
      throw error;
    });
    if (answer.location === undefined) {
      if (optional && answer.status === 404) return undefined;
      if (answer.status !== 200)
        throw new UrlError(
          'wrong',
          `${shownUrl(at.href)} answered with HTTP ${answer.status}${answer.reason ? ` ${answer.reason}` : ''}`,
        );
      return answer.body;
    }
    if (hop >= limits.redirects)
      throw new UrlError(
        'wrong',
        `${shownUrl(url.href)} redirects more than ${limits.redirects} times`,
        `the last place was ${shownUrl(at.href)}`,
      );
    const next = URL.canParse(answer.location, at.href) ? new URL(answer.location, at) : undefined;
    if (next?.protocol !== 'http:' && next?.protocol !== 'https:')
      throw new UrlError(
        'wrong',
        `${shownUrl(at.href)} redirects to "${shownUrl(answer.location)}", which is not an http URL`,
      );
    if (at.protocol === 'https:' && next.protocol === 'http:' && source.sha256 === undefined)
      throw new UrlError(
        'wrong',
        `${shownUrl(at.href)} redirects from https to http`,
        'give the checksum with atoll.config.sha256 if that is meant',
      );
    at = next;
  }
}

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly body: Buffer;
  /** Of a redirect. */
  readonly location?: string;
}

function exchange(url: URL, { caPem }: UrlSource, signal: AbortSignal, limits: UrlLimits): Promise<Answer> {
  const shown = shownUrl(url.href);
  const options = {
    signal,
    agent: false as const,
    timeout: limits.silenceMs,
    headers: { 'user-agent': 'atoll-config', accept: '*/*' },
  };
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (error: Error): void => reject(error instanceof UrlError ? error : explained(error, shown, connected));
    const take = (response: IncomingMessage): void => {
      const { statusCode: status = 0, statusMessage: reason = '', headers } = response;
      const redirect = [301, 302, 303, 307, 308].includes(status) ? headers.location : undefined;
      if (redirect !== undefined) {
        response.destroy();
        resolve({ status, reason, body: Buffer.alloc(0), location: redirect });
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > longestDocument)
          request.destroy(new UrlError('wrong', `${shown} sent more than ${longestDocument} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () =>
        response.complete
          ? resolve({ status, reason, body: Buffer.concat(chunks) })
          : fail(new UrlError('wrong', `${shown} was cut off after ${size} bytes`)),
      );
    };
    const request =
      url.protocol === 'https:'
        ? httpsGet(url, { ...options, ...(caPem ? { ca: [...rootCertificates, caPem] } : {}) }, take)
        : httpGet(url, options, take);
    request.on('socket', socket =>
      socket.once('connect', () => {
        connected = true;
      }),
    );
    request.on('timeout', () =>
      request.destroy(
        new UrlError(connected ? 'wrong' : 'unreachable', `${shown} said nothing for ${limits.silenceMs / 1000} s`),
      ),
    );
    request.on('error', fail);
  });
}

const tlsWords: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ['its certificate has expired', "renew it, or look at this machine's clock"],
  CERT_NOT_YET_VALID: [
    'its certificate is not valid yet',
    "this machine's clock may be wrong; it is set when a time server answers",
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    'its certificate is signed by itself',
    'put that certificate on the ESP and name it with atoll.config.ca=<file>',
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    'its certificate is signed by an authority nobody knows',
    "put the authority's certificate on the ESP and name it with atoll.config.ca=<file>",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'its certificate is signed by an authority nobody knows',
    "put the authority's certificate on the ESP and name it with atoll.config.ca=<file>",
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'its certificate is signed by an authority nobody knows',
    "put the authority's certificate on the ESP and name it with atoll.config.ca=<file>",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another name',
    'use the name in the certificate, or make one for this name',
  ],
  EPROTO: ['it does not speak TLS as it should', 'is it http:// that is meant?'],
};
const unreachable = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
]);

function explained(error: Error, shown: string, connected: boolean): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const tls = tlsWords[code] ?? (code.startsWith('ERR_SSL') ? tlsWords.EPROTO : undefined);
  if (tls) return new UrlError('wrong', `${shown}: ${tls[0]}`, tls[1]);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new UrlError('unreachable', `${shown}: the name cannot be resolved`);
  if (unreachable.has(code)) return new UrlError('unreachable', `${shown} cannot be reached: ${error.message}`);
  if (code === 'ECONNRESET' || error.message === 'aborted')
    return new UrlError(connected ? 'wrong' : 'unreachable', `${shown} was cut off before all of it had come`);
  if (error.name === 'AbortError') return error;
  return new UrlError('wrong', `${shown}: ${error.message}`);
}

/** Authorities of a file: PEM, or one certificate in DER. @throws UrlError saying so if it is neither */
export function authorities(bytes: Buffer, name: string): string {
  try {
    const { raw } = new X509Certificate(bytes);
    return raw.equals(bytes) ? new X509Certificate(bytes).toString() : bytes.toString('latin1');
  } catch {
    throw new UrlError(
      'wrong',
      `atoll.config.ca=${name}: that file of the ESP holds no certificate`,
      'it takes PEM or DER',
    );
  }
}
