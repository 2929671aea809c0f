/** The values that options of Kubernetes and K3s have, as shapes: each says of a text what is wrong with it. */
import { cidrContains, type Ip, parseCidr, parseIp } from '../../../api/ip.ts';
import { forbiddenLabels } from '../../../api/nodeLabels.ts';
import { parseToken, TokenError } from '../../token.ts';
import { exactly, IP, IP4, LOOSE_IP, severalOf } from '../like.ts';
import { either, list, type Shape, text } from '../shape.ts';
import { looksLikeAddress } from './cloudInitWords.ts';

const DNS_LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
/** RFC 1123 subdomain: names of nodes and of most objects. */
export const DNS_NAME = new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})*$`);
const HOST_NAME = new RegExp(`^(\\*\\.)?${DNS_LABEL}(\\.${DNS_LABEL})*\\.?$`, 'i');
const isHostName = (name: string): boolean => HOST_NAME.test(name) && !looksLikeAddress(name);
const LABEL_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** As K3s takes them: one, several joined by commas, or a list. */
export const several = (of: Shape<string>): Shape<string | readonly string[]> => either(of, list(of));

/** The values of {@link several}, one by one. */
export const each = (value: string | readonly string[] | undefined): readonly string[] =>
  (value === undefined ? [] : typeof value === 'string' ? [value] : value)
    .flatMap(part => part.split(','))
    .map(part => part.trim())
    .filter(part => part !== '');

/** What `refuse` says of the first of several values joined by commas. */
const ofEach =
  (refuse: (part: string) => string | undefined) =>
  (value: string): string | undefined => {
    const parts = each(value);
    if (parts.length === 0) return 'must not be empty';
    for (const part of parts) {
      const why = refuse(part);
      if (why !== undefined) return parts.length > 1 ? `"${part}": ${why}` : why;
    }
    return undefined;
  };

/** The key of a label, annotation or taint: `example.com/zone`. */
function wrongKey(key: string): string | undefined {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2 || !LABEL_PART.test(name))
    return `the key "${key}" must be like example.com/zone: letters, digits, "-", "_", ".", at most 63`;
  if (parts.length === 2 && !DNS_NAME.test(parts[0] ?? '')) return `"${parts[0]}" in "${key}" is no DNS name`;
  return undefined;
}

const wrongValue = (value: string): string | undefined =>
  value === '' || LABEL_PART.test(value)
    ? undefined
    : `the value "${value}" must be letters, digits, "-", "_", ".", at most 63`;

export function wrongLabel(pair: string): string | undefined {
  const at = pair.indexOf('=');
  if (at < 1) return 'must be KEY=VALUE';
  const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
  const wrong = wrongKey(key) ?? wrongValue(value);
  if (wrong !== undefined) return wrong;
  return forbiddenLabels({ [key]: value }, undefined).length > 0
    ? `a node may not give itself ${key}: give it with kubectl label node, or use a key of your own`
    : undefined;
}

export function wrongTaint(taint: string): string | undefined {
  const match = /^([^=:]+)(?:=([^:]*))?:(.*)$/.exec(taint);
  if (!match?.[1]) return 'must be KEY=VALUE:EFFECT or KEY:EFFECT';
  const [, key, value = '', effect = ''] = match;
  if (!['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect))
    return `the effect "${effect}" must be NoSchedule, PreferNoSchedule or NoExecute`;
  return wrongKey(key) ?? wrongValue(value);
}

export const nodeLabel = text({ meaning: 'KEY=VALUE', refuse: ofEach(wrongLabel), like: severalOf('[^=,]+=[^=,]*') });
export const nodeTaint = text({
  meaning: 'KEY=VALUE:EFFECT',
  refuse: ofEach(wrongTaint),
  like: severalOf('[^=:,]+(?:=[^:,]*)?:(?:NoSchedule|PreferNoSchedule|NoExecute)'),
});

export const nodeName = text({
  lenient: true,
  maxLength: 253,
  meaning: 'a DNS name: lower-case letters, digits, "-" and "."',
  pattern: DNS_NAME,
});

const wrongAddress = (address: string): string | undefined =>
  parseIp(address) ? undefined : 'must be an IP address such as 192.0.2.10';
export const addresses = text({ meaning: 'an IP address', refuse: ofEach(wrongAddress), like: severalOf(LOOSE_IP) });

/** What no machine can be reached by, so that no endpoint may have it (`ValidateNonSpecialIP` of Kubernetes), and broadcasts. */
const notOfAMachine = [
  ['no address yet', ['0.0.0.0/8', '::/128']],
  ['the machine itself, for every machine', ['127.0.0.0/8', '::1/128']],
  ['an address of one cable only (link-local)', ['169.254.0.0/16', 'fe80::/10']],
  ['an address of many machines (multicast, broadcast)', ['224.0.0.0/4', 'ff00::/8', '255.255.255.255/32']],
] as const;

export function wrongMachineAddress(address: string): string | undefined {
  const ip = parseIp(address);
  if (!ip) return wrongAddress(address);
  const [what] = notOfAMachine.find(([, ranges]) => ranges.some(range => isIn(range, ip))) ?? [];
  if (what !== undefined) return `is ${what}: it must be one others reach this node by, such as 192.0.2.10`;
  return ip.leadingZeros || ip.mapped ? `is read differently by programs: write ${ip.canonical}` : undefined;
}
const isIn = (range: string, ip: Ip): boolean => {
  const cidr = parseCidr(range);
  return cidr !== undefined && cidrContains(cidr, ip);
};
/** One that a server can listen on: also none in particular, and the loopback address. */
export const boundAddress = text({
  meaning: 'an IP address',
  like: exactly(LOOSE_IP),
  refuse: address => {
    const ip = parseIp(address);
    if (!ip) return wrongAddress(address);
    if (isIn('fe80::/10', ip))
      return 'is an address of one cable only (link-local), which cannot be listened on by itself';
    return ['224.0.0.0/4', 'ff00::/8', '255.255.255.255/32'].some(range => isIn(range, ip))
      ? 'is an address of many machines (multicast, broadcast): it must be one of this machine'
      : undefined;
  },
});
/** No other IPv6 address has so few signs than those of no machine. */
const OF_A_MACHINE = `(?!127\\.|0\\.|169\\.254\\.|2(?:2[4-9]|3\\d)\\.|255\\.255\\.255\\.255|::1?(?![\\da-fA-F:.])|[fF][eE][89abAB][\\da-fA-F]:|[fF]{2}[\\da-fA-F]{2}:)${IP}`;
export const machineAddress = text({
  meaning: 'an IP address',
  refuse: wrongMachineAddress,
  like: exactly(OF_A_MACHINE),
});
export const machineAddresses = text({
  meaning: 'an IP address',
  refuse: ofEach(wrongMachineAddress),
  like: severalOf(OF_A_MACHINE),
});
export const hostNames = text({
  meaning: 'a DNS name',
  like: severalOf('[-A-Za-z0-9.*]+'),
  refuse: ofEach(name => (isHostName(name) ? undefined : 'must be a DNS name')),
});
export const subjectNames = text({
  meaning: 'a DNS name or an IP address',
  like: severalOf('[-A-Za-z0-9.*:]+'),
  refuse: ofEach(name => (parseIp(name) || isHostName(name) ? undefined : 'must be a DNS name or an IP address')),
});
export const domain = text({ meaning: 'a DNS domain such as cluster.local', pattern: DNS_NAME, maxLength: 200 });

const lengths = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i).join('|');

/** An IPv4 range whose prefix length is between the two. */
export const range = (shortest: number, longest: number, example: string): Shape<string> =>
  text({
    meaning: `an IPv4 range such as ${example}`,
    like: exactly(`${IP4}/(?:${lengths(shortest, longest)})`),
    refuse: value => {
      if (value.includes(',')) return 'is not available yet: one IPv4 range, not two families';
      const cidr = parseCidr(value);
      if (!cidr) return `must be an IPv4 range such as ${example}`;
      if (cidr.ip.family === 6) return `is not available yet: IPv6; it must be an IPv4 range such as ${example}`;
      if (cidr.beyond) return `has bits beyond its length: ${cidr.canonical} is meant?`;
      if (cidr.length < shortest || cidr.length > longest)
        return `must be as large as a /${shortest} to a /${longest}, such as ${example}`;
      return undefined;
    },
  });

export const portRange = text({
  meaning: 'a range of ports such as 30000-32767',
  like: /^\d{1,5}-\d{1,5}$/,
  refuse: value => {
    const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(value) ?? [];
    const [first, last] = [Number(from), Number(to)];
    return from === undefined || first < 1 || last > 65_535 || first > last
      ? 'must be FIRST-LAST with ports from 1 to 65535'
      : undefined;
  },
});

export const serverUrl = text({
  meaning: 'a URL like https://192.0.2.1:6443',
  like: /^\s*[hH][tT][tT][pP][sS]:/,
  refuse: value => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    return url?.protocol === 'https:' && url.pathname === '/' && !url.username && !url.search
      ? undefined
      : 'must be a URL like https://192.0.2.1:6443';
  },
});

export const absolutePath = text({ meaning: 'an absolute path', pattern: /^\/[^\0]*$/, maxLength: 4095 });
export const fileMode = text({ lenient: true, meaning: 'permissions in octal such as 0640', pattern: /^0?[0-7]{3}$/ });

/** A secret that nodes join with: by itself, or a whole line of a server's `node-token`. */
export const joinSecret = text({
  secret: true,
  lenient: true,
  meaning: 'a join token without white space',
  pattern: /^\S+$/,
  like: /^(?:K10[\da-fA-F]{64}::[^:]+:.+|(?!K10|.*::).*)$/,
  refuse: value => {
    try {
      parseToken(value);
      return undefined;
    } catch (error) {
      return error instanceof TokenError ? error.message : String(error);
    }
  },
});
