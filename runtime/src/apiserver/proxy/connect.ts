/** A connection to what a proxy subresource names: over its node's tunnel, or from here where nobody says which node has it. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { StatusError, serviceUnavailable } from '../../api/status.ts';
import { requestUpgrade } from '../../lib/upgrade.ts';
import type { Tunnels } from '../kubelet/tunnels.ts';
import type { Target } from './target.ts';

const CONNECT_MS = 30_000;
/** Where agents connect to addresses of their node; see `node/streaming/dial.ts`. */
const DIAL_PATH = '/v1-atoll/dial';

/** Upstream's word for whatever goes wrong on the way. */
export const unreachable = (error: unknown): StatusError =>
  error instanceof StatusError
    ? error
    : serviceUnavailable(
        `error trying to reach service: ${error instanceof Error && error.message !== '' ? error.message : String(error)}`,
      );

async function throughNode(tunnels: Tunnels, nodeName: string, ip: string, port: number): Promise<Duplex> {
  const connection = tunnels.dial(nodeName);
  const path = `${DIAL_PATH}?address=${encodeURIComponent(ip)}&port=${port}`;
  const headers = { upgrade: 'atoll-dial' };
  const answer = await requestUpgrade(connection, { method: 'GET', path, host: nodeName, headers }, CONNECT_MS);
  if (!answer.upgraded) throw new Error(messageOf(answer.body));
  if (answer.first.length > 0) answer.socket.unshift(answer.first);
  return answer.socket;
}

/** A `Status` speaks by its message. */
function messageOf(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    const status = JSON.parse(text) as { readonly message?: unknown };
    return String(status.message ?? text);
  } catch {
    return text;
  }
}

async function fromHere(ip: string, port: number): Promise<Duplex> {
  const socket = connectTcp({ host: ip, port });
  const deadline = setTimeout(() => socket.destroy(new Error(`dial tcp ${ip}:${port}: i/o timeout`)), CONNECT_MS);
  try {
    await once(socket, 'connect');
    return socket;
  } finally {
    clearTimeout(deadline);
  }
}

/** @throws StatusError 503 */
export async function connect(tunnels: Tunnels, { scheme, address, nodeName }: Target): Promise<Duplex> {
  try {
    if (!address) return tunnels.dial(nodeName ?? '');
    const { ip, port } = address;
    const plain = nodeName === undefined ? await fromHere(ip, port) : await throughNode(tunnels, nodeName, ip, port);
    if (scheme === 'http') return plain;
    // As upstream: whoever may use the proxy trusts the pod, whose certificate nobody has signed.
    const secure = connectTls({ socket: plain, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    return secure;
  } catch (error) {
    throw unreachable(error);
  }
}
