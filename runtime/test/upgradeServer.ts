/** A web server for one file that can misbehave in every way a network does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Requests for the file before this one. */
  readonly number: number;
  /** The range that was asked for, within the file; undefined: all of it. */
  readonly range: { readonly first: number; readonly end: number } | undefined;
  /** Answers as a good server does. */
  good(options?: GoodAnswer): void;
}

export interface GoodAnswer {
  readonly bytes?: Buffer;
  /** Of what is sent: changed on the way. */
  readonly body?: (body: Buffer) => Buffer;
  /** Null: none. */
  readonly etag?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** As if it had never heard of ranges. */
  readonly noRanges?: boolean;
  /** How the body goes out; by default at once. */
  readonly send?: (response: ServerResponse, body: Buffer) => void;
}

export type Behaviour = (asked: Asked) => void;

export class MisbehavingServer implements AsyncDisposable {
  requests = 0;
  /** Of bodies, handed to sockets. */
  sentBytes = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;

  constructor(
    public bytes: Buffer,
    public behaviour: Behaviour = ({ good }) => good(),
    private readonly tls?: ServerOptions,
  ) {
    this.#server = this.#made();
  }

  get url(): string {
    return `${this.tls ? 'https' : 'http'}://127.0.0.1:${this.#port}/a.raucb`;
  }

  async start(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Gone, as if it were switched off; `start` brings it back under its address. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
    this.#server = this.#made();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #made(): Server {
    const handler = (request: IncomingMessage, response: ServerResponse): void => this.#answer(request, response);
    const server = this.tls ? createTlsServer(this.tls, handler) : createServer(handler);
    server.on(this.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    return server as Server;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.endsWith('.pem')) {
      response.writeHead(404).end();
      return;
    }
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const range = match
      ? { first: Number(match[1]), end: Math.min(Number(match[2]) + 1, this.bytes.length) }
      : undefined;
    const number = this.requests++;
    const good = ({
      bytes = this.bytes,
      body: change,
      etag = '"one"',
      headers = {},
      noRanges,
      send,
    }: GoodAnswer = {}): void => {
      const partial =
        range &&
        !noRanges &&
        (request.headers['if-range'] === undefined ||
          request.headers['if-range'] === etag ||
          request.headers['if-range'] === headers['last-modified']);
      const plain = partial ? bytes.subarray(range.first, range.end) : bytes;
      const body = change?.(plain) ?? plain;
      const common = {
        ...('transfer-encoding' in headers ? {} : { 'content-length': String(body.length) }),
        ...(etag === null ? {} : { etag }),
        ...headers,
      };
      if (partial)
        response.writeHead(206, {
          ...common,
          'content-range': `bytes ${range.first}-${range.first + body.length - 1}/${bytes.length}`,
        });
      else response.writeHead(200, common);
      this.sentBytes += body.length;
      if (send) send(response, body);
      else response.end(body);
    };
    this.behaviour({ request, response, number, range, good });
  }
}

/** Sends so much of it and then breaks the connection. */
export const brokenAfter =
  (bytes: number) =>
  (response: ServerResponse, body: Buffer): void => {
    if (body.length <= bytes) response.end(body);
    else response.write(body.subarray(0, bytes), () => response.socket?.destroy());
  };

/** Sends so much of it and then nothing more. */
export const silentAfter =
  (bytes: number) =>
  (response: ServerResponse, body: Buffer): void => {
    if (body.length <= bytes) response.end(body);
    else response.write(body.subarray(0, bytes));
  };

/** A few bytes at a time, for ever. */
export const trickling = (response: ServerResponse, body: Buffer): void => {
  if (body.length < 100) {
    response.end(body);
    return;
  }
  let at = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(at, at + 10));
    at += 10;
  }, 20);
  response.on('close', () => clearInterval(timer));
};
