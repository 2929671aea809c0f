/**
 * The TLS front end: one port for HTTP/2 and HTTP/1.1, told apart by ALPN; turns sockets into {@link Request}s.
 *
 * Invariants:
 * - a client certificate counts only when TLS has verified it against the client authority;
 * - every request has a bound: headers {@link MAX_HEADER_BYTES}, body {@link MAX_BODY_BYTES}, time until the body is there
 *   {@link BODY_MS}; but for the bodies of proxied requests, which are passed on as they come and kept nowhere;
 * - every socket is known, so that closing leaves none behind.
 */
import { createHash } from 'node:crypto';
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Duplex, pipeline, Readable } from 'node:stream';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { createGzip, gzip, constants as zlibConstants } from 'node:zlib';
import { requestEntityTooLarge, StatusError } from '../api/status.ts';
import type { Request, Response } from '../lib/exchange.ts';
import type { Logger } from '../lib/log.ts';
import type { KeyPair } from '../lib/pki.ts';
import { refuseUpgrade } from '../lib/upgrade.ts';
import { subjectOf } from '../lib/x509.ts';
import { answerError } from './answer.ts';
import { acceptsGzip } from './negotiate.ts';
import type { ApiServer } from './server.ts';

/** As upstream (`MaxRequestBodyBytes`). */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;
export const MAX_HEADER_BYTES = 64 * 1024;
const HANDSHAKE_MS = 10_000;
const HEADERS_MS = 15_000;
const BODY_MS = 30_000;
/** Of a long answer, without the client taking any of it. */
const STALL_MS = 60_000;
/** A connection with nothing going on. */
const IDLE_MS = 120_000;
const MAX_STREAMS = 250;
/** Each costs memory before anybody is known by it. */
const MAX_CONNECTIONS = 5_000;
/** Chunks that are given back when they have been written. */
const REUSED_FROM_BYTES = 128 * 1024;
/** After a refusal, before the connection is cut. */
const LINGER_MS = 1_000;
/** Answers smaller than this are not worth compressing (upstream: 128 KiB). */
const GZIP_MIN_BYTES = 128 * 1024;

/** Requests whose bodies go on to somebody else. */
const PROXIED = /^\/api\/v1\/(?:nodes|namespaces\/[^/]+\/(?:pods|services))\/[^/]+\/proxy(?:\/|$)/;

const compress = promisify(gzip);

export interface ListenOptions {
  /** Default: every address of the host. */
  readonly address?: string;
  readonly port: number;
  readonly serving: KeyPair;
  /** PEM; who signs client certificates. */
  readonly clientCa: string;
  readonly logger: Logger;
  /** Compress large answers for clients on this host too (for tests). */
  readonly compressLoopback?: boolean;
}

export interface Listener {
  readonly port: number;
  /** From now on new connections see this certificate; open ones go on. */
  setCertificate(serving: KeyPair): void;
  /** Takes no more connections, lets what is being answered finish for `graceMs`, then closes everything. */
  close(graceMs?: number): Promise<void>;
}

type Identity = NonNullable<Request['clientCertificate']> | undefined;

interface Peer {
  readonly identity: Identity;
  readonly remoteAddress: string;
}

const nobody: Peer = { identity: undefined, remoteAddress: '' };

