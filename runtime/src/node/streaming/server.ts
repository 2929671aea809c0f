/**
 * The kubelet's HTTP API, on upstream's paths. It listens nowhere: the agent's tunnel feeds it connections, and the API
 * server at the other end has authorized what comes.
 *
 * Errors are `Status` objects, before a protocol is switched or a log begun; after that the connection breaks.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWebSocketStream, type WebSocket } from 'ws';
import { badRequest, notFound, StatusError, statusOf } from '../../api/status.ts';
import type { Logger } from '../../lib/log.ts';
import { join, refuseUpgrade } from '../../lib/upgrade.ts';
import { acceptWebSocket, isWebSocketUpgrade, offeredProtocols } from '../../lib/webSocket.ts';
import { connectSpdy, connectStreaming, spdyUpgrade } from './connect.ts';
import { dial, isDial } from './dial.ts';
import { parseLogOptions } from './logs/format.ts';
import { readLog } from './logs/read.ts';
import { carryCommand, chooseProtocol, runtimeProtocol } from './remoteCommand.ts';
import { commandOptions, logTarget, type Route, routeOf, runningContainer, sandboxOf } from './route.ts';
import { SpdyConnection } from './spdy.ts';
import type { PodLookup, StreamingRuntime } from './types.ts';

export interface KubeletServerOptions {
  readonly runtime: StreamingRuntime;
  readonly pods: PodLookup;
  readonly logger: Logger;
  /** Answers `/v1-atoll/…` but for `dial`: the machine's own API (`machine/interface`). @throws StatusError */
  readonly machine?: MachineAnswer | undefined;
  /** Of the node and its machine, in Prometheus' text format, for `/metrics`. */
  readonly metrics?: (() => string | Promise<string>) | undefined;
}

export type MachineAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
) => Promise<void>;

const MACHINE_PREFIX = '/v1-atoll/';

/** kubectl sends pieces of 32 KiB; other clients may send more, but not without bound. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A WebSocket that carries SPDY (KEP-4006, port-forward). */
const SPDY_TUNNEL_PREFIX = 'SPDY/3.1+';

export function createKubeletServer(options: KubeletServerOptions): http.Server {
  const server = http.createServer((request, response) => {
    answer(options, request, response).catch(error => {
      if (response.headersSent) response.destroy();
      else sendStatus(response, error);
      if (statusOf(error).code >= 500) options.logger.warn({ url: request.url, error }, 'kubelet request failed');
    });
  });
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined); // a client that leaves in the middle is no news
    upgrade(options, request, socket, head).catch(error => {
      options.logger.warn({ url: request.url, error }, 'kubelet stream failed');
      refuseUpgrade(socket, statusOf(error).code, statusOf(error));
    });
  });
  return server;
}

async function answer(
  options: KubeletServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { machine, metrics } = options;
  if (machine && request.url?.startsWith(MACHINE_PREFIX)) {
    const { pathname, searchParams } = new URL(request.url, 'http://kubelet');
    return machine(request, response, pathname.slice(MACHINE_PREFIX.length), searchParams);
  }
  const route = routeOf(request);
  switch (route.kind) {
    case 'metrics':
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(await metrics?.());
      return;
    case 'healthz':
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
      return;
    case 'pods':
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(options.pods.list()));
      return;
    case 'containerLogs':
      return sendLog(options, route, response);
    default:
      throw badRequest('Upgrade request required');
  }
}

