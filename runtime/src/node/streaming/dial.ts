/**
 * Connections from the API server to addresses of this node: its pods' and its own. The server proxies to pods and services through the
 * node that runs them (`apiserver/proxy`), since it may have no route to them itself.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import type { PodList } from '../../api/generated/types/core.v1.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { join } from '../../lib/upgrade.ts';
import type { PodLookup } from './types.ts';

export const DIAL_PATH = '/v1-atoll/dial';
const CONNECT_MS = 15_000;

export const isDial = (request: IncomingMessage): boolean => request.url?.split('?', 1)[0] === DIAL_PATH;

function isOfThisNode(pods: PodLookup, address: string): boolean {
  const { items } = pods.list() as PodList;
  if (items.some(pod => pod.status?.podIP === address || pod.status?.podIPs?.some(({ ip }) => ip === address)))
    return true;
  return Object.values(networkInterfaces())
    .flatMap(interfaces => interfaces ?? [])
    .some(own => !own.internal && own.address === address);
}

/** @throws StatusError 400 for what is no address, 403 for one that is not of this node, 503 when nobody answers there. */
export async function dial(pods: PodLookup, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { searchParams } = new URL(request.url ?? '/', 'http://kubelet');
  const address = searchParams.get('address') ?? '';
  const port = Number(searchParams.get('port'));
  if (address === '' || !Number.isInteger(port) || port < 1 || port > 65535)
    throw badRequest(
      `cannot connect to ${JSON.stringify(`${address}:${searchParams.get('port')}`)}: want an address and a port`,
    );
  if (!isOfThisNode(pods, address))
    throw new StatusError(403, 'Forbidden', `${address} is no address of this node or its pods`);
  const connection = connect({ host: address, port });
  socket.once('close', () => connection.destroy());
  const deadline = setTimeout(() => connection.destroy(new Error('i/o timeout')), CONNECT_MS);
  try {
    await once(connection, 'connect');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(503, 'ServiceUnavailable', `dial tcp ${address}:${port}: ${why}`);
  } finally {
    clearTimeout(deadline);
  }
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: atoll-dial\r\n\r\n');
  if (head.length > 0) connection.write(head);
  join(socket, connection);
}
