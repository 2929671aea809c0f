import type { Report } from '../../types.ts';
import { type DeviceEntry, type Devices, declareHint, isOwner, type OwnerEntry } from '../devices.ts';

const ofItsOwn = [
  'addresses',
  'dhcp4',
  'dhcp6',
  'gateway4',
  'gateway6',
  'routes',
  'routing-policy',
  'nameservers',
] as const;

/** What bonds, bridges and VRFs are made of exists, belongs to one of them only, and leaves addresses to the whole. */
export function memberRules({ all, byId, owners }: Devices, report: Report): void {
  for (const owner of all) {
    if (!isOwner(owner)) continue;
    const seen = new Set<string>();
    for (const [index, id] of (owner.value.interfaces ?? []).entries()) {
      const path = [owner.section, owner.id, 'interfaces', index];
      const member = byId.get(id);
      const first = owners.get(id);
      if (!member) report(path, `is no device of this document: "${id}"`, { hint: declareHint(id, all) });
      else if (member === owner) report(path, `is the device itself: "${id}"`);
      else if (seen.has(id)) report(path, `is given twice: "${id}"`);
      else if (first && first !== owner)
        report(path, `is already part of ${first.section}.${first.id}: "${id}"`, {
          hint: 'it can be in one place only',
        });
      else unfit(member, owner, path, report);
      seen.add(id);
    }
  }
  for (const member of all) {
    const owner = owners.get(member.id);
    if (!owner || owner === member || owner.section === 'vrfs') continue;
    for (const key of ofItsOwn) {
      const value = member.value[key];
      if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue;
      report([member.section, member.id, key], `cannot be here: ${member.id} is part of ${owner.section}.${owner.id}`, {
        hint: `move it to ${owner.section}.${owner.id}`,
      });
    }
  }
  for (const cycle of cyclesOf(all)) {
    const [device] = cycle;
    if (device)
      report([device.section, device.id], `is on top of itself: ${[...cycle, device].map(({ id }) => id).join(' → ')}`);
  }
}

/** What the kernel does not take. */
function unfit(member: DeviceEntry, owner: OwnerEntry, path: readonly (string | number)[], report: Report): void {
  const { section, id, name } = member;
  if (section === 'vrfs') report(path, `is a VRF, which cannot be part of another device: "${id}"`);
  else if (owner.section !== 'vrfs' && (section === 'tunnels' || name === 'lo'))
    report(path, `carries no Ethernet frames and cannot be part of ${owner.section}.${owner.id}: "${id}"`);
  else if (owner.section === 'bridges' && section === 'bridges')
    report(path, `is a bridge, which cannot be part of a bridge: "${id}"`);
  else if (owner.section === 'bridges' && section === 'wifis')
    report(path, `is a station of a wireless network, which cannot be part of a bridge: "${id}"`);
}

/** What is on top of itself by `interfaces` and `link`, each once. */
function cyclesOf(all: readonly DeviceEntry[]): DeviceEntry[][] {
  const byId = new Map(all.map(device => [device.id, device]));
  const below = (device: DeviceEntry): DeviceEntry[] => {
    const ids = isOwner(device)
      ? (device.value.interfaces ?? [])
      : device.section === 'vlans'
        ? [device.value.link]
        : [];
    return ids.flatMap(id => (id === device.id ? [] : (byId.get(id) ?? [])));
  };
  const done = new Set<DeviceEntry>();
  const cycles: DeviceEntry[][] = [];
  const visit = (device: DeviceEntry, way: readonly DeviceEntry[]): void => {
    const at = way.indexOf(device);
    if (at >= 0) cycles.push(way.slice(at));
    if (at >= 0 || done.has(device)) return;
    for (const next of below(device)) visit(next, [...way, device]);
    done.add(device);
  };
  for (const device of all) visit(device, []);
  return cycles;
}
