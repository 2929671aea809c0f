/**
 * The API over TLS: one HTTP/2 connection for all requests and watches, so that a watch costs a stream and not a socket
 * with its own TLS state.
 *
 * Invariants: at most one current session; a session that failed, went away or was replaced takes no new request; a
 * connection that answers nothing for {@link PING_AFTER_MS} is asked with PING and cut if it stays silent, so that a
 * watch never hangs on a dead peer. An idle transport does not keep the process alive.
 */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import type { Response } from '../lib/exchange.ts';
import { isRefusal, type Reach, UnreachableError } from './reach.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** A client certificate or a bearer token. */
export interface Credentials {
  readonly certPem?: string | Buffer | undefined;
  readonly keyPem?: string | Buffer | undefined;
  readonly token?: string | undefined;
}

export interface HttpTransportOptions {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** The certificate authority the server must show; unset: the system's. */
  readonly caPem?: string | Buffer | undefined;
  /** Read again for every connection, so that renewed certificates are used; see {@link HttpTransport.reload}. */
  readonly credentials?: Credentials | (() => Credentials) | undefined;
  /** The name the certificate must carry, where it is not the host of `server`. */
  readonly serverName?: string | undefined;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** Told of connections that are refused; while it knows the server to be away no request tries for itself. */
  readonly reach?: Reach | undefined;
}

export interface HttpTransport extends Transport {
  /** New requests use a new connection with fresh credentials; running ones end on the old. */
  reload(): void;
}

const PING_AFTER_MS = 30_000;
const PING_TIMEOUT_MS = 15_000;

export function httpTransport(options: HttpTransportOptions): HttpTransport {
  const origin = new URL(options.server).origin;
  let session: Promise<Connection> | undefined;
  let closed = false;

  const current = (): Promise<Connection> => {
    if (closed) return Promise.reject(new Error(`the transport to ${origin} is closed`));
    if (session) return session;
    const { reach } = options;
    if (reach?.away !== undefined) return Promise.reject(new UnreachableError(reach.away));
    const opening = open(origin, options, () => {
      if (session === opening) session = undefined;
    });
    session = opening;
    opening.catch(error => {
      if (error instanceof UnreachableError) reach?.refused(error.message);
    });
    return opening;
  };

  const retire = (end: (session: ClientHttp2Session) => void): void => {
    const old = session;
    session = undefined;
    old?.then(
      connection => end(connection.session),
      () => {},
    );
  };

  return {
    reach: options.reach,
    async request(request) {
      request.signal?.throwIfAborted();
      const connection = await current();
      return exchange(connection, request);
    },
    reload: () => retire(old => old.close()),
    close() {
      closed = true;
      retire(old => old.destroy());
    },
  };
}

interface Connection {
  readonly session: ClientHttp2Session;
  readonly token: string | undefined;
  /** Running streams: while there are any, the connection keeps the process alive. */
  streams: number;
}

function open(origin: string, options: HttpTransportOptions, gone: () => void): Promise<Connection> {
  const timeoutMs = options.connectTimeoutMs ?? 10_000;
  return new Promise((resolve, reject) => {
    const credentials = typeof options.credentials === 'function' ? options.credentials() : (options.credentials ?? {});
    const session = connect(origin, {
      ...(options.caPem === undefined ? {} : { ca: options.caPem }),
      ...(credentials.certPem === undefined ? {} : { cert: credentials.certPem }),
      ...(credentials.keyPem === undefined ? {} : { key: credentials.keyPem }),
      ...(options.serverName === undefined ? {} : { servername: options.serverName }),
      ALPNProtocols: ['h2'],
    });
    const timer = setTimeout(() => session.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
    let failure: Error | undefined;
    session.once('connect', () => {
      clearTimeout(timer);
      session.unref();
      session.setTimeout(PING_AFTER_MS, () => ping(session));
      resolve({ session, token: credentials.token, streams: 0 });
    });
    session.on('error', error => {
      failure = error;
    });
    session.once('goaway', () => {
      gone();
      if (!session.destroyed) session.close();
    });
    session.once('close', () => {
      clearTimeout(timer);
      gone();
      const why = failure?.message ?? 'the connection was closed';
      const message = `cannot reach the API server at ${origin}: ${why}`;
      reject(new (isRefusal(failure) ? UnreachableError : Error)(message, { cause: failure }));
    });
  });
}

/** A silent connection is either idle or dead; only an answer tells. */
function ping(session: ClientHttp2Session): void {
  if (session.closed || session.destroyed) return;
  const timer = setTimeout(
    () => session.destroy(new Error(`no answer to PING within ${PING_TIMEOUT_MS} ms`)),
    PING_TIMEOUT_MS,
  );
  timer.unref();
  session.ping(() => {
    clearTimeout(timer);
    // An acknowledgement does not wind the inactivity timer up again by itself.
    if (!session.destroyed) session.setTimeout(PING_AFTER_MS);
  });
}

function exchange(connection: Connection, request: TransportRequest): Promise<Response> {
  const { session, token } = connection;
  const { signal, body } = request;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stream = session.request(
      {
        ...request.headers,
        ':method': request.method,
        ':path': request.path,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-length': body.length }),
      },
      { endStream: body === undefined },
    );
    if (connection.streams++ === 0) session.ref();
    const abort = (): void => {
      stream.close(constants.NGHTTP2_CANCEL);
      stream.destroy(signal?.reason instanceof Error ? signal.reason : new Error('the request was aborted'));
    };
    signal?.addEventListener('abort', abort, { once: true });
    stream.once('response', headers => {
      resolve({ status: Number(headers[':status']), headers: plainHeaders(headers), body: stream });
    });
    stream.on('error', reject);
    stream.once('close', () => {
      signal?.removeEventListener('abort', abort);
      if (--connection.streams === 0 && !session.destroyed) session.unref();
      reject(new Error(`${request.method} ${request.path}: the connection was lost before the answer`));
    });
    if (body !== undefined) stream.end(body);
  });
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':')) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}
