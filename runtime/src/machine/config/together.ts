/**
 * What several documents must be together: the network a node is on, and the networks of its cluster. Each document is right by
 * itself when this looks at it.
 */
import { type Cidr, cidrContains, type Ip, parseCidr, parseIp } from '../../api/ip.ts';
import { addressesOf, type DeviceEntry, devicesOf, waysOf } from './network/devices.ts';
import { type NetworkDocument, networkOf } from './network/schema.ts';
import type { AtollSection } from './sections/atoll.ts';
import { clusterRanges, overlap } from './sections/atollRanges.ts';
import type { Place, Report } from './types.ts';

export interface Together {
  readonly atoll: AtollSection;
  readonly network: NetworkDocument;
  /** Where a key of the section `atoll` stands; undefined where it is not given. */
  readonly placeOf: (name: string) => Place | undefined;
}

/**
 * The server ends where the machine has not the address it is to listen on, and is started again until it has. Addresses come and go at
 * any boot, and listening on another one would show the API to whom it is not for: so it is told, and neither refused nor replaced.
 * @param report shows its problems in the section `atoll`
 */
export function boundAddress({ atoll, network }: Pick<Together, 'atoll'> & Partial<Together>, report: Report): void {
  const address = atoll['bind-address'];
  const ip = address === undefined ? undefined : parseIp(address);
  if (!ip || ip.bits === 0n || ['127.0.0.0/8', '::1/128'].some(own => overlap(`${ip.canonical}/${lengthOf(ip)}`, own)))
    return;
  const devices = network ? devicesOf(networkOf(network).network).all : [];
  if (devices.some(({ value }) => addressesOf(value).some(({ cidr }) => cidr.ip.canonical === ip.canonical))) return;
  report(
    ['bind-address'],
    `${address} is no address of network-config: there is no API while the machine does not have it`,
    {
      severity: 'warning',
      hint: 'give the machine this address in network-config, or leave bind-address out',
    },
  );
}
const lengthOf = ({ family }: Ip): number => (family === 4 ? 32 : 128);

/**
 * Addresses of pods and services are taken before any route is: what the node's own network has of them cannot be reached.
 * @param report shows its problems in `network-config`
 */
export function clusterAndNetwork({ atoll, network, placeOf }: Together, report: Report): void {
  // The ranges are the server's to choose; an agent does not know them.
  if (atoll.role === 'agent') return;
  const { network: body, path } = networkOf(network);
  const devices = devicesOf(body).all;
  const taken = devices.flatMap(networksOf);
  const ranges = clusterRanges(atoll);
  taken.push(...ranges.map(({ value }) => value));
  for (const { name, value, what, given } of ranges) {
    const place = given ? placeOf(name) : undefined;
    const said = `atoll.${name} is ${value}, ${place ? `line ${place.line} of ${place.document} (${place.location})` : 'the default'}`;
    const free = freeRange(taken);
    const hint = `give ${what} another range: in user-data, atoll: {${name}: ${free}}`;
    let found = false;
    for (const device of devices) {
      const at = (...steps: readonly (string | number)[]) => [...path, device.section, device.id, ...steps];
      for (const { text, index } of addressesOf(device.value))
        if (overlap(text, value)) {
          found = true;
          report(at('addresses', index), `"${text}" shares addresses with ${what}: ${said}`, { hint });
        }
      for (const way of waysOf(device)) {
        const to = targetOf(way.to);
        if (way.isDefault || to === undefined || !overlap(to, value)) continue;
        found = true;
        // A route to a company's whole range says little of where machines are; one inside of the range does.
        const wider = isWider(to, value);
        report(
          at(...way.path, 'to'),
          wider
            ? `"${way.to}" holds the addresses of ${what}, which it does not lead to: ${said}`
            : `"${way.to}" shares addresses with ${what}: ${said}`,
          { severity: wider ? 'warning' : 'error', hint },
        );
      }
      for (const [i, server] of (device.value.nameservers?.addresses ?? []).entries())
        if (overlap(`${server}/32`, value)) {
          found = true;
          report(at('nameservers', 'addresses', i), `"${server}" is an address of ${what}: ${said}`, { hint });
        }
    }
    if (found) taken.push(free);
  }
}

/** Networks of IPv4 that a device is in or leads to. */
const networksOf = (device: DeviceEntry): string[] => [
  ...addressesOf(device.value).map(({ text }) => text),
  ...waysOf(device).flatMap(({ isDefault, to }) => (isDefault ? [] : (targetOf(to) ?? []))),
];

/** A route to one machine is written without a length. */
function targetOf(to: string): string | undefined {
  const alone = parseIp(to);
  if (alone) return `${alone.canonical}/${alone.family === 4 ? 32 : 128}`;
  return parseCidr(to) ? to : undefined;
}

function isWider(to: string, range: string): boolean {
  const [outer, inner]: readonly (Cidr | undefined)[] = [parseCidr(to), parseCidr(range)];
  return outer !== undefined && inner !== undefined && outer.length < inner.length && cidrContains(outer, inner.ip);
}

/** RFC 1918's, in blocks as large as the defaults. */
const candidates: readonly string[] = [
  ...Array.from({ length: 200 }, (_, i) => `10.${42 + i}.0.0/16`),
  ...Array.from({ length: 16 }, (_, i) => `172.${16 + i}.0.0/16`),
];
const freeRange = (taken: readonly string[]): string =>
  candidates.find(candidate => !taken.some(other => overlap(candidate, other))) ?? '192.168.0.0/16';
