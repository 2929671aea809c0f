/** HTTP/1.1 upgrades (RFC 9110 §7.8) from the asking side, and joining the two connections a proxy stands between. */
import http, { type IncomingMessage, STATUS_CODES } from 'node:http';
import { type Duplex, finished } from 'node:stream';

export interface UpgradeRequest {
  readonly method: string;
  /** Path with query, percent-encoded. */
  readonly path: string;
  /** `Host` of the request. */
  readonly host: string;
  /** A list is sent as repeated lines. `Connection: Upgrade` is added. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export type UpgradeAnswer =
  /** 101: `socket` speaks the new protocol, beginning with `first`; `head` is the answer's status line and headers as text. */
  | { readonly upgraded: true; readonly head: string; readonly socket: Duplex; readonly first: Buffer }
  /** Anything else, with at most 64 KiB of its body. */
  | { readonly upgraded: false; readonly status: number; readonly contentType: string; readonly body: Buffer };

const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Asks for an upgrade on a connection just opened, which it owns from here on.
 *
 * @throws Error when the connection breaks, or no answer comes within `timeoutMs` (default 30 s).
 */
export function requestUpgrade(
  connection: Duplex,
  { method, path, host, headers }: UpgradeRequest,
  timeoutMs = 30_000,
): Promise<UpgradeAnswer> {
  const sent: http.OutgoingHttpHeaders = { host, connection: 'Upgrade' };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) sent[name] = typeof value === 'string' ? value : [...value];
  }
  return new Promise((resolve, reject) => {
    const request = http.request({ method, path, headers: sent, createConnection: () => connection });
    const deadline = setTimeout(() => {
      request.destroy(new Error(`no answer to ${method} ${host}${path} within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    request.once('close', () => clearTimeout(deadline));
    request.on('error', reject);
    request.once('upgrade', (response, socket, first) => {
      clearTimeout(deadline);
      resolve({ upgraded: true, head: headOf(response), socket, first });
    });
    request.once('response', response => {
      refusal(response).then(resolve, reject);
    });
    request.end();
  });
}

async function refusal(response: IncomingMessage): Promise<UpgradeAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REFUSAL_BYTES) break;
    chunks.push(chunk);
  }
  response.destroy();
  return {
    upgraded: false,
    status: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? '',
    body: Buffer.concat(chunks),
  };
}

function headOf(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    lines.push(`${response.rawHeaders[index]}: ${response.rawHeaders[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Answers an upgrade request with an error as JSON (there is no response object, only the connection) and ends it. */
export function refuseUpgrade(socket: Duplex, code: number, answer: unknown): void {
  const body = Buffer.from(JSON.stringify(answer));
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.on('error', () => undefined); // a client that has left already
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

/**
 * Copies both ways until both connections have closed. When one has, what it said still reaches the other, which is closed
 * after that: the last words of a command come just before its connection ends.
 */
export function join(a: Duplex, b: Duplex): void {
  const copy = (from: Duplex, to: Duplex): void => {
    from.pipe(to);
    from.on('error', () => undefined); // 'close' follows
    from.once('close', () => {
      finished(to, { readable: false }, () => to.destroy());
      to.end();
    });
  };
  copy(a, b);
  copy(b, a);
}
