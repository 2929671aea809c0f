/**
 * The agent's end of the tunnel: one outbound WebSocket to a server, over which that server reaches this node's kubelet.
 * Nodes behind NAT or a firewall need no open port; the server needs no route to them.
 */
import type { Server } from 'node:http';
import { WebSocket } from 'ws';
import type { Reach } from '../client/reach.ts';
import { type Clock, delay, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { MAX_FRAME_BYTES, Mux } from '../lib/mux.ts';

/** Where servers accept tunnels. */
export const TUNNEL_PATH = '/v1-atoll/connect';

const HANDSHAKE_MS = 10_000;
const MIN_DELAY_MS = 250;
const MAX_DELAY_MS = 15_000;
/** A connection that lived so long was a good one: the next failure starts over with the shortest delay. */
const GOOD_CONNECTION_MS = 10_000;

export interface TunnelOptions {
  /** The server's URL, as `https://10.0.0.1:6443`. */
  readonly server: string;
  /** PEM. Asked for anew at every attempt, so renewed certificates are used. */
  readonly credentials: () => { readonly ca: string; readonly cert: string; readonly key: string };
  /** The kubelet API. It does not listen: each stream is a connection to it. */
  readonly kubelet: Server;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told of every change, with the reason of a failure. */
  readonly onState?: (connected: boolean, reason: string) => void;
  /** Known to others of this process too: while it is away nothing is tried, and news of it ends the wait. */
  readonly reach?: Reach | undefined;
  readonly clock?: Clock;
  /** `Math.random`; a test may hold it. */
  readonly random?: () => number;
}

/**
 * Keeps the tunnel up until `signal` aborts; resolves then, with everything closed.
 *
 * After a failure it waits a random time up to a bound that doubles from 250 ms to 15 s: a server that comes back is
 * not hit by all its nodes in the same moment.
 */
export async function keepTunnel(options: TunnelOptions): Promise<void> {
  const { server, logger, signal, reach, clock = systemClock, random = Math.random } = options;
  let bound = MIN_DELAY_MS;
  while (!signal.aborted) {
    const since = clock.now();
    const reason = reach?.away ?? (await oneConnection(options));
    if (signal.aborted) return;
    options.onState?.(false, reason);
    if (clock.now() - since >= GOOD_CONNECTION_MS) bound = MIN_DELAY_MS;
    const delayMs = Math.round(bound * (0.5 + random() / 2));
    // A server that is away is told of by who looks for it.
    const level = reach?.away === undefined ? 'warn' : 'debug';
    logger[level]({ server, reason, delayMs }, 'no tunnel to the server; trying again');
    await (reach?.delay(delayMs, signal) ?? delay(delayMs, signal, clock));
    bound = Math.min(bound * 2, MAX_DELAY_MS);
  }
}

/** Connects and serves until the connection ends; gives the reason. */
async function oneConnection({
  server,
  credentials,
  kubelet,
  logger,
  signal,
  onState,
}: TunnelOptions): Promise<string> {
  let socket: WebSocket;
  try {
    socket = new WebSocket(new URL(TUNNEL_PATH, server.replace(/^http/, 'ws')), {
      ...credentials(),
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: HANDSHAKE_MS,
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error); // a malformed URL or certificate
  }
  const failure = await opened(socket, signal);
  if (failure !== undefined) return failure;
  const mux = new Mux(socket, { role: 'dialled', onStream: stream => kubelet.emit('connection', stream) });
  const onAbort = (): void => mux.close('the agent is stopping');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  else {
    logger.info({ server }, 'tunnel to the server is up');
    onState?.(true, '');
  }
  const reason = await mux.closed;
  signal.removeEventListener('abort', onAbort);
  return reason;
}

/** Waits for the handshake. Gives undefined when the socket is open, else why not. */
function opened(socket: WebSocket, signal: AbortSignal): Promise<string | undefined> {
  return new Promise(resolve => {
    const onAbort = (): void => socket.terminate();
    const done = (failure?: string): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(failure);
    };
    socket.once('open', () => done());
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        if (text.length < 1024) text += chunk.toString('utf8');
      });
      response.once('close', () => {
        done(`the server answered ${response.statusCode}: ${messageOf(text)}`);
        socket.terminate();
      });
    });
    socket.on('error', error => done(error.message));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** A `Status` speaks by its message, anything else by its first line. */
function messageOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // not JSON
  }
  return body.split('\n', 1)[0] ?? '';
}
