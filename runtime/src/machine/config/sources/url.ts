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
import { type DocumentName, documentNames, type Problem, type SourceDocuments } from '../types.ts';
import { longestDocument } from './gathered.ts';
import { readBeside, withBeside } from './noCloud.ts';
import { UrlError } from './urlError.ts';

export { UrlError };

/** What `/run/atoll/config/url` says (written by the gatherer, `name=value` lines). */
export interface UrlSource {
  readonly url: string;
  /** Where the URL came from: `the kernel command line`. */
  readonly from: string;
  /** Hex. */
  readonly checksums: Readonly<Partial<Record<DocumentName, string>>>;
  /** Authorities besides the system's, PEM. */
  readonly caPem?: string;
  /** What stands beside the URL and counts more than meta-data does: `local-hostname`, `instance-id`. */
  readonly metaData?: Readonly<Record<string, string>>;
}

export interface UrlLimits {
  /** Until the answer starts, and between any two pieces of it. */
  readonly silenceMs: number;
  /** One document, redirects included. */
  readonly totalMs: number;
  readonly redirects: number;
}
const defaultLimits: UrlLimits = { silenceMs: 10_000, totalMs: 30_000, redirects: 5 };

/** Lines of `/run/atoll/config/url`; the last of a name counts. Undefined without a URL. @throws UrlError for what is not taken */
export function parseUrlSource(text: string, caPem?: string): UrlSource | undefined {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  const url = values.get('url');
  const metaData = readBeside(values, url !== undefined);
  if (url === undefined || url === '') return undefined;
  const checksums = documentNames.flatMap(name => {
    const sha256 = values.get(checksumName(name));
    return sha256 === undefined ? [] : [[name, sha256.toLowerCase()] as const];
  });
  return {
    url,
    from: values.get('from') ?? 'the kernel command line',
    checksums: Object.fromEntries(checksums),
    ...(caPem === undefined ? {} : { caPem }),
    ...(metaData === undefined ? {} : { metaData }),
  };
}

/** The URL without what may be secret in it: credentials and query. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** `sha256` of user-data, `sha256.meta-data` and the like of the others; on the kernel command line with `atoll.config.` before it. */
const checksumName = (name: DocumentName): string => (name === 'user-data' ? 'sha256' : `sha256.${name}`);

export interface Fetched extends SourceDocuments {
  /** What a person should know of it; no errors. */
  readonly problems: readonly Problem[];
}

/** Fetches once. @throws UrlError */
export async function fetchDocuments(
  source: UrlSource,
  signal: AbortSignal,
  limits: UrlLimits = defaultLimits,
): Promise<Fetched> {
  for (const [name, sha256] of Object.entries(source.checksums))
    if (!/^[0-9a-f]{64}$/.test(sha256))
      throw new UrlError(
        'wrong',
        `atoll.config.${checksumName(name as DocumentName)}=${sha256} is not a SHA-256 checksum`,
        'it has 64 digits from 0 to f',
      );
  const base = parseUrl(source.url);
  const isFolder = base.pathname.endsWith('/');
  const documents: Partial<Record<DocumentName, Buffer>> = {};
  const problems: Problem[] = [];
  for (const name of isFolder ? documentNames : (['user-data'] as const)) {
    const url = isFolder ? within(base, name) : base;
    const answer = await fetchOne(url, source, name, signal, limits);
    // Stores of objects answer so for what is not there.
    const absent = answer.status === 404 || answer.status === 403;
    if (name !== 'user-data' && absent && source.checksums[name] === undefined) {
      if (answer.status === 403)
        problems.push({
          severity: 'warning',
          path: '',
          of: 'url',
          message: `${shownUrl(url.href)} answered with HTTP 403, and counts as not there`,
          hint: 'if it is there, let this machine read it',
        });
      continue;
    }
    if (answer.status !== 200)
      throw new UrlError(
        'wrong',
        `${shownUrl(answer.url.href)} answered with HTTP ${answer.status}${answer.reason ? ` ${answer.reason}` : ''}`,
      );
    vouch(name, answer, source);
    documents[name] = answer.body;
  }
  if (source.metaData) documents['meta-data'] = withBeside(documents['meta-data'], source.metaData);
  return { source: 'url', location: shownUrl(source.url), documents, problems };
}

/**
 * A checksum that is given, and a document beside one that has a checksum: what is vouched for must not be changed by a document that is not.
 * @throws UrlError
 */
function vouch(name: DocumentName, { url, body, secure }: Found, { checksums }: UrlSource): void {
  const wanted = checksums[name];
  const option = `atoll.config.${checksumName(name)}`;
  if (wanted === undefined) {
    if (secure || Object.keys(checksums).length === 0) return;
    throw new UrlError(
      'wrong',
      `${shownUrl(url.href)} came over http and has no checksum, as another document of this folder has`,
      `give ${option}, or an https URL`,
    );
  }
  const digest = createHash('sha256').update(body).digest('hex');
  if (digest !== wanted)
    throw new UrlError(
      'wrong',
      `${shownUrl(url.href)} has the SHA-256 ${digest}, and ${option} asks for ${wanted}`,
      'it was changed, or the checksum was not',
    );
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UrlError('wrong', `atoll.config=${shownUrl(text)} is not a URL`, 'write it with http:// or https://');
  return url;
}

const within = (base: URL, name: string): URL => Object.assign(new URL(base), { pathname: `${base.pathname}${name}` });

interface Found extends Answer {
  /** Where it was in the end. */
  readonly url: URL;
  /** All of the way to it was TLS. */
  readonly secure: boolean;
}

async function fetchOne(
  url: URL,
  source: UrlSource,
  name: DocumentName,
  signal: AbortSignal,
  limits: UrlLimits,
): Promise<Found> {
  const total = AbortSignal.timeout(limits.totalMs);
  const both = AbortSignal.any([signal, total]);
  let at = url;
  let secure = true;
  for (let hop = 0; ; hop++) {
    secure &&= at.protocol === 'https:';
    const answer = await exchange(at, source, both, limits).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      if (total.aborted)
        throw new UrlError('wrong', `${shownUrl(at.href)} did not send all of it within ${limits.totalMs / 1000} s`);
      throw error;
    });
    if (answer.location === undefined) return { ...answer, url: at, secure };
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
    if (at.protocol === 'https:' && next.protocol === 'http:' && source.checksums[name] === undefined)
      throw new UrlError(
        'wrong',
        `${shownUrl(at.href)} redirects from https to http`,
        `give the checksum with atoll.config.${checksumName(name)} if that is meant`,
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
