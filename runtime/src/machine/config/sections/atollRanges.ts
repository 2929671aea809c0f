/** The ranges of addresses that a cluster takes for itself. */
import { cidrContains, parseCidr, parseIp } from '../../../api/ip.ts';
import type { AtollSection } from './atoll.ts';

const defaults = { 'cluster-cidr': '10.42.0.0/16', 'service-cidr': '10.43.0.0/16' } as const;

export interface ClusterRange {
  readonly name: keyof typeof defaults;
  readonly value: string;
  /** Whose addresses they are. */
  readonly what: 'pods' | 'services';
  /** It is in the configuration; false: the default. */
  readonly given: boolean;
}

export const clusterRanges = (atoll: AtollSection): readonly [pods: ClusterRange, services: ClusterRange] => [
  rangeOf(atoll, 'cluster-cidr', 'pods'),
  rangeOf(atoll, 'service-cidr', 'services'),
];

function rangeOf(atoll: AtollSection, name: ClusterRange['name'], what: ClusterRange['what']): ClusterRange {
  const value = atoll[name];
  return { name, what, value: value ?? defaults[name], given: value !== undefined };
}

/** `cluster-cidr 10.42.0.0/16`, and whether somebody chose it. */
export const rangeText = ({ name, value, given }: ClusterRange): string =>
  `${name} ${value}${given ? '' : ', the default'}`;

/** Whether two ranges of one family have an address in common; bits beyond their lengths do not count. */
export function overlap(a: string, b: string): boolean {
  const [one, other] = [parseCidr(a), parseCidr(b)];
  return one !== undefined && other !== undefined && (cidrContains(one, other.ip) || cidrContains(other, one.ip));
}

export function inRange(range: string, address: string): boolean {
  const [cidr, ip] = [parseCidr(range), parseIp(address)];
  return cidr !== undefined && ip !== undefined && cidrContains(cidr, ip);
}
