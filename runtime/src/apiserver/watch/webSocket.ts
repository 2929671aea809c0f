/**
 * Answers that are streams over a WebSocket, for clients that can read nothing else as it comes, like browsers: a watch, each
 * event one message (text for JSON, binary for protobuf), or a log (upstream: `wsstream.Reader`).
 */
import type { Duplex } from 'node:stream';
import type { Request, Response } from '../../lib/exchange.ts';
import { acceptWebSocket } from '../../lib/webSocket.ts';

/** Clients have nothing to say. */
const MAX_RECEIVED_BYTES = 4096;
/** A token is passed as a protocol, which is not one. */
const BEARER = 'base64url.bearer.authorization.k8s.io.';
const BASE64 = 'base64.binary.k8s.io';
/** In upstream's order; the empty one is what a client gets that asks for none. */
const logProtocols = ['', 'binary.k8s.io', BASE64];

/** A new message begins with each newline, or with each length. */
export async function watchOverWebSocket(
  request: Request,
  response: Response,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const binary = response.headers['content-type']?.includes('protobuf') ?? false;
  await send(
    request,
    response,
    socket,
    head,
    names => names.find(name => !name.startsWith(BEARER)),
    binary ? lengthFramed : lines,
    binary,
  );
}

export async function logOverWebSocket(
  request: Request,
  response: Response,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim());
  const encoded = offered.find(name => logProtocols.includes(name)) === BASE64;
  const whole = async function* (body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of body) yield encoded ? Buffer.from(chunk.toString('base64')) : chunk;
  };
  const choose = (names: readonly string[]): string | undefined => names.find(name => logProtocols.includes(name));
  await send(request, response, socket, head, choose, whole, !encoded);
}

async function send(
  request: Request,
  { body }: Response,
  socket: Duplex,
  head: Buffer,
  chooseProtocol: (offered: readonly string[]) => string | undefined,
  messages: (body: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>,
  binary: boolean,
): Promise<void> {
  const search = request.query.size === 0 ? '' : `?${request.query}`;
  const url = `${request.path}${search}`;
  const source = Buffer.isBuffer(body) ? once(body) : body;
  const iterator = messages(source);
  const webSocket = await acceptWebSocket({ method: request.method, url, headers: request.headers }, socket, head, {
    chooseProtocol,
    maxPayload: MAX_RECEIVED_BYTES,
  });
  if (!webSocket) return void (await leave(source));
  webSocket.on('error', () => undefined);
  webSocket.once('close', () => void leave(source));
  try {
    for await (const message of iterator) {
      if (webSocket.readyState !== webSocket.OPEN) break;
      // One message at a time on its way: the watch behind holds the rest for a slow client, and ends when that is too much.
      await new Promise<void>(resolve => webSocket.send(message, { binary }, () => resolve()));
    }
  } finally {
    webSocket.close(1000);
    await leave(source);
  }
}

const leave = async (source: AsyncIterable<Buffer>): Promise<void> => {
  await Promise.resolve(source[Symbol.asyncIterator]().return?.()).catch(() => undefined);
};

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
    }
  }
}

async function* lengthFramed(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32BE(0);
      if (rest.length < end) break;
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
}
