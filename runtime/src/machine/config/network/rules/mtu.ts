import type { Report } from '../../types.ts';
import { type Devices, hasIpv6 } from '../devices.ts';

const IPV6_MINIMUM = 1280;

/** Packets of every family that is on fit, and a VLAN's fit into those of the device it is on. */
export function mtuRules({ all, byId, owners }: Devices, report: Report): void {
  for (const { section, id, value } of all) {
    const { mtu } = value;
    if (mtu === undefined) continue;
    const path = [section, id, 'mtu'];
    const owner = owners.get(id);
    const isPort = owner !== undefined && owner.section !== 'vrfs';
    if (mtu < IPV6_MINIMUM && !isPort && hasIpv6(value))
      report(path, `must be at least ${IPV6_MINIMUM}, as IPv6 is on, not ${mtu}`, {
        hint: 'link-local: [] turns IPv6 off where there are no IPv6 addresses and no dhcp6',
      });
    if (value['ipv6-mtu'] !== undefined && value['ipv6-mtu'] > mtu)
      report([section, id, 'ipv6-mtu'], `must not be above mtu, which is ${mtu}`);
    if (section !== 'vlans' || !('link' in value) || value.link === undefined) continue;
    const parent = byId.get(value.link)?.value.mtu;
    if (parent !== undefined && mtu > parent)
      report(path, `must not be above the ${parent} of ${value.link}, not ${mtu}`);
  }
}
