/** Accepting WebSockets (RFC 6455) on connections somebody else's HTTP server has read the request from. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

export interface WebSocketRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface AcceptOptions {
  /** Chooses one of what the client offers, in its order; undefined refuses with 400. Without it none is spoken. */
  readonly chooseProtocol?: (offered: readonly string[]) => string | undefined;
  /** Larger messages end the connection (close code 1009). */
  readonly maxPayload: number;
}

export const isWebSocketUpgrade = (headers: WebSocketRequest['headers']): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket';

/** What `Sec-WebSocket-Protocol` lists. */
export const offeredProtocols = (headers: WebSocketRequest['headers']): string[] =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map(protocol => protocol.trim())
    .filter(Boolean);

/**
 * Answers the handshake.
 *
 * @returns undefined when the handshake was refused; the client has been answered and the connection closed then.
 */
export function acceptWebSocket(
  request: WebSocketRequest,
  socket: Duplex,
  head: Buffer,
  { chooseProtocol, maxPayload }: AcceptOptions,
): Promise<WebSocket | undefined> {
  const offered = offeredProtocols(request.headers);
  const chosen = chooseProtocol?.(offered);
  if (offered.length > 0 && chooseProtocol && chosen === undefined) {
    const text = `none of the WebSocket protocols ${offered.join(', ')} is supported`;
    const lines = ['HTTP/1.1 400 Bad Request', 'Content-Type: text/plain', `Content-Length: ${text.length}`];
    socket.end(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${text}`);
    return Promise.resolve(undefined);
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload,
    handleProtocols: () => chosen ?? false,
  });
  // `ws` wants Node's own request object, but reads only these three fields of it.
  const message = new IncomingMessage(new Socket());
  message.method = request.method;
  message.url = request.url;
  message.headers = { ...request.headers };
  return new Promise(resolve => {
    const onClose = (): void => resolve(undefined);
    socket.once('close', onClose);
    server.handleUpgrade(message, socket, head, webSocket => {
      socket.removeListener('close', onClose);
      resolve(webSocket);
    });
  });
}
