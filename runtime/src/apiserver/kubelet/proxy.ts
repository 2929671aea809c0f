/**
 * Pod logs and kubectl's streams, passed on to the kubelet over its node's tunnel. Requests are authorized by now.
 *
 * The proxy understands nothing of what it carries: once the kubelet has switched protocols, it copies bytes. Credentials
 * of the client are never passed on.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { badRequest, StatusError, statusOf } from '../../api/status.ts';
import type { Request, Response, UpgradeHandler } from '../../lib/exchange.ts';
import { join, refuseUpgrade, requestUpgrade } from '../../lib/upgrade.ts';
import { type KubeletLocation, logLocation, type PodStream, streamLocation } from './location.ts';
import type { Tunnels } from './tunnels.ts';

const MAX_ERROR_BYTES = 64 * 1024;
/** The kubelet answers a log request at once: it opens a file. */
const ANSWER_MS = 30_000;

/**
 * `GET …/pods/NAME/log`. The body of the answer comes as the kubelet sends it and ends with `request.signal`.
 *
 * @throws StatusError what the options, the tunnel (503) or the kubelet (400, 404…) find wrong.
 */
export async function podLog(tunnels: Tunnels, pod: Pod, request: Request): Promise<Response> {
  const location = logLocation(pod, request.query);
  const headers = { 'content-type': 'text/plain' };
  if (!location) return { status: 200, headers, body: Buffer.alloc(0) };
  const answer = await get(tunnels, location, request.signal);
  if (answer.statusCode !== 200) throw await failure(location.nodeName, answer);
  return { status: 200, headers, body: answer as AsyncIterable<Buffer> };
}

/** `pods/NAME/{exec,attach,portforward}` as an upgrade. Errors are answered on `socket` as a `Status`. */
export async function podStream(
  tunnels: Tunnels,
  pod: Pod,
  stream: PodStream,
  ...[request, socket, head]: Parameters<UpgradeHandler>
): Promise<void> {
  try {
    const { nodeName, path } = streamLocation(pod, stream, request.query);
    const connection = tunnels.dial(nodeName);
    socket.once('close', () => connection.destroy());
    const answer = await requestUpgrade(connection, {
      method: request.method,
      path,
      host: nodeName,
      headers: passedHeaders(request.headers),
    }).catch(error => {
      throw unreachable(nodeName, error);
    });
    if (!answer.upgraded) throw refusal(nodeName, answer.status, answer.body);
    if (head.length > 0) answer.socket.write(head);
    socket.write(Buffer.concat([Buffer.from(answer.head), answer.first]));
    join(socket, answer.socket);
  } catch (error) {
    refuseUpgrade(socket, statusOf(error).code, statusOf(error));
  }
}

/** The answer to exec, attach or port-forward that did not ask for an upgrade. */
export function upgradeRequired(): StatusError {
  return badRequest('Upgrade request required');
}

/** Only what the handshakes of WebSocket and SPDY need; a list of SPDY protocol versions goes as repeated lines, as it came. */
function passedHeaders(headers: Request['headers']): Record<string, string | string[] | undefined> {
  return {
    upgrade: headers.upgrade,
    'sec-websocket-key': headers['sec-websocket-key'],
    'sec-websocket-version': headers['sec-websocket-version'],
    'sec-websocket-protocol': headers['sec-websocket-protocol'],
    'x-stream-protocol-version': headers['x-stream-protocol-version']?.split(',').map(version => version.trim()),
  };
}

async function get(
  tunnels: Tunnels,
  { nodeName, path }: KubeletLocation,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = tunnels.request(nodeName, { path, signal });
  const deadline = setTimeout(() => request.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  try {
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    return answer;
  } catch (error) {
    throw unreachable(nodeName, error);
  } finally {
    clearTimeout(deadline);
  }
}

async function failure(nodeName: string, answer: IncomingMessage): Promise<StatusError> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ERROR_BYTES) break;
  }
  return refusal(nodeName, answer.statusCode ?? 502, Buffer.concat(chunks));
}

/** The kubelet's `Status` as it is; anything else it may say, with our word on where it comes from. */
function refusal(nodeName: string, code: number, body: Buffer): StatusError {
  const text = body.toString('utf8').trim();
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === 'object' && status !== null && 'kind' in status && status.kind === 'Status') {
      const { message, reason } = status as { message?: unknown; reason?: unknown };
      return new StatusError(code, String(reason ?? ''), String(message ?? ''));
    }
  } catch {
    // not a Status
  }
  return new StatusError(code < 400 ? 502 : code, '', `the kubelet of node "${nodeName}" answered ${code}: ${text}`);
}

function unreachable(nodeName: string, error: unknown): StatusError {
  const why = error instanceof Error ? error.message : String(error);
  return new StatusError(502, '', `the kubelet of node "${nodeName}" did not answer through its tunnel: ${why}`);
}