export async function listen(
  server: Pick<ApiServer, 'handler' | 'upgrade'>,
  options: ListenOptions,
): Promise<Listener> {
  const { logger } = options;
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<Http2Session>();
  const peers = new WeakMap<object, Peer>();

  const answer = async (request: Request): Promise<Response> => {
    const response = await server.handler(request);
    return isLarge(response) ? compressed(request, response, options.compressLoopback ?? false) : response;
  };

  const http1 = createHttp1(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: BODY_MS + HEADERS_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 5_000,
    },
    (message, response) => {
      serveHttp1(message, response, peers.get(message.socket) ?? nobody, answer).catch(error => {
        logger.debug({ err: error }, 'a request ended early');
        response.destroy();
      });
    },
  );
  http1.emit('listening'); // it never listens itself, but checks its connections' times only from then on
  http1.on('upgrade', (message: IncomingMessage, socket, head: Buffer) => {
    const peer = peers.get(message.socket) ?? nobody;
    const request = new NetworkRequest(message.method ?? 'GET', message.url ?? '/', message.headers, peer);
    socket.on('error', () => undefined);
    socket.once('close', () => request.abort());
    request.body = Buffer.alloc(0);
    server.upgrade(request, socket, head).catch(error => {
      logger.warn({ err: error, path: request.path }, 'an upgrade failed');
      socket.destroy();
    });
  });

  const refused = new WeakSet<Duplex>();
  http1.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (refused.has(socket)) return; // still sending the same nonsense
    refused.add(socket);
    refuseConnection(error, socket);
  });

  const http2 = createHttp2({
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize: MAX_HEADER_BYTES,
      initialWindowSize: 256 * 1024,
      enablePush: false,
    },
    maxSessionMemory: 64,
  });
  http2.on('session', session => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', error => logger.debug({ err: error }, 'an HTTP/2 session failed'));
  });
  http2.on('sessionError', error => logger.debug({ err: error }, 'an HTTP/2 session failed'));
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const socket = stream.session ? socketOf.get(stream.session) : undefined;
    const peer = (socket && peers.get(socket)) ?? nobody;
    stream.on('error', error => logger.debug({ err: error }, 'a stream ended early'));
    serveHttp2(stream, headers, peer, answer).catch(error => {
      logger.debug({ err: error }, 'a request ended early');
      // Not close(): that ends the body properly first, and what is missing would not be missed.
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  const socketOf = new WeakMap<Http2Session, TLSSocket>();

  const tls = createTls({
    ...certificate(options.serving),
    ca: options.clientCa,
    requestCert: true,
    rejectUnauthorized: false, // without a good certificate a client is anonymous, or has a token
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: HANDSHAKE_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  });
  tls.on('secureConnection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', error => logger.debug({ err: error }, 'a connection failed'));
    peers.set(socket, { identity: identityOf(socket), remoteAddress: socket.remoteAddress ?? '' });
    if (socket.alpnProtocol !== 'h2') {
      http1.emit('connection', socket);
      return;
    }
    const known = (session: Http2Session): void => {
      socketOf.set(session, socket);
      session.setTimeout(IDLE_MS, () => {
        if (openStreams(session) === 0) session.close();
      });
    };
    http2.once('session', known);
    http2.emit('connection', socket);
    http2.off('session', known);
  });
  tls.on('tlsClientError', (error, socket) => {
    logger.debug({ err: error }, 'a TLS handshake failed');
    socket.destroy(); // Node only tells of it, also of one that has not come in time
  });
  tls.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    tls.once('error', reject);
    tls.listen({ port: options.port, ...(options.address === undefined ? {} : { host: options.address }) }, () => {
      tls.off('error', reject);
      resolve();
    });
  });
  tls.on('error', error => logger.error({ err: error }, 'the listener failed'));

  return {
    port: (tls.address() as AddressInfo).port,
    setCertificate: serving => tls.setSecureContext({ ...certificate(serving), ca: options.clientCa }),
    async close(graceMs = 1_000) {
      const ended = new Promise<void>(resolve => tls.close(() => resolve()));
      for (const session of sessions) session.close(); // GOAWAY; open streams may finish
      http1.close(); // clears its timer of connection checks
      http1.closeIdleConnections();
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await ended;
      clearTimeout(timer);
      http2.close();
    },
  };
}

/** What is no HTTP request is told so, and then the connection ends. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [code, said] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, `the request's headers are larger than ${MAX_HEADER_BYTES} bytes`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'the request did not come in time']
        : [400, 'this is no HTTP request'];
  const { status } = new StatusError(code, code === 400 ? 'BadRequest' : '', said);
  refuseUpgrade(socket, code, status);
  // What the client is still sending is read and dropped for a moment: closing on it at once could lose the answer.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

const certificate = ({ certificatePem, privateKeyPem }: KeyPair): { cert: string; key: string } => ({
  cert: certificatePem,
  key: privateKeyPem,
});

/** Undefined for clients without a certificate, or with one that is not of our authority. */
function identityOf(socket: TLSSocket): Identity {
  if (!socket.authorized) return undefined;
  const peer = socket.getPeerCertificate();
  if (!peer?.raw) return undefined;
  return { ...subjectOf(peer.raw), sha256: createHash('sha256').update(peer.raw).digest('hex') };
}

