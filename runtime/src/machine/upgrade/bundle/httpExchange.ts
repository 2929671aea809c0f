/**
 * One request for a stretch of a file, redirects followed, until its answer begins. What fails is one of two kinds: an
 * {@link UpgradeError}, which asking again does not mend, or {@link Passing}, which it may.
 */
import { type Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { UpgradeError } from '../upgradeError.ts';

/** A fault that may pass: the connection's, or a server that says so. */
export class Passing extends Error {
  override readonly name = 'Passing';
  constructor(
    message: string,
    /** The server's own word on when to come back. */
    readonly afterMs?: number,
  ) {
    super(message);
  }
}

export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  /** Until the answer begins. */
  readonly silenceMs: number;
  readonly redirects: number;
  readonly signal: AbortSignal;
}

export interface Answered {
  readonly response: IncomingMessage;
  /** Where the file really is. */
  readonly at: URL;
}

/** The URL without what may be secret in it: credentials and query. */
export function shownUrl(url: URL | string): string {
  if (typeof url === 'string' && !URL.canParse(url)) return url;
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** @throws UpgradeError, Passing, or what `signal` was aborted with. The answer may have any status but a redirect's. */
export async function exchange(ask: Exchange): Promise<Answered> {
  let at = ask.url;
  for (let hop = 0; ; hop++) {
    const response = await once(at, ask);
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return { response, at };
    response.destroy();
    if (hop >= ask.redirects)
      throw new UpgradeError(
        'HTTP',
        `${shownUrl(ask.url)} redirects more than ${ask.redirects} times`,
        `the last place was ${shownUrl(at)}`,
      );
    at = redirected(at, headers.location);
  }
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to?.protocol !== 'http:' && to?.protocol !== 'https:')
    throw new UpgradeError('HTTP', `${shownUrl(from)} redirects to "${shownUrl(location)}", which is not an http URL`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new UpgradeError(
      'HTTP',
      `${shownUrl(from)} redirects from https to http (${shownUrl(to)})`,
      'give the http URL itself if that is meant: the bundle is signed either way',
    );
  return to;
}

function once(url: URL, { headers, agents, silenceMs, signal }: Exchange): Promise<IncomingMessage> {
  const shown = shownUrl(url);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => request.destroy(new Passing(`${shown} said nothing for ${silenceMs / 1000} s`)),
      silenceMs,
    );
    const options = { headers, signal };
    const take = (response: IncomingMessage): void => {
      clearTimeout(timer);
      resolve(response);
    };
    const request =
      url.protocol === 'https:'
        ? httpsGet(url, { ...options, agent: agents.https }, take)
        : httpGet(url, { ...options, agent: agents.http }, take);
    request.on('error', error => {
      clearTimeout(timer);
      reject(signal.aborted ? signal.reason : explained(error, shown));
    });
  });
}

const tlsWords: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ['its certificate has expired', "renew it, or look at this machine's clock"],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', "look at this machine's clock: `date`"],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is signed by itself', 'name it as an authority with ca_certs'],
  SELF_SIGNED_CERT_IN_CHAIN: ['its authority is not known here', 'name it with ca_certs in the configuration'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its authority is not known here', 'name it with ca_certs in the configuration'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its authority is not known here', 'name it with ca_certs in the configuration'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', 'use the name that the certificate has'],
  EPROTO: ['it does not speak TLS as this machine does', 'is it an http server? write http://'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['it does not speak TLS', 'is it an http server? write http://'],
};

const connectionWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  ENOTFOUND: 'has a name that nobody knows',
  EAI_AGAIN: 'has a name that could not be looked up',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached: there is no network',
  ETIMEDOUT: 'did not answer',
};

/** What Node.js says of a connection, for people. */
export function explained(error: unknown, shown: string): Error {
  if (error instanceof Passing || error instanceof UpgradeError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const tls = tlsWords[code];
  if (tls) return new UpgradeError('HTTP', `${shown}: ${tls[0]}`, tls[1], { cause: error });
  const words = connectionWords[code];
  return new Passing(
    words ? `${shown} ${words}` : `${shown}: ${error instanceof Error ? error.message : String(error)}`,
  );
}

/** Milliseconds until the server's own time to come back (RFC 9110, 10.2.3): seconds, or a date. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
