/**
 * IP addresses and CIDR ranges as text, read the two ways the API reads them: as Kubernetes always has (leading zeros, IPv4 in
 * IPv6), with what a stricter reader would object to noted beside it (KEP-4858).
 */

export interface Ip {
  /** What the address means: IPv4 written as `::ffff:1.2.3.4` is of family 4. */
  readonly family: 4 | 6;
  readonly bits: bigint;
  /** `1.2.3.4`, `2001:db8::1`: RFC 5952. */
  readonly canonical: string;
  /** An octet is written as `010`, which some read as octal. */
  readonly leadingZeros: boolean;
  /** IPv4, written as IPv6. */
  readonly mapped: boolean;
}

export interface Cidr {
  readonly ip: Ip;
  readonly length: number;
  /** The range without bits beyond its length: `10.0.0.0/8` for `10.1.2.3/8`. */
  readonly canonical: string;
  /** The first address of the range. */
  readonly first: bigint;
  readonly leadingZeros: boolean;
  /** Whether bits beyond the length are set. */
  readonly beyond: boolean;
}

const MAPPED_PREFIX = 0xffffn << 32n;
const widthOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

function parse4(text: string): { readonly bits: bigint; readonly leadingZeros: boolean } | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let bits = 0n;
  let leadingZeros = false;
  for (const octet of octets) {
    if (!/^\d{1,}$/.test(octet) || Number(octet) > 255) return undefined;
    if (octet.length > 1 && octet.startsWith('0')) leadingZeros = true;
    bits = (bits << 8n) | BigInt(Number(octet));
  }
  return { bits, leadingZeros };
}

function format4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => String((bits >> shift) & 0xffn)).join('.');
}

/** The longest run of two or more zero groups becomes `::`, the first of equals. */
function format6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = (part: readonly number[]): string => part.map(group => group.toString(16)).join(':');
  if (best.at < 0) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

/** One side of `::`; an IPv4 address may be the end. */
function groupsOf(
  text: string,
  last: boolean,
): { readonly groups: bigint[]; readonly leadingZeros: boolean } | undefined {
  if (text === '') return { groups: [], leadingZeros: false };
  const groups: bigint[] = [];
  let leadingZeros = false;
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parse4(part);
      if (!v4) return undefined;
      leadingZeros = v4.leadingZeros;
      groups.push(v4.bits >> 16n, v4.bits & 0xffffn);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return { groups, leadingZeros };
}

function parse6(text: string): { readonly bits: bigint; readonly leadingZeros: boolean } | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const [left = '', right] = sides;
  const head = groupsOf(left, right === undefined);
  const tail = groupsOf(right ?? '', true);
  if (!head || !tail) return undefined;
  const missing = 8 - head.groups.length - tail.groups.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head.groups, ...Array.from({ length: missing }, () => 0n), ...tail.groups];
  return {
    bits: groups.reduce((bits, group) => (bits << 16n) | group, 0n),
    leadingZeros: head.leadingZeros || tail.leadingZeros,
  };
}

/** `undefined` for what is no address; addresses with a zone (`fe80::1%eth0`) are none. */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(':')) {
    const v4 = parse4(text);
    return v4 && { family: 4, mapped: false, canonical: format4(v4.bits), ...v4 };
  }
  const v6 = parse6(text);
  if (!v6) return undefined;
  if (v6.bits >> 32n === MAPPED_PREFIX >> 32n) {
    const bits = v6.bits & 0xffffffffn;
    return { family: 4, mapped: true, bits, canonical: format4(bits), leadingZeros: v6.leadingZeros };
  }
  return { family: 6, mapped: false, canonical: format6(v6.bits), ...v6 };
}

/** `undefined` for what is no range: `10.0.0.0/8`, `2001:db8::/64`. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (!ip || !/^\d+$/.test(bits)) return undefined;
  const written = Number(bits);
  const length = ip.mapped ? written - 96 : written;
  if (length < 0 || length > widthOf(ip.family)) return undefined;
  const host = BigInt(widthOf(ip.family) - length);
  const first = (ip.bits >> host) << host;
  return {
    ip,
    length,
    first,
    canonical: `${ip.family === 4 ? format4(first) : format6(first)}/${length}`,
    leadingZeros: ip.leadingZeros || (bits.length > 1 && bits.startsWith('0')),
    beyond: first !== ip.bits,
  };
}

/** Whether the address `bits` of the same family lies in the range. */
export function cidrContains(range: Cidr, ip: Ip): boolean {
  if (range.ip.family !== ip.family) return false;
  const host = BigInt(widthOf(ip.family) - range.length);
  return ip.bits >> host === range.first >> host;
}