const streamCounts = new WeakMap<object, number>();
const openStreams = (session: object): number => streamCounts.get(session) ?? 0;

const noBody = Buffer.alloc(0);
/** Shared: nobody changes a request's query. */
const noQuery = new URLSearchParams();

/** A request as it comes from the network; what only some handlers look at is made when they do. */
class NetworkRequest implements Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly remoteAddress: string;
  readonly clientCertificate?: NonNullable<Identity>;
  body: Buffer = noBody;
  bodyStream?: IncomingMessage | ServerHttp2Stream;
  readonly #search: string;
  #query: URLSearchParams | undefined;
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(method: string, target: string, headers: IncomingHttpHeaders, peer: Peer) {
    this.method = method;
    const at = target.indexOf('?');
    this.path = at < 0 ? target : target.slice(0, at);
    this.#search = at < 0 ? '' : target.slice(at + 1);
    // Node joins repeated headers, all but a few that no handler reads.
    this.headers = headers as Record<string, string | undefined>;
    this.remoteAddress = peer.remoteAddress;
    if (peer.identity) this.clientCertificate = peer.identity;
  }

  get query(): URLSearchParams {
    this.#query ??= this.#search === '' ? noQuery : new URLSearchParams(this.#search);
    return this.#query;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

type Answer = (request: Request) => Promise<Response>;

async function serveHttp1(
  message: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
  answer: Answer,
): Promise<void> {
  const request = new NetworkRequest(message.method ?? 'GET', message.url ?? '/', message.headers, peer);
  response.once('close', () => request.abort());
  const answered = await withBody(request, message, answer);
  const { status, body, large = false } = answered;
  const headers = withCookies(answered);
  if (response.destroyed) return discard(body);
  if (!message.complete) response.shouldKeepAlive = false; // the rest of a refused body is not read
  if (Buffer.isBuffer(body)) {
    response.writeHead(status, { ...headers, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  response.writeHead(status, headers);
  if (request.method === 'HEAD') {
    response.end();
    return discard(body);
  }
  response.flushHeaders();
  await pump(body, response, large);
}

async function serveHttp2(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  peer: Peer,
  answer: Answer,
): Promise<void> {
  const { session } = stream;
  if (session) {
    streamCounts.set(session, openStreams(session) + 1);
    stream.once('close', () => streamCounts.set(session, openStreams(session) - 1));
  }
  const method = headers[':method'] ?? 'GET';
  const request = new NetworkRequest(method, headers[':path'] ?? '/', headers, peer);
  stream.once('close', () => request.abort());
  const response = await withBody(request, stream, answer);
  // Whoever has his answer need not go on sending.
  if (request.bodyStream) stream.once('finish', () => stream.readableEnded || stream.close());
  if (stream.destroyed || stream.closed) return discard(response.body);
  const { body } = response;
  if (Buffer.isBuffer(body)) {
    const empty = method === 'HEAD' || body.length === 0;
    stream.respond(
      { ':status': response.status, ...withCookies(response), 'content-length': body.length },
      { endStream: empty },
    );
    if (!empty) stream.end(body);
    if (!stream.readableEnded) stream.resume();
    return;
  }
  stream.respond({ ':status': response.status, ...withCookies(response) }, { endStream: method === 'HEAD' });
  if (method === 'HEAD') return discard(body);
  await pump(body, stream, response.large ?? false);
}

/** Reads the body, then asks. */
async function withBody(
  request: NetworkRequest,
  source: IncomingMessage | ServerHttp2Stream,
  answer: Answer,
): Promise<Response> {
  if (request.method === 'GET' || request.method === 'HEAD') {
    source.resume();
    return answer(request);
  }
  if (PROXIED.test(request.path) && hasBody(request, source)) {
    request.bodyStream = source;
    return answer(request);
  }
  try {
    request.body = await readBody(source, Number(request.headers['content-length'] ?? 0));
  } catch (error) {
    return answerError(request, error);
  }
  return answer(request);
}

function hasBody({ headers }: Request, source: IncomingMessage | ServerHttp2Stream): boolean {
  if (headers['content-length'] !== undefined) return headers['content-length'] !== '0';
  return 'endAfterHeaders' in source ? !source.endAfterHeaders : headers['transfer-encoding'] !== undefined;
}

function readBody(source: IncomingMessage | ServerHttp2Stream, announced: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): void => {
      source.off('data', onData);
      source.resume(); // thrown away until the answer has closed the request
      finish(requestEntityTooLarge(`limit is ${MAX_BODY_BYTES}`));
    };
    if (announced > MAX_BODY_BYTES) {
      source.resume();
      reject(requestEntityTooLarge(`limit is ${MAX_BODY_BYTES}`));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => {
      finish(new StatusError(408, 'Timeout', `the body of the request did not come within ${BODY_MS / 1000} s`));
    }, BODY_MS);
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      source.off('data', onData);
      source.off('end', onEnd);
      source.off('close', onClose);
      if (error) reject(error);
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size));
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) tooLarge();
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish();
    const onClose = (): void =>
      finish(new StatusError(400, 'BadRequest', 'the client went away before its request was whole'));
    source.on('data', onData);
    source.once('end', onEnd);
    source.once('close', onClose);
  });
}

