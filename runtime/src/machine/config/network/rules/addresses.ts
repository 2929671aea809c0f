import { type Cidr, cidrContains } from '../../../../api/ip.ts';
import type { Report } from '../../types.ts';
import { addressesOf, type DeviceEntry, type Devices, type StaticAddress } from '../devices.ts';

interface Taken {
  readonly address: StaticAddress;
  readonly device: DeviceEntry;
}

const isLoopback = ({ ip }: Cidr): boolean => (ip.family === 4 ? ip.bits >> 24n === 127n : ip.bits === 1n);
const isLinkLocal = ({ ip }: Cidr): boolean =>
  ip.family === 4 ? ip.bits >> 16n === 0xa9fen : ip.bits >> 118n === 0x3fan;
const isHost = ({ ip, length }: Cidr): boolean => length === (ip.family === 4 ? 32 : 128);

/** Every address is on one interface only, and of a network no other interface is in. */
export function addressRules({ all, owners }: Devices, report: Report): void {
  const taken: Taken[] = [];
  for (const device of all) {
    const { section, id, value } = device;
    for (const [index, item] of (value.addresses ?? []).entries())
      if (typeof item !== 'string' && Object.keys(item).length !== 1)
        report([section, id, 'addresses', index], 'must be one address with its options', {
          hint: 'put a dash before each address',
        });
    const vrf = vrfOf(device, owners);
    for (const address of addressesOf(value)) {
      const { cidr, text, index, options } = address;
      const path = [section, id, 'addresses', index];
      if (isLoopback(cidr) && device.name !== 'lo')
        report(path, `is an address every machine has for itself: "${text}"`);
      if (options.label !== undefined && cidr.ip.family === 6)
        report([...path, text, 'label'], 'is for IPv4 only: IPv6 addresses have no label');
      const same = taken.find(other => other.address.cidr.ip.canonical === cidr.ip.canonical && !isLinkLocal(cidr));
      if (same?.device === device) report(path, `is given twice: "${text}"`);
      else if (same && vrfOf(same.device, owners) === vrf)
        report(path, `is already an address of ${same.device.section}.${same.device.id}: "${text}"`);
      else if (!isHost(cidr) && !isLinkLocal(cidr)) warnOverlap(path, address, device, vrf);
      taken.push({ address, device });
    }
  }

  function warnOverlap(
    path: readonly (string | number)[],
    { cidr, text }: StaticAddress,
    device: DeviceEntry,
    vrf: string,
  ) {
    const other = taken.find(
      ({ address, device: owner }) =>
        owner !== device &&
        vrfOf(owner, owners) === vrf &&
        !isHost(address.cidr) &&
        (cidrContains(cidr, address.cidr.ip) || cidrContains(address.cidr, cidr.ip)),
    );
    if (!other) return;
    report(path, `overlaps with ${other.address.text} of ${other.device.section}.${other.device.id}: "${text}"`, {
      severity: 'warning',
      hint: 'answers may leave through the wrong interface: give each interface a network of its own',
    });
  }
}

function vrfOf({ id }: DeviceEntry, owners: Devices['owners']): string {
  const owner = owners.get(id);
  return owner?.section === 'vrfs' ? owner.id : '';
}
