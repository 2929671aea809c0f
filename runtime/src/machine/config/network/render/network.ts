import { addressesOf, type DeviceEntry, type Devices, isPhysical } from '../devices.ts';
import type { Device } from '../schema/device.ts';
import { type IniSection, section } from './ini.ts';
import { matchSection } from './link.ts';
import { routeSections, ruleSections } from './routes.ts';

/** The `.network` file of a device: what networkd does with it. Every device is optional, so that a node is Ready without any. */
export function networkSections(device: DeviceEntry, devices: Devices): IniSection[] {
  const { value } = device;
  const owner = devices.owners.get(device.id);
  const isPort = owner !== undefined && owner.section !== 'vrfs';
  return [
    isPhysical(device) ? matchSection(device.id, device.value) : section('Match', { Name: device.id }),
    section('Link', {
      RequiredForOnline: false,
      ActivationPolicy: value['activation-mode'] === 'off' ? 'always-down' : value['activation-mode'],
      MTUBytes: value.mtu,
      MACAddress: value.macaddress?.includes(':') ? value.macaddress.toLowerCase() : undefined,
    }),
    section('Network', isPort ? portSettings(device, devices) : settings(device, devices)),
    ...(isPort ? [] : addressing(device, devices)),
    bridgePort(device, devices),
  ];
}

function settings(device: DeviceEntry, devices: Devices) {
  const value: Device = device.value;
  const linkLocal = value['link-local'] ?? ['ipv6'];
  const ipv6 = linkLocal.includes('ipv6');
  return {
    DHCP: value.dhcp4 ? (value.dhcp6 ? 'yes' : 'ipv4') : value.dhcp6 ? 'ipv6' : undefined,
    LinkLocalAddressing: linkLocal.length === 2 ? 'yes' : (linkLocal[0] ?? 'no'),
    // networkd listens to routers by default only where the machine does not forward, and a node forwards.
    IPv6AcceptRA: value['accept-ra'] ?? ipv6,
    IPv6PrivacyExtensions: value['ipv6-privacy'],
    IPv6MTUBytes: value['ipv6-mtu'],
    EmitLLDP: 'emit-lldp' in value ? Boolean(value['emit-lldp']) : undefined,
    Address: plainAddresses(value),
    Gateway: [value.gateway4, value.gateway6].filter(gateway => gateway !== undefined),
    DNS: value.nameservers?.addresses,
    Domains: value.nameservers?.search?.join(' ') || undefined,
    // A restart of the daemon, or of its server, takes no address away from running pods.
    KeepConfiguration: value.critical ? 'yes' : 'dynamic-on-stop',
    ConfigureWithoutCarrier: value['ignore-carrier'] ?? (isStatic(value) || !isPhysical(device) ? true : undefined),
    ...above(device, devices),
  };
}

/** A part of a bond or a bridge has no addresses: they are the whole's. */
function portSettings(device: DeviceEntry, devices: Devices) {
  return {
    LinkLocalAddressing: 'no',
    IPv6AcceptRA: false,
    EmitLLDP: 'emit-lldp' in device.value ? Boolean(device.value['emit-lldp']) : undefined,
    ConfigureWithoutCarrier: device.value['ignore-carrier'],
    ...above(device, devices),
  };
}

/** What is on the device: VLANs; and what it is part of. */
function above({ id }: DeviceEntry, { all, owners }: Devices) {
  const owner = owners.get(id);
  const primary = owner?.section === 'bonds' ? owner.value.parameters?.primary : undefined;
  return {
    VLAN: all.flatMap(other => (other.section === 'vlans' && other.value.link === id ? [other.id] : [])),
    Bond: owner?.section === 'bonds' ? owner.id : undefined,
    PrimarySlave: primary === id ? true : undefined,
    Bridge: owner?.section === 'bridges' ? owner.id : undefined,
    VRF: owner?.section === 'vrfs' ? owner.id : undefined,
  };
}

export function isStatic(device: Device): boolean {
  return (device.addresses?.length ?? 0) > 0;
}

