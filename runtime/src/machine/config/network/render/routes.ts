import { type DeviceEntry, isDefaultRoute, waysOf } from '../devices.ts';
import type { Device } from '../schema/device.ts';
import { type IniSection, section } from './ini.ts';

export function routeSections(entry: DeviceEntry): IniSection[] {
  const device: Device = entry.value;
  const ways = new Map(waysOf(entry).map(way => [way.path.join('.'), way]));
  return (device.routes ?? []).map((route, index) => {
    const way = ways.get(`routes.${index}`);
    return section('Route', {
      Destination: isDefaultRoute(route.to) ? (way?.family === 6 ? '::/0' : '0.0.0.0/0') : route.to,
      Gateway: route.via,
      GatewayOnLink: route['on-link'] || undefined,
      PreferredSource: route.from,
      Metric: route.metric,
      Scope: route.scope === 'global' ? undefined : (route.scope ?? scopeOf(route.type, route.via, way?.family)),
      Type: route.type === 'unicast' ? undefined : route.type,
      Table: way?.table,
      MTUBytes: route.mtu,
      InitialCongestionWindow: route['congestion-window'],
      InitialAdvertisedReceiveWindow: route['advertised-receive-window'],
      TCPAdvertisedMaximumSegmentSize: route['advertised-mss'],
    });
  });
}

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
