/** What is wrong with addresses and ranges, in upstream's words (apimachinery's `util/validation/ip.go`, with strict validation). */
import { parseCidr, parseIp } from '../ip.ts';
import { invalid } from './errors.ts';
import type { FieldError } from './kind.ts';

const IP_TEXT = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const CIDR_TEXT = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** @param kept values of the old object, which stay allowed whatever they are. */
export function looseIpErrors(field: string, value: string, kept: readonly string[] = []): FieldError[] {
  if (kept.includes(value)) return [];
  const ip = parseIp(value);
  if (!ip) return [invalid(field, value, IP_TEXT)];
  const errors: FieldError[] = [];
  if (ip.leadingZeros) errors.push(invalid(field, value, 'must not have leading 0s'));
  if (ip.mapped) errors.push(invalid(field, value, 'must not be an IPv4-mapped IPv6 address'));
  return errors;
}

/** For newer fields: the canonical form and no other. */
export function ipErrors(field: string, value: string): FieldError[] {
  const errors = looseIpErrors(field, value);
  const canonical = parseIp(value)?.canonical;
  if (errors.length === 0 && canonical !== value)
    errors.push(invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`));
  return errors;
}

/** @param kept values of the old object, which stay allowed whatever they are. */
export function looseCidrErrors(field: string, value: string, kept: readonly string[] = []): FieldError[] {
  if (kept.includes(value)) return [];
  const range = parseCidr(value);
  if (!range) return [invalid(field, value, CIDR_TEXT)];
  if (range.leadingZeros) return [invalid(field, value, 'must not have leading 0s in IP or prefix length')];
  if (range.ip.mapped) return [invalid(field, value, 'must not have an IPv4-mapped IPv6 address')];
  if (range.beyond) return [invalid(field, value, 'must not have bits set beyond the prefix length')];
  return [];
}

/** For newer fields: the canonical form and no other. */
export function cidrErrors(field: string, value: string): FieldError[] {
  const errors = looseCidrErrors(field, value);
  const canonical = parseCidr(value)?.canonical;
  if (errors.length === 0 && canonical !== value)
    errors.push(invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`));
  return errors;
}

/** What warns of a valid value in an unusual form; `path` is named in the text. */
export function ipWarnings(path: string, value: string): string[] {
  const ip = parseIp(value);
  if (!ip || ip.canonical === value) return [];
  if (ip.family === 6)
    return [`${path}: IPv6 address "${value}" should be in RFC 5952 canonical format ("${ip.canonical}")`];
  return [`${path}: non-standard IP address "${value}" is invalid: use "${ip.canonical}"`];
}

export function cidrWarnings(path: string, value: string): string[] {
  const range = parseCidr(value);
  if (!range || range.canonical === value) return [];
  if (range.beyond) {
    const single = `${range.ip.canonical}/${range.ip.family === 4 ? 32 : 128}`;
    return [
      `${path}: CIDR value "${value}" is ambiguous in this context (should be "${range.canonical}" or "${single}"?)`,
    ];
  }
  if (range.leadingZeros || range.ip.mapped)
    return [`${path}: non-standard CIDR value "${value}" is invalid: use "${range.canonical}"`];
  return [`${path}: IPv6 CIDR value "${value}" should be in RFC 5952 canonical format ("${range.canonical}")`];
}

/**
 * Addresses that no endpoint and no external address may be.
 * Upstream: `ValidateNonSpecialIP` of core's validation.
 */
export function specialIpErrors(field: string, value: string): FieldError[] {
  const ip = parseIp(value);
  if (!ip) return [invalid(field, value, 'must be a valid IP address')];
  const { family, bits } = ip;
  const six = family === 6;
  const top = (count: number): bigint => bits >> BigInt((six ? 128 : 32) - count);
  if (bits === 0n) return [invalid(field, value, `may not be unspecified (${value})`)];
  if (six ? bits === 1n : top(8) === 127n)
    return [invalid(field, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  if (six ? top(10) === 0x3fan : top(16) === 0xa9fen)
    return [invalid(field, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  if (six ? top(8) === 0xffn && (top(16) & 0xfn) === 2n : top(24) === 0xe00000n)
    return [invalid(field, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
  return [];
}