const hasOptions = (options: object): boolean => Object.keys(options).length > 0;

function plainAddresses(device: Device): string[] {
  return addressesOf(device).flatMap(({ text, options }) => (hasOptions(options) ? [] : [text]));
}

function addressing(device: DeviceEntry, devices: Devices): IniSection[] {
  const value: Device = device.value;
  const wireless = device.section === 'wifis';
  return [
    ...(value.dhcp4 ? [dhcp4(value, wireless)] : []),
    ...(value.dhcp6 ? [dhcp6(value)] : []),
    routerAdvertisements(value, wireless),
    ...addressesOf(value).flatMap(({ text, options: { lifetime, label, ...rest } }) =>
      hasOptions({ lifetime, label, ...rest }) && (lifetime !== undefined || label !== undefined)
        ? [section('Address', { Address: text, PreferredLifetime: lifetime, Label: label })]
        : [],
    ),
    ...routeSections(device, devices),
    ...ruleSections(device),
  ];
}

/** Cables before radio, where both lead out: netplan's metrics. */
const metricOf = (wireless: boolean): number => (wireless ? 600 : 100);

function dhcp4(value: Device, wireless: boolean): IniSection {
  const overrides = value['dhcp4-overrides'] ?? {};
  return section('DHCPv4', {
    // As without a configuration: a node that is configured, or reset, keeps its address.
    ClientIdentifier: value['dhcp-identifier'] ?? 'mac',
    RouteMetric: overrides['route-metric'] ?? metricOf(wireless),
    UseMTU: value.mtu === undefined ? (overrides['use-mtu'] ?? true) : undefined,
    UseRoutes: overrides['use-routes'],
    UseDNS: overrides['use-dns'],
    UseDomains: overrides['use-domains'] ?? true,
    UseNTP: overrides['use-ntp'],
    UseHostname: overrides['use-hostname'],
    SendHostname: overrides['send-hostname'],
    Hostname: overrides.hostname,
  });
}

/** DHCPv6 knows no routes and no MTU: they come from the router, below. */
function dhcp6(value: Device): IniSection {
  const overrides = value['dhcp6-overrides'] ?? {};
  return section('DHCPv6', {
    UseDNS: overrides['use-dns'],
    UseDomains: overrides['use-domains'] ?? true,
    UseNTP: overrides['use-ntp'],
    UseHostname: overrides['use-hostname'],
    SendHostname: overrides['send-hostname'],
    Hostname: overrides.hostname,
  });
}

function routerAdvertisements(value: Device, wireless: boolean): IniSection {
  const overrides = value['ra-overrides'] ?? {};
  const dhcp = value.dhcp6 ? (value['dhcp6-overrides'] ?? {}) : {};
  const token = value['ipv6-address-token'];
  const listens = value['accept-ra'] ?? (value['link-local'] ?? ['ipv6']).includes('ipv6');
  return section(
    'IPv6AcceptRA',
    listens
      ? {
          Token:
            token === undefined
              ? value['ipv6-address-generation'] === 'stable-privacy'
                ? 'prefixstable'
                : undefined
              : `static:${token}`,
          UseDNS: overrides['use-dns'],
          UseDomains: overrides['use-domains'] ?? true,
          UseGateway: dhcp['use-routes'],
          RouteTable: overrides.table,
          RouteMetric: dhcp['route-metric'] ?? (wireless ? metricOf(wireless) : undefined),
        }
      : {},
  );
}

function bridgePort({ id, value }: DeviceEntry, { owners }: Devices): IniSection {
  const owner = owners.get(id);
  const parameters = owner?.section === 'bridges' ? owner.value.parameters : undefined;
  return section('Bridge', {
    Cost: parameters?.['path-cost']?.[id],
    Priority: parameters?.['port-priority']?.[id],
    HairPin: value.hairpin,
    Learning: value['port-mac-learning'],
    NeighborSuppression: value['neigh-suppress'],
  });
}