async function sendLog({ pods }: KubeletServerOptions, route: Route, response: ServerResponse): Promise<void> {
  const options = parseLogOptions(route.query, Date.now());
  const target = await logTarget(pods, route, options.previous);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders(); // a follower wants to know that it is connected
  if (target.path === undefined) {
    response.end();
    return;
  }
  const exited = (signal: AbortSignal): Promise<void> =>
    target.containerId === undefined ? Promise.resolve() : pods.exited(target.containerId, signal);
  try {
    await pipeline(readLog(target.path, options, exited, gone.signal), response);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

async function upgrade(
  options: KubeletServerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  if (isDial(request)) return dial(options.pods, request, socket, head);
  const route = routeOf(request);
  const url = await streamingUrl(options, route);
  const protocol = request.headers.upgrade?.toLowerCase();
  const headers = requestHeaders(request);
  const accepted = { method: request.method ?? 'GET', url: request.url ?? '/', headers };

  if (protocol === 'websocket' && route.kind !== 'portForward') {
    const wanted = commandOptions(route);
    const { socket: connection, first } = await connectSpdy(url, runtimeProtocol);
    const client = await accept(accepted, socket, head, chooseProtocol);
    if (client) await carryCommand(client, new SpdyConnection(connection, first), wanted);
    else connection.destroy();
    return;
  }
  const tunnelled = offeredProtocols(headers).find(offer => offer.startsWith(SPDY_TUNNEL_PREFIX));
  if (isWebSocketUpgrade(headers) && tunnelled !== undefined) {
    const { socket: connection, first } = await connectSpdy(url, tunnelled.slice(SPDY_TUNNEL_PREFIX.length));
    const client = await accept(accepted, socket, head, () => tunnelled);
    if (!client) return void connection.destroy();
    const stream = createWebSocketStream(client);
    stream.write(first);
    join(stream, connection);
    return;
  }
  if (protocol !== 'websocket' && protocol !== spdyUpgrade.toLowerCase()) {
    throw badRequest(
      `cannot upgrade to ${JSON.stringify(request.headers.upgrade ?? '')}: use WebSocket or ${spdyUpgrade}`,
    );
  }
  // Clients that speak the runtime's own protocols (kubectl before 1.31: SPDY) do so through us.
  const runtime = await connectStreaming(url, { method: request.method ?? 'POST', headers: passedHeaders(request) });
  socket.write(Buffer.concat([Buffer.from(runtime.head), runtime.first]));
  if (head.length > 0) runtime.socket.write(head);
  join(socket, runtime.socket);
}

const accept = (
  ...[request, socket, head, choose]: [
    Parameters<typeof acceptWebSocket>[0],
    Duplex,
    Buffer,
    (offered: readonly string[]) => string | undefined,
  ]
): Promise<WebSocket | undefined> =>
  acceptWebSocket(request, socket, head, { chooseProtocol: choose, maxPayload: MAX_MESSAGE_BYTES });

async function streamingUrl({ runtime, pods }: KubeletServerOptions, route: Route): Promise<string> {
  switch (route.kind) {
    case 'exec': {
      const { containerId } = await runningContainer(pods, route);
      return runtime.exec({ containerId, command: route.query.getAll('command'), ...commandOptions(route) });
    }
    case 'attach': {
      const { containerId } = await runningContainer(pods, route);
      return runtime.attach({ containerId, ...commandOptions(route) });
    }
    case 'portForward': {
      const podSandboxId = await sandboxOf(pods, route);
      return runtime.portForward({
        podSandboxId,
        ports: route.query
          .getAll('port')
          .flatMap(p => p.split(','))
          .map(Number),
      });
    }
    default:
      throw notFound({ group: '', resource: 'paths' }, route.kind);
  }
}

/** As text: of what is read here nothing may be repeated, but for the SPDY versions, which keep their lines below. */
function requestHeaders(request: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

function passedHeaders(request: IncomingMessage): Record<string, string | readonly string[] | undefined> {
  const versions = request.headersDistinct['x-stream-protocol-version']
    ?.flatMap(line => line.split(','))
    .map(v => v.trim());
  const passed: Record<string, string | readonly string[] | undefined> = { 'x-stream-protocol-version': versions };
  for (const name of ['upgrade', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol']) {
    passed[name] = requestHeaders(request)[name];
  }
  return passed;
}

function sendStatus(response: ServerResponse, error: unknown): void {
  const status = statusOf(error);
  const headers = error instanceof StatusError ? error.headers : {};
  response.writeHead(status.code, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(status));
}
