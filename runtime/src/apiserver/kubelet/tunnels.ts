/**
 * The server's end of the agents' tunnels: which nodes are connected, and connections to their kubelets.
 *
 * Invariants: at most one tunnel a node, the newest (an agent that connects again has lost the old one, whether we have
 * noticed or not); a node's name comes from its verified certificate, never from what it says.
 */
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { forbidden, StatusError, serviceUnavailable, statusOf, unauthorized } from '../../api/status.ts';
import type { Request, UpgradeHandler } from '../../lib/exchange.ts';
import type { Logger } from '../../lib/log.ts';
import { MAX_FRAME_BYTES, Mux } from '../../lib/mux.ts';
import { refuseUpgrade } from '../../lib/upgrade.ts';
import { acceptWebSocket, isWebSocketUpgrade } from '../../lib/webSocket.ts';

const NODE_PREFIX = 'system:node:';

export interface TunnelsOptions {
  readonly logger: Logger;
  /** See `MuxOptions`; tests shorten them. */
  readonly keepAliveMs?: number;
  readonly deadlineMs?: number;
}

export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #byNode = new Map<string, Mux>();

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  /** Serves `GET /v1-atoll/connect`. Only a node's own client certificate (`system:node:NAME`, `system:nodes`) may. */
  readonly upgrade: UpgradeHandler = async (request, socket, head) => {
    let nodeName: string;
    try {
      nodeName = nodeOf(request);
    } catch (error) {
      refuseUpgrade(socket, statusOf(error).code, statusOf(error));
      return;
    }
    const { method, path, headers } = request;
    const webSocket = await acceptWebSocket({ method, url: path, headers }, socket, head, {
      maxPayload: MAX_FRAME_BYTES,
    });
    if (!webSocket) return;
    const { logger, keepAliveMs, deadlineMs } = this.#options;
    const mux = new Mux(webSocket, {
      role: 'accepted',
      ...(keepAliveMs === undefined ? {} : { keepAliveMs }),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    });
    this.#byNode.get(nodeName)?.close('replaced by a newer tunnel of the same node');
    this.#byNode.set(nodeName, mux);
    logger.info({ node: nodeName, remoteAddress: request.remoteAddress }, 'node connected');
    const reason = await mux.closed;
    if (this.#byNode.get(nodeName) === mux) this.#byNode.delete(nodeName);
    logger.info({ node: nodeName, reason }, 'node disconnected');
  };

  connected(nodeName: string): boolean {
    return this.#byNode.has(nodeName);
  }

  /**
   * A connection to the node's kubelet.
   *
   * @throws StatusError 503 when the node has no tunnel to this server.
   */
  dial(nodeName: string): Duplex {
    const mux = this.#byNode.get(nodeName);
    if (mux) return mux.open();
    throw serviceUnavailable(
      `node "${nodeName}" is not connected: its agent has no tunnel to this server ` +
        '(is the node running, is atoll-agent active on it, and can it reach this server?)',
    );
  }

  /** An HTTP request to the node's kubelet, on a connection of its own. @throws StatusError as {@link dial}. */
  request(
    nodeName: string,
    options: Pick<http.RequestOptions, 'method' | 'path' | 'headers' | 'signal'>,
  ): http.ClientRequest {
    const connection = this.dial(nodeName);
    const request = http.request({ ...options, host: nodeName, createConnection: () => connection });
    // Once there is a response, it is the response that reports a broken connection.
    request.once('response', () => request.on('error', () => undefined));
    return request;
  }

  close(): void {
    for (const mux of this.#byNode.values()) mux.close('the server is stopping');
  }
}

function nodeOf({ user, clientCertificate, headers }: Request): string {
  const name = user?.name ?? clientCertificate?.commonName;
  const groups = user?.groups ?? clientCertificate?.organizations ?? [];
  if (name === undefined) throw unauthorized();
  if (!name.startsWith(NODE_PREFIX) || name === NODE_PREFIX || !groups.includes('system:nodes')) {
    throw forbidden(
      { group: '', resource: '' },
      '',
      `User ${JSON.stringify(name)} is not a node: only nodes may connect a tunnel`,
    );
  }
  if (!isWebSocketUpgrade(headers)) throw new StatusError(426, '', 'a tunnel is a WebSocket');
  return name.slice(NODE_PREFIX.length);
}
