import { parseCidr } from '../../../../api/ip.ts';
import type { Report } from '../../types.ts';
import type { Devices } from '../devices.ts';

/** Every peer of a WireGuard tunnel is one of its own, and so are the networks behind it. */
export function tunnelRules({ all }: Devices, report: Report): void {
  for (const device of all) {
    if (device.section !== 'tunnels') continue;
    const { id, value } = device;
    const peers = new Map<string, number>();
    const networks = new Map<string, number>();
    for (const [index, peer] of (value.peers ?? []).entries()) {
      const path = ['tunnels', id, 'peers', index];
      const first = peers.get(peer.keys.public);
      if (first !== undefined) report([...path, 'keys', 'public'], `is already the key of peers[${first}]`);
      else peers.set(peer.keys.public, index);
      const port = Number(/:(\d+)$/.exec(peer.endpoint ?? '')?.[1] ?? 1);
      if (port < 1 || port > 65_535) report([...path, 'endpoint'], `must have a port from 1 to 65535, not ${port}`);
      for (const [at, range] of (peer['allowed-ips'] ?? []).entries()) {
        const network = parseCidr(range)?.canonical ?? range;
        const other = networks.get(network);
        if (other !== undefined)
          report([...path, 'allowed-ips', at], `is already behind peers[${other}]: "${range}"`, {
            hint: 'what is behind two peers goes to the last one only',
          });
        else networks.set(network, index);
      }
    }
  }
}
