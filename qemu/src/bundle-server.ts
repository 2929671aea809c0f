/**
 * A web server for bundles, on the host's loopback, which the guest reaches as 10.0.2.100 (`Hardware.guestForwards`): ranges, entity tags, and a
 * count of what was really sent.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';

export class BundleServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #files: ReadonlyMap<string, string>;
  /** Bytes of bodies sent so far. */
  sentBytes = 0;
  /** Requests answered so far. */
  requests = 0;

  private constructor(files: readonly string[]) {
    this.#files = new Map(files.map(file => [basename(file), file]));
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** @param files served as `/<name>`; they are read as they are asked for */
  static async start(files: readonly string[]): Promise<BundleServer> {
    const server = new BundleServer(files);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const file = this.#files.get(decodeURIComponent((request.url ?? '/').slice(1)));
    if (file === undefined) {
      response.writeHead(404).end('not found\n');
      return;
    }
    const { size, mtimeMs } = await stat(file);
    const etag = `"${createHash('sha256').update(`${size}:${mtimeMs}`).digest('hex').slice(0, 16)}"`;
    const headers = { 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream', etag };
    const range = rangeOf(request.headers.range, size);
    if (range === undefined) {
      response.writeHead(200, { ...headers, 'content-length': String(size) });
    } else {
      const { first, last } = range;
      response.writeHead(206, {
        ...headers,
        'content-length': String(last - first + 1),
        'content-range': `bytes ${first}-${last}/${size}`,
      });
    }
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const stream = createReadStream(file, range === undefined ? {} : { start: range.first, end: range.last });
    stream.on('data', chunk => {
      this.sentBytes += chunk.length;
    });
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

/** `bytes=0-9`, `bytes=5-`, `bytes=-8`; undefined: the whole. Source: RFC 9110 section 14.1.2. */
export function rangeOf(header: string | undefined, size: number): { first: number; last: number } | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first <= last ? { first, last } : undefined;
}
