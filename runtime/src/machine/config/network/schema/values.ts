/** What single values of a network may be: addresses, ranges, names of interfaces, times. */
import { type Ip, parseCidr, parseIp } from '../../../../api/ip.ts';
import { CIDR, exactly, IP, IP4, IP6, MAC } from '../../like.ts';
import { either, integer, type Shape, type TextShape, text } from '../../shape.ts';

/** The kernel's IFNAMSIZ without the final zero. */
export const MAX_INTERFACE_NAME = 15;

/** An address without a prefix length; IPv4 written in IPv6 and octets such as `010` are no addresses here. */
export function strictIp(value: string): Ip | undefined {
  const ip = parseIp(value);
  return ip && !ip.leadingZeros && !ip.mapped ? ip : undefined;
}

function refuseIp(value: string): string | undefined {
  if (strictIp(value)) return undefined;
  if (value.includes('/') && parseCidr(value)) return 'must be an address without a prefix length';
  return 'must be an IPv4 or IPv6 address';
}

export const address = (): Shape<string> =>
  text({ refuse: refuseIp, like: exactly(IP), perhaps: () => ['192.0.2.1', '2001:db8::1'] });
export const address4 = (): Shape<string> =>
  text({
    like: exactly(IP4),
    refuse: value => (strictIp(value)?.family === 4 ? undefined : 'must be an IPv4 address'),
  });
export const address6 = (): Shape<string> =>
  text({
    like: exactly(IP6),
    refuse: value => (strictIp(value)?.family === 6 ? undefined : 'must be an IPv6 address'),
  });

/** Why an address with a prefix length cannot be an interface's, or undefined. */
export function refuseInterfaceAddress(value: string): string | undefined {
  const cidr = parseCidr(value);
  if (!cidr || cidr.leadingZeros || cidr.ip.mapped) {
    const ip = strictIp(value);
    if (ip) return `must end with the length of its network, as ${value}/${ip.family === 4 ? 24 : 64}`;
    return 'must be an address with the length of its network, as 192.0.2.10/24 or 2001:db8::10/64';
  }
  const { ip, length } = cidr;
  if (ip.bits === 0n) return 'stands for every address';
  if (isMulticast(ip)) return 'is the address of a group, not of one machine';
  const width = ip.family === 4 ? 32 : 128;
  if (ip.family === 4 && length < 31) {
    const host = ip.bits - cidr.first;
    if (host === 0n) return 'is the network itself, not an address in it';
    if (host === (1n << BigInt(width - length)) - 1n) return 'is the broadcast address of its network';
  }
  return undefined;
}

/** An address that is wrong may be in the network of any gateway. */
export const inAnyNetwork = (text: string): readonly string[] => [
  ...(strictIp(text) ? [`${text}/0`] : []),
  '192.0.2.10/0',
  '2001:db8::10/0',
];

export function isMulticast(ip: Ip): boolean {
  return ip.family === 4 ? ip.bits >> 28n === 0xen : ip.bits >> 120n === 0xffn;
}

/** `addr/prefixlen` or `addr`, as routes and policy rules take it. */
export const range = (): Shape<string> =>
  text({
    like: exactly(`${IP}|${CIDR}`),
    refuse: value => {
      const cidr = parseCidr(value);
      if (!cidr) return strictIp(value) ? undefined : 'must be a network such as 192.0.2.0/24';
      if (cidr.leadingZeros || cidr.ip.mapped) return 'must be a network such as 192.0.2.0/24';
      return cidr.beyond ? `has bits beyond its length: write ${cidr.canonical}` : undefined;
    },
  });

/** Where a route leads to: `default`, a network or an address. */
export const destination = (): Shape<string> =>
  text({
    like: exactly(`default|${IP}|${CIDR}`),
    // One of them leads to any gateway.
    perhaps: () => ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'],
    refuse: value => {
      if (value === 'default') return undefined;
      const cidr = parseCidr(value);
      if (!cidr && strictIp(value)) return undefined;
      if (!cidr || cidr.leadingZeros || cidr.ip.mapped)
        return 'must be "default", a network such as 192.0.2.0/24 or an address';
      return cidr.beyond ? `has bits beyond its length: write ${cidr.canonical}` : undefined;
    },
  });

export const hardwareAddress = (): Shape<string> =>
  text({ pattern: exactly(MAC), meaning: 'a MAC address such as 52:54:00:12:34:56' });

/** An address an interface can be given: of one machine, not all zeros. */
export const ownHardwareAddress = (): Shape<string> =>
  text({
    like: exactly(`permanent|random|(?![\\da-fA-F][13579bdfBDF])${MAC}`),
    refuse: value => {
      if (value === 'permanent' || value === 'random') return undefined;
      if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value))
        return 'must be "permanent", "random" or a MAC address of six bytes in hexadecimal';
      if (Number.parseInt(value.slice(0, 2), 16) & 1) return 'is the address of a group, not of one machine';
      return /^[0:]+$/.test(value) ? 'is no address: all zeros' : undefined;
    },
  });

/** Why the kernel or networkd would not take the name, or undefined. */
export function refuseInterfaceName(name: string): string | undefined {
  if (name.length > MAX_INTERFACE_NAME)
    return `is longer than the ${MAX_INTERFACE_NAME} characters an interface's name can have`;
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(name)) return 'must be letters, digits, ".", "_", "-" and "@"';
  if (/^\d+$/.test(name)) return 'is a number alone';
  if (['all', 'default', 'none', 'any', 'lo'].includes(name)) return 'is a word with a meaning of its own';
  return undefined;
}

/** Keys of mappings of devices: their names, or where `match` chooses the device any word. They become names of files. */
export const deviceId: TextShape = {
  kind: 'text',
  lenient: true,
  maxLength: 64,
  like: /^(?!renderer$)[A-Za-z0-9_][A-Za-z0-9_.@-]*$/,
  refuse: id => {
    if (id === 'renderer') return 'belongs under network: one renderer is for all devices';
    if (/[*?[\]]/.test(id))
      return 'is a pattern: give the device a word of your own, and the pattern as match: {name: ...}';
    return /^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(id) ? undefined : 'must be letters, digits, ".", "_", "-" and "@"';
  },
};

/** The name of another device of this document. */
export const reference = (): Shape<string> => text({ lenient: true, maxLength: 64 });

const timePattern = /^(?=.)(\d+(us|ms|s|sec|m|min|h|hour|d|day)? ?)+$/;

/** A number in the key's own unit, or text with units: `100`, `1s`, `500ms`. */
export const time = (): Shape<number | string> =>
  either(integer(0, 4_294_967_295), text({ pattern: timePattern, meaning: 'a time such as 100, 500ms or 2s' }));

/** A host or domain name of DNS (RFC 1123), with an underscore where people use it. */
export const domain = (): Shape<string> =>
  text({
    maxLength: 254,
    pattern: /^(~?\.|~?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+)$/,
    meaning: 'a domain such as example.org',
  });
