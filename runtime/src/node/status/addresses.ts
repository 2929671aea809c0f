/** The addresses under which a node is known. A machine without any network has one too: its own pod bridge's. */
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { DEFAULT_BRIDGE } from '../../lib/podNetwork.ts';

export interface Interface {
  readonly name: string;
  readonly address: string;
  readonly family: string;
  readonly internal: boolean;
}

/** The interface of the default route with the lowest metric, from `/proc/net/route`'s text. */
export function defaultInterface(table: string): string | undefined {
  const routes = table
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .sort((a, b) => Number(a[6]) - Number(b[6]));
  return routes[0]?.[0];
}

const isPodNetwork = (name: string): boolean => name === DEFAULT_BRIDGE || name.startsWith('veth');
const isLinkLocal = (address: string): boolean =>
  address.startsWith('169.254.') || address.toLowerCase().startsWith('fe80:');

/**
 * The default route's address; else the first global one, IPv4 before IPv6; else `fallback` (the pod bridge's gateway); else loopback.
 */
export function chooseAddress(
  interfaces: readonly Interface[],
  defaultName: string | undefined,
  fallback: string | undefined,
): string {
  const usable = interfaces.filter(i => !i.internal && !isPodNetwork(i.name) && !isLinkLocal(i.address));
  const byFamily = [...usable.filter(i => i.family === 'IPv4'), ...usable.filter(i => i.family !== 'IPv4')];
  const chosen = byFamily.find(i => i.name === defaultName) ?? byFamily[0];
  return chosen?.address ?? fallback ?? '127.0.0.1';
}

export async function nodeAddress(fallback: string | undefined): Promise<string> {
  const table = await readFile('/proc/net/route', 'utf8').catch(() => '');
  const interfaces = Object.entries(os.networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).map(({ address, family, internal }) => ({ name, address, family: String(family), internal })),
  );
  return chooseAddress(interfaces, defaultInterface(table), fallback);
}
