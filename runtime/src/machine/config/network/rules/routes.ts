import { cidrContains, type Ip, parseCidr } from '../../../../api/ip.ts';
import type { Report } from '../../types.ts';
import {
  addressesOf,
  type DeviceEntry,
  type Devices,
  isDynamic,
  MAIN_TABLE,
  type OwnerEntry,
  type Way,
  waysOf,
} from '../devices.ts';
import type { Device } from '../schema/device.ts';
import type { PolicyRule, Route } from '../schema/routing.ts';
import { strictIp } from '../schema/values.ts';

type Path = readonly (string | number)[];

/** What has no gateway, as it leads nowhere. */
const withoutGateway: readonly (string | undefined)[] = [
  'blackhole',
  'prohibit',
  'throw',
  'unreachable',
  'local',
  'broadcast',
];

/** Routes can be used: the gateway can be reached, families agree, and of several defaults one is first. */
export function routeRules(devices: Devices, report: Report): void {
  const defaults = new Map<string, string>();
  const own = new Set(devices.all.flatMap(({ value }) => addressesOf(value).map(({ cidr }) => cidr.ip.canonical)));
  for (const device of devices.all) {
    const { section, id, value } = device;
    const at = (...path: Path): Path => [section, id, ...path];
    for (const family of [4, 6] as const) {
      const gateway = value[`gateway${family}`];
      if (gateway !== undefined)
        report(at(`gateway${family}`), 'is deprecated', {
          severity: 'warning',
          hint: `write routes: [{to: default, via: ${family === 6 ? `"${gateway}"` : gateway}}]`,
        });
    }
    for (const [index, route] of (value.routes ?? []).entries())
      routeRule(route, at('routes', index), device, own, report);
    for (const [index, rule] of (value['routing-policy'] ?? []).entries())
      policyRule(rule, at('routing-policy', index), report);
    const seen = new Map<string, number | string>();
    for (const way of waysOf(device)) {
      reachable(way, at(...way.path), device, devices, report);
      const key = [way.family, way.isDefault ? 'default' : way.to, way.table ?? MAIN_TABLE, way.metric ?? ''].join(' ');
      const path = way.path[0] === 'routes' ? at(...way.path, 'to') : at(...way.path);
      const where = way.isDefault ? defaults.get(key) : undefined;
      if (where !== undefined)
        report(path, `is a second default route for IPv${way.family} with the same metric: the first is at ${where}`, {
          hint: 'give them different metrics: the lowest is used',
        });
      else if (seen.has(key)) report(path, `is given twice: "${way.to}"`);
      if (way.isDefault && where === undefined) defaults.set(key, pathText(at(...way.path)));
      seen.set(key, way.to);
    }
  }
}

const pathText = (path: Path): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i ? `.${step}` : step)).join('');

function routeRule(
  route: Route,
  path: Path,
  { value, section }: DeviceEntry,
  own: ReadonlySet<string>,
  report: Report,
): void {
  const to = parseCidr(route.to)?.ip ?? strictIp(route.to);
  const via = route.via === undefined ? undefined : strictIp(route.via);
  const from = route.from === undefined ? undefined : strictIp(route.from);
  if (to && via && to.family !== via.family)
    report([...path, 'via'], `must be of IPv${to.family}, as what the route leads to: "${route.via}"`);
  const family = to?.family ?? via?.family;
  if (from && family !== undefined && from.family !== family)
    report([...path, 'from'], `must be of IPv${family}, as the route: "${route.from}"`);
  else if (
    from &&
    !own.has(from.canonical) &&
    !isDynamic(value, from.family) &&
    !(from.family === 6 && value['accept-ra'] !== false)
  )
    report([...path, 'from'], `is no address of this node: "${route.from}"`);
  if (via && own.has(via.canonical)) report([...path, 'via'], `is this node's own address: "${route.via}"`);
  if (route.scope !== undefined && family === 6) report([...path, 'scope'], 'is for IPv4 only');
  if (via && withoutGateway.includes(route.type))
    report([...path, 'via'], `has no meaning: a route of type ${route.type} has no gateway`);
  if (!via && route.scope === 'global' && (route.type ?? 'unicast') === 'unicast')
    report(path, 'needs via: a route of scope global has a gateway', { hint: 'leave scope out, or set it to link' });
  if (!via && route['on-link'] === true) report([...path, 'on-link'], 'says something about via, which is not there');
  if (section === 'vrfs') return;
  if (route.table === 255) report([...path, 'table'], "must not be 255: that is the kernel's own table");
}

/** A gateway is asked by ARP or NDP, so it must be on the link; where others give the addresses, nobody knows before. */
function reachable({ via, path, family }: Way, at: Path, device: DeviceEntry, devices: Devices, report: Report): void {
  const { value } = device;
  if (!via || via.family !== family || isLinkLocal(via) || isDynamic(value, family)) return;
  const route = path[0] === 'routes' ? value.routes?.[Number(path[1])] : undefined;
  if (route?.['on-link'] === true || device.section === 'tunnels') return;
  const owner = devices.owners.get(device.id);
  if (owner && owner.section !== 'vrfs') return; // Told by the rule about members.
  // A VRF has no network of its own: its members' count.
  const on = device.section === 'vrfs' ? membersOf(device, devices) : [value];
  const subnets = on.flatMap(addressesOf).filter(({ cidr }) => cidr.ip.family === family);
  if (subnets.some(({ cidr }) => cidrContains(cidr, via))) return;
  const onLink = (value.routes ?? []).some(other => {
    const cidr = parseCidr(other.to.includes('/') ? other.to : `${other.to}/${family === 4 ? 32 : 128}`);
    return other.via === undefined && other.to !== 'default' && cidr !== undefined && cidrContains(cidr, via);
  });
  if (onLink) return;
  if (
    device.section !== 'vrfs' &&
    family === 6 &&
    (value['accept-ra'] === true || (subnets.length === 0 && value['accept-ra'] !== false))
  )
    return;
  const where = route === undefined ? at : [...at, 'via'];
  const known = subnets.map(({ cidr }) => cidr.canonical).join(', ');
  report(
    where,
    known === ''
      ? `cannot be reached: ${device.id} has no IPv${family} address`
      : `is in no network of ${device.id} (${known}): "${via.canonical}"`,
    { hint: known === '' ? `give ${device.id} an address in its network` : 'correct it, or say on-link: true' },
  );
}

const membersOf = ({ value }: OwnerEntry, { byId }: Devices): Device[] =>
  (value.interfaces ?? []).flatMap(id => byId.get(id)?.value ?? []);

const isLinkLocal = (ip: Ip): boolean => ip.family === 6 && ip.bits >> 118n === 0x3fan;

function policyRule({ from, to }: PolicyRule, path: Path, report: Report): void {
  if (from === undefined && to === undefined)
    report(path, 'must say from or to', { hint: 'from: 0.0.0.0/0 stands for everything' });
  const familyOf = (text: string): number | undefined => (parseCidr(text)?.ip ?? strictIp(text))?.family;
  if (from !== undefined && to !== undefined && familyOf(from) !== familyOf(to))
    report([...path, 'to'], `must be of the same family as from: "${to}"`);
}
