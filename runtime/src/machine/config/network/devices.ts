/** The devices of a network as one list, and how they hang together. */
import { type Cidr, type Ip, parseCidr } from '../../../api/ip.ts';
import type { Device } from './schema/device.ts';
import type { Ethernet, Wifi } from './schema/physical.ts';
import { strictIp } from './schema/values.ts';
import type { Bond, Bridge, Tunnel, Vlan, Vrf } from './schema/virtual.ts';
import type { Network } from './schema.ts';

/** The key of the document that declares devices → what they are. */
interface Sections {
  ethernets: Ethernet;
  wifis: Wifi;
  bonds: Bond;
  bridges: Bridge;
  vlans: Vlan;
  'dummy-devices': Device;
  vrfs: Vrf;
  tunnels: Tunnel;
}
export type Section = keyof Sections;
const sections: readonly Section[] = [
  'ethernets',
  'wifis',
  'bonds',
  'bridges',
  'vlans',
  'dummy-devices',
  'vrfs',
  'tunnels',
];

interface Entry<S extends Section> {
  readonly section: S;
  readonly id: string;
  readonly value: Sections[S];
  /** The interface's name, where it is known before the device is there. */
  readonly name: string | undefined;
}
/** One device; `section` says what it is. */
export type DeviceEntry = { [S in Section]: Entry<S> }[Section];
/** A device that others belong to. */
export type OwnerEntry = Extract<DeviceEntry, { section: 'bonds' | 'bridges' | 'vrfs' }>;

export interface Devices {
  readonly all: readonly DeviceEntry[];
  /** Of two with one name, the first. */
  readonly byId: ReadonlyMap<string, DeviceEntry>;
  /** Member → the bond, bridge or VRF it belongs to; of several, the first. */
  readonly owners: ReadonlyMap<string, OwnerEntry>;
}

export function devicesOf(network: Network): Devices {
  const all = sections.flatMap(section =>
    Object.entries(network[section] ?? {}).map(
      // The section and the type of its values belong together by `Sections`.
      ([id, value]) => ({ section, id, value, name: nameOf(section, id, value) }) as DeviceEntry,
    ),
  );
  const byId = new Map<string, DeviceEntry>();
  for (const device of all) if (!byId.has(device.id)) byId.set(device.id, device);
  const owners = new Map<string, OwnerEntry>();
  for (const device of all)
    if (isOwner(device))
      for (const member of device.value.interfaces ?? []) if (!owners.has(member)) owners.set(member, device);
  return { all, byId, owners };
}

/** What to do where a device is named that is not there: netplan knows devices by their keys, whatever `set-name` calls them. */
export function declareHint(id: string, all: readonly DeviceEntry[]): string {
  const renamed = all.find(({ name }) => name === id);
  return renamed
    ? `write ${renamed.id}, the key of the device that set-name calls ${id}`
    : `declare it, as ethernets: {${id}: {}}`;
}

export function isOwner(device: DeviceEntry): device is OwnerEntry {
  return device.section === 'bonds' || device.section === 'bridges' || device.section === 'vrfs';
}

export function isPhysical(device: DeviceEntry): device is Extract<DeviceEntry, { section: 'ethernets' | 'wifis' }> {
  return device.section === 'ethernets' || device.section === 'wifis';
}

function nameOf(section: Section, id: string, value: Sections[Section]): string | undefined {
  if (section !== 'ethernets' && section !== 'wifis') return id;
  const { match, 'set-name': newName } = value as Ethernet;
  if (newName !== undefined) return newName;
  return match === undefined ? id : undefined;
}

/** One static address as it is written, with its options. */
export interface StaticAddress {
  readonly text: string;
  readonly cidr: Cidr;
  readonly options: { readonly lifetime?: string; readonly label?: string };
  /** Its place in `addresses`. */
  readonly index: number;
}

export function addressesOf(device: Device): StaticAddress[] {
  return (device.addresses ?? []).flatMap((item, index) => {
    const entries = typeof item === 'string' ? [[item, {}] as const] : Object.entries(item);
    return entries.flatMap(([text, options]) => {
      const cidr = parseCidr(text);
      return cidr ? [{ text, cidr, options, index }] : [];
    });
  });
}

/** A default route or another, with where it was written; `gateway4` and `gateway6` are routes too. */
export interface Way {
  readonly path: readonly (string | number)[];
  readonly family: 4 | 6;
  readonly isDefault: boolean;
  readonly to: string;
  readonly via: Ip | undefined;
  readonly table: number | undefined;
  readonly metric: number | undefined;
}

export function waysOf(entry: DeviceEntry): Way[] {
  const device: Device = entry.value;
  const ways: Way[] = [];
  for (const family of [4, 6] as const) {
    const key = family === 4 ? 'gateway4' : 'gateway6';
    const gateway = device[key];
    if (gateway === undefined) continue;
    const via = strictIp(gateway);
    ways.push({ path: [key], family, isDefault: true, to: 'default', via, table: undefined, metric: undefined });
  }
  const vrfTable = entry.section === 'vrfs' ? entry.value.table : undefined;
  for (const [index, route] of (device.routes ?? []).entries()) {
    const via = route.via === undefined ? undefined : strictIp(route.via);
    const target = parseCidr(route.to)?.ip ?? strictIp(route.to);
    ways.push({
      path: ['routes', index],
      family: target?.family ?? via?.family ?? (route.from === undefined ? 4 : (strictIp(route.from)?.family ?? 4)),
      isDefault: isDefaultRoute(route.to),
      to: route.to,
      via,
      table: route.table ?? vrfTable,
      metric: route.metric,
    });
  }
  return ways;
}

export function isDefaultRoute(to: string): boolean {
  return to === 'default' || (to.endsWith('/0') && parseCidr(to)?.length === 0);
}

export const MAIN_TABLE = 254;

/** Whether the device gets addresses of the family from somebody else. */
export function isDynamic(device: Device, family: 4 | 6): boolean {
  return family === 4 ? device.dhcp4 === true : device.dhcp6 === true;
}

/** IPv6 is on where it has link-local addresses (the default), addresses or DHCP. */
export function hasIpv6(device: Device): boolean {
  return (
    (device['link-local'] ?? ['ipv6']).includes('ipv6') ||
    device.dhcp6 === true ||
    addressesOf(device).some(({ cidr }) => cidr.ip.family === 6)
  );
}

const unitsMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

/** A time of netplan in milliseconds; numbers are in `unitMs`. */
export function milliseconds(time: number | string, unitMs: number): number {
  if (typeof time === 'number') return time * unitMs;
  return [...time.matchAll(/(\d+)([a-z]*)/g)].reduce(
    (sum, [, digits, unit]) => sum + Number(digits) * (unit ? (unitsMs[unit] ?? 0) : unitMs),
    0,
  );
}
