import { cidrContains, type Ip } from '../../../../api/ip.ts';
import { addressesOf, type DeviceEntry, type Devices, isDefaultRoute, type Way, waysOf } from '../devices.ts';
import type { Device } from '../schema/device.ts';
import { type IniSection, section } from './ini.ts';

/**
 * A VRF's routes with a gateway are the member's whose network the gateway is in: the kernel sends packets out of the member, the VRF
 * only chooses the table.
 */
export function routeSections(entry: DeviceEntry, { byId, owners }: Devices): IniSection[] {
  const vrf = owners.get(entry.id);
  const ofVrf =
    vrf?.section === 'vrfs' ? sectionsOf(vrf, entry.value, ({ via }) => memberOf(vrf, via)?.id === entry.id) : [];
  return [...sectionsOf(entry, entry.value, ({ via }) => memberOf(entry, via) === undefined), ...ofVrf];

  function memberOf(owner: DeviceEntry, via: Ip | undefined): DeviceEntry | undefined {
    if (owner.section !== 'vrfs' || via === undefined) return undefined;
    const members = (owner.value.interfaces ?? []).flatMap(id => byId.get(id) ?? []);
    return members.find(({ value }) => addressesOf(value).some(({ cidr }) => cidrContains(cidr, via)));
  }
}

/** @param on the device packets leave by */
function sectionsOf(entry: DeviceEntry, on: Device, counts: (way: Way) => boolean): IniSection[] {
  const ways = new Map(waysOf(entry).map(way => [way.path.join('.'), way]));
  const device: Device = entry.value;
  return (device.routes ?? []).flatMap((route, index) => {
    const way = ways.get(`routes.${index}`);
    if (!way || !counts(way)) return [];
    // Nobody knows before which network DHCP or a router gives: the gateway is taken to be on the link.
    const onLink = route['on-link'] || (way.via && !hasAddress(on, way.family));
    return [
      section('Route', {
        Destination: isDefaultRoute(route.to) ? (way.family === 6 ? '::/0' : '0.0.0.0/0') : route.to,
        Gateway: route.via,
        GatewayOnLink: onLink || undefined,
        PreferredSource: route.from,
        Metric: route.metric,
        Scope: route.scope === 'global' ? undefined : (route.scope ?? scopeOf(route.type, route.via, way.family)),
        Type: route.type === 'unicast' ? undefined : route.type,
        Table: way.table,
        MTUBytes: route.mtu,
        InitialCongestionWindow: route['congestion-window'],
        InitialAdvertisedReceiveWindow: route['advertised-receive-window'],
        TCPAdvertisedMaximumSegmentSize: route['advertised-mss'],
      }),
    ];
  });
}

const hasAddress = (device: Device, family: 4 | 6): boolean =>
  addressesOf(device).some(({ cidr }) => cidr.ip.family === family);

/** netplan's defaults; IPv6 has no scopes. */
function scopeOf(type = 'unicast', via: string | undefined, family: 4 | 6 | undefined): string | undefined {
  if (family === 6) return undefined;
  if (type === 'local') return 'host';
  const isLink = type === 'unicast' ? via === undefined : ['broadcast', 'multicast', 'anycast'].includes(type);
  return isLink ? 'link' : undefined;
}

export function ruleSections(entry: DeviceEntry): IniSection[] {
  const device: Device = entry.value;
  const vrfTable = entry.section === 'vrfs' ? entry.value.table : undefined;
  return (device['routing-policy'] ?? []).map(rule =>
    section('RoutingPolicyRule', {
      From: rule.from,
      To: rule.to,
      Table: rule.table ?? vrfTable,
      Priority: rule.priority,
      FirewallMark: rule.mark,
      TypeOfService: rule['type-of-service'],
    }),
  );
}