/**
 * Chunks as they come, no faster than the client takes them.
 *
 * @param hurried a client that takes nothing for {@link STALL_MS} is left; watches and logs may wait for ever, and are bounded themselves
 */
async function pump(
  body: AsyncIterable<Buffer>,
  sink: ServerResponse | ServerHttp2Stream,
  hurried: boolean,
): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  const closed = (): boolean => sink.destroyed || sink.closed;
  const leave = (): void => void Promise.resolve(iterator.return?.()).catch(() => undefined);
  sink.once('close', leave);
  try {
    let written: Buffer | undefined;
    while (!closed()) {
      const { done, value } = await iterator.next(written);
      if (done || closed()) break;
      const isBuffered = sink.write(value);
      if (!isBuffered) await drained(sink, hurried);
      // What is larger than any buffer on the way has left it when that is empty.
      written = !isBuffered && value.length >= REUSED_FROM_BYTES ? value : undefined;
    }
    // Only here: a body that failed must not look whole.
    if (!closed()) sink.end();
  } finally {
    sink.off('close', leave);
    leave();
  }
}

function drained(sink: ServerResponse | ServerHttp2Stream, hurried: boolean): Promise<void> {
  return new Promise(resolve => {
    const timer = hurried ? setTimeout(() => sink.destroy(), STALL_MS) : undefined;
    const done = (): void => {
      clearTimeout(timer);
      sink.off('drain', done);
      sink.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    sink.on('close', done);
  });
}

const withCookies = ({ headers, cookies }: Response): Readonly<Record<string, string | string[]>> =>
  cookies ? { ...headers, 'set-cookie': [...cookies] } : headers;

/** Nobody is there any more to take the answer. */
function discard(body: Response['body']): void {
  if (!Buffer.isBuffer(body)) void Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
}

const isLarge = ({ body, large = false }: Response): boolean =>
  Buffer.isBuffer(body) ? body.length >= GZIP_MIN_BYTES : large;

/** Large answers, for clients that want it and are on the other side of a network: on this host it would only cost. */
async function compressed(request: Request, response: Response, evenHere: boolean): Promise<Response> {
  const { body, headers } = response;
  if (headers['content-encoding'] !== undefined) return response;
  if (!acceptsGzip(request.headers['accept-encoding'])) return response;
  if (!evenHere && isLoopback(request.remoteAddress)) return response;
  const level = zlibConstants.Z_BEST_SPEED;
  const packed = Buffer.isBuffer(body) ? await compress(body, { level }) : packedChunks(body, level);
  const vary = headers.vary === undefined ? 'Accept-Encoding' : `${headers.vary}, Accept-Encoding`;
  const { status, cookies } = response;
  const packedHeaders = { ...headers, 'content-encoding': 'gzip', vary };
  return { status, headers: packedHeaders, body: packed, large: true, ...(cookies ? { cookies } : {}) };
}

async function* packedChunks(body: AsyncIterable<Buffer>, level: number): AsyncGenerator<Buffer> {
  const packer = createGzip({ level });
  // Ends both when either fails or is left; what the body fails with is thrown by the packer.
  pipeline(Readable.from(body), packer, () => undefined);
  yield* packer;
}

const isLoopback = (address: string): boolean =>
  address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
