/**
 * The pod network of one node as a CNI configuration list: a bridge with the node's pod range, addresses from it, host ports, traffic
 * to other networks under the node's own address (CNI specification 1.0, containernetworking-plugins).
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../lib/files.ts';
import { DEFAULT_BRIDGE } from '../lib/podNetwork.ts';

export interface CniOptions {
  /** The node's `spec.podCIDR`: `10.42.0.0/24`. */
  readonly podCidr: string;
  /** Default `cni0`. */
  readonly bridge?: string;
  /** Where addresses in use are kept; on a tmpfs, so that none is lost to a power cut. Default `/run/atoll/cni`. */
  readonly dataDir?: string;
  /** Default true. Needs iptables. */
  readonly masquerade?: boolean;
  /** Published host ports; default true. Needs iptables. */
  readonly hostPorts?: boolean;
}

export const CNI_DIRECTORY = '/etc/cni/net.d';
export const CNI_FILE = '10-atoll.conflist';

/** Only the loopback plugin is missing: containerd adds it to every sandbox by itself. */
export function cniConfigurationList(options: CniOptions): object {
  const { podCidr, bridge = DEFAULT_BRIDGE, dataDir = '/run/atoll/cni' } = options;
  const { masquerade = true, hostPorts = true } = options;
  return {
    cniVersion: '1.0.0',
    name: 'atoll',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isDefaultGateway: true,
        forceAddress: true,
        hairpinMode: true,
        ipMasq: masquerade,
        ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: podCidr }]] },
      },
      ...(hostPorts ? [{ type: 'portmap', capabilities: { portMappings: true }, snat: true }] : []),
    ],
  };
}

/** Writes the list where containerd looks, if it is not there already. @returns whether it wrote. */
export async function writeCniConfiguration(options: CniOptions, directory: string = CNI_DIRECTORY): Promise<boolean> {
  const path = join(directory, CNI_FILE);
  const text = `${JSON.stringify(cniConfigurationList(options), undefined, 2)}\n`;
  if ((await readFile(path, 'utf8').catch(() => '')) === text) return false;
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await writeFileAtomic(path, text);
  return true;
}
