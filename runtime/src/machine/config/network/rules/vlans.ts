import type { Report } from '../../types.ts';
import { type Devices, declareHint } from '../devices.ts';

/** A VLAN is on a device that exists and carries frames, and its number is used once there. */
export function vlanRules({ all, byId }: Devices, report: Report): void {
  const numbers = new Map<string, string>();
  for (const device of all) {
    if (device.section !== 'vlans') continue;
    const { id, value } = device;
    const parent = byId.get(value.link);
    const path = ['vlans', id, 'link'];
    if (!parent)
      report(path, `is no device of this document: "${value.link}"`, {
        hint: declareHint(value.link, all),
      });
    else if (parent === device) report(path, `is the VLAN itself: "${value.link}"`);
    else if (parent.section === 'tunnels' || parent.section === 'vrfs' || parent.name === 'lo')
      report(path, `carries no Ethernet frames: "${value.link}"`);
    const number = `${value.id} ${value.link}`;
    const other = numbers.get(number);
    if (other !== undefined)
      report(['vlans', id, 'id'], `is already the number of ${other} on ${value.link}: ${value.id}`);
    else numbers.set(number, `vlans.${id}`);
  }
}
