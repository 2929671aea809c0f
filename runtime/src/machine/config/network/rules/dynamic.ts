import type { Report } from '../../types.ts';
import type { Devices } from '../devices.ts';
import { strictIp } from '../schema/values.ts';

/** What is said of DHCP and router advertisements is of use. */
export function dynamicRules({ all }: Devices, report: Report): void {
  for (const { section, id, value } of all) {
    const warn = (key: string, message: string) => report([section, id, key], message, { severity: 'warning' });
    for (const family of [4, 6] as const)
      if (value[`dhcp${family}-overrides`] !== undefined && value[`dhcp${family}`] !== true)
        warn(`dhcp${family}-overrides`, `has no effect without dhcp${family}: true`);
    if (value['ra-overrides'] !== undefined && value['accept-ra'] === false)
      warn('ra-overrides', 'has no effect with accept-ra: false');
    const token = value['ipv6-address-token'];
    if (token === undefined) continue;
    if (value['ipv6-address-generation'] !== undefined)
      report([section, id, 'ipv6-address-token'], 'cannot be used together with ipv6-address-generation');
    const ip = strictIp(token);
    if (ip && (ip.bits >> 64n !== 0n || ip.bits === 0n))
      report([section, id, 'ipv6-address-token'], `must be the last half of an address, as ::10, not "${token}"`);
  }
}
