import type { Report } from '../../types.ts';
import { type DeviceEntry, type Devices, isPhysical } from '../devices.ts';
import { refuseInterfaceName } from '../schema/values.ts';

/** Names of the interfaces that belong to pods and their network: `10-pods.network` of the image keeps networkd from them. */
const podInterfaces = /^(veth|cni|cbr|atoll|vxlan|flannel|cali)/;

/** Interfaces have names the kernel takes, each its own, and none of a pod's. */
export function nameRules({ all, byId }: Devices, report: Report): void {
  const names = new Map<string, DeviceEntry>();
  for (const device of all) {
    const { section, id, name } = device;
    const first = byId.get(id);
    if (first && first !== device) {
      report([section, id], `is declared twice: "${id}" is also in ${first.section}`, { hint: 'give it another name' });
      continue;
    }
    if (name === undefined) continue;
    const path =
      isPhysical(device) && device.value['set-name'] !== undefined ? [section, id, 'set-name'] : [section, id];
    const refused = section === 'ethernets' && name === 'lo' ? undefined : refuseInterfaceName(name);
    if (refused !== undefined) {
      const hint = isPhysical(device)
        ? 'choose the device by match, and its name by set-name'
        : 'give it a shorter name';
      report(
        path,
        refused.startsWith('must') ? `${refused}, not "${name}"` : `${refused}: "${name}"`,
        name.length > 15 ? { hint } : {},
      );
    } else if (podInterfaces.test(name))
      report(path, `is a name of the pods' network: "${name}"`, { hint: 'give it another name' });
    const other = names.get(name);
    if (other) report(path, `is also the name of ${other.section}.${other.id}: "${name}"`);
    else names.set(name, device);
  }
}
