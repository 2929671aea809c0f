/** Routes and rules of policy routing, netplan's words. */
import { boolean, field, type Infer, integer, list, mapping, oneOf } from '../../shape.ts';
import { address, destination, range } from './values.ts';

const UINT32 = 4_294_967_295;
const table = () => integer(1, UINT32, 'the number of a routing table');

/** Of netplan's, nat and xresolve are left out: the kernel knows their names only. */
export const routeTypes = [
  'unicast',
  'anycast',
  'blackhole',
  'broadcast',
  'local',
  'multicast',
  'prohibit',
  'throw',
  'unreachable',
] as const;

export const route = mapping({
  to: field(destination(), 'where the route leads: default, a network or an address', { required: true }),
  via: field(address(), 'the gateway'),
  from: field(address(), 'the source address of what takes this route'),
  'on-link': field(boolean(), 'the gateway is on this link even if no address says so'),
  metric: field(integer(0, UINT32), 'of several routes to the same place the one with the lowest is used'),
  type: field(oneOf(...routeTypes), 'what happens to packets; unicast by default'),
  scope: field(oneOf('global', 'link', 'host'), 'how far the destination is (IPv4)'),
  table: field(table(), 'the routing table; the main one by default'),
  mtu: field(integer(68, 65_535), 'the largest packet, in bytes'),
  'congestion-window': field(integer(1, 1023), 'the first congestion window, in segments'),
  'advertised-receive-window': field(integer(1, 1023), 'the first receive window, in segments'),
  'advertised-mss': field(integer(1, UINT32), 'the largest TCP segment to announce, in bytes'),
});
export type Route = Infer<typeof route>;

export const policyRule = mapping({
  from: field(range(), 'packets from this network'),
  to: field(range(), 'packets to this network'),
  table: field(table(), 'the table that is looked into'),
  priority: field(integer(0, UINT32), 'rules are tried from the lowest'),
  mark: field(integer(1, UINT32), 'packets with this firewall mark'),
  'type-of-service': field(integer(0, 255), 'packets with this type of service'),
});
export type PolicyRule = Infer<typeof policyRule>;

export const routes = () => list(route, { maxItems: 1024 });
export const policyRules = () => list(policyRule, { maxItems: 1024 });
