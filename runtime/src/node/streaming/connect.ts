/** Connections to containerd's streaming server, at the URLs its CRI calls give. */
import { connect } from 'node:net';
import { internalError } from '../../api/status.ts';
import { requestUpgrade, type UpgradeAnswer } from '../../lib/upgrade.ts';

export type Upgraded = Extract<UpgradeAnswer, { upgraded: true }>;

export const spdyUpgrade = 'SPDY/3.1';

/**
 * Opens `url` with an upgrade.
 *
 * @throws StatusError 500 with containerd's words when it refuses, or when it cannot be reached.
 */
export async function connectStreaming(
  url: string,
  { method, headers }: { method: string; headers: Readonly<Record<string, string | readonly string[] | undefined>> },
): Promise<Upgraded> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const answer = await requestUpgrade(socket, { method, path: pathname + search, host, headers }).catch(error => {
    socket.destroy();
    throw internalError(`container runtime: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (answer.upgraded) return answer;
  throw internalError(`container runtime answered ${answer.status}: ${answer.body.toString('utf8').trim()}`);
}

/** The same over SPDY, speaking this version of the streams' protocol (`v4.channel.k8s.io`, `portforward.k8s.io`). */
export function connectSpdy(url: string, protocol: string): Promise<Upgraded> {
  return connectStreaming(url, {
    method: 'POST',
    headers: { upgrade: spdyUpgrade, 'x-stream-protocol-version': protocol },
  });
}
