/** Answering an upgrade request with an error: there is no response object any more, only the connection. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { statusOf } from '../../api/status.ts';

/** Writes `error` as a `Status` (anything unknown as 500) and ends the connection. */
export function endWithStatus(socket: Duplex, error: unknown): void {
  const status = statusOf(error);
  const code = status.code ?? 500;
  const body = Buffer.from(JSON.stringify(status));
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.on('error', () => undefined); // a client that has left already
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}
