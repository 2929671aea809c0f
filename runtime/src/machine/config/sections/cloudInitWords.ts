/** The values cloud-init's keys have, as shapes: each says of a text what is wrong with it. */
import { X509Certificate } from 'node:crypto';
import { parseIp } from '../../../api/ip.ts';
import { nearest } from '../../../lib/nearest.ts';
import { text } from '../shape.ts';
import { isTimeZone, timeZones, zoneOfOldName } from './timeZones.ts';

const LABEL = '[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?';

/** RFC 1123; Linux takes 64 characters. */
export const hostName = text({
  lenient: true,
  meaning: 'a host name: letters, digits and "-"',
  pattern: new RegExp(`^${LABEL}(\\.${LABEL})*$`),
  like: /^(?![lL][oO][cC][aA][lL][hH][oO][sS][tT](?:\.|$))/,
  refuse: name =>
    /^localhost(\.|$)/i.test(name) ? 'is the name every machine has for itself: give it one of its own' : undefined,
  maxLength: 64,
});
export const domainName = text({
  meaning: 'a full name such as node-1.example.org',
  pattern: new RegExp(`^${LABEL}(\\.${LABEL})+$`),
  maxLength: 253,
});
/** `300.1.1.1`: no top-level domain is a number (RFC 3696, section 2), and resolvers take it for an address, or for nothing. */
export const looksLikeAddress = (name: string): boolean => name.includes(':') || /(?:^|\.)\d+\.?$/.test(name);

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = `${OCTET}(\\.${OCTET}){3}`;
const IPV6 = '[\\da-fA-F]*:[\\da-fA-F]*:[\\da-fA-F:.]*';
/** A name or an address; what it is is found when it is used. */
export const timeServer = text({
  meaning: 'a host name or an IP address',
  pattern: new RegExp(`^((?!(.*\\.)?\\d+\\.?$)${LABEL}(\\.${LABEL})*\\.?|${IPV4}|${IPV6})$`),
  refuse: server =>
    looksLikeAddress(server) && !parseIp(server) ? 'is neither a host name nor an IP address' : undefined,
  maxLength: 253,
});

export const userName = text({
  lenient: true,
  meaning: 'a user name: lower-case letters, digits, "-" and "_", at most 32',
  pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
});
export const groupName = text({
  lenient: true,
  meaning: 'a group name: lower-case letters, digits, "-" and "_", at most 32',
  pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
});
/** `users,dialout`, as cloud-init takes them. */
export const groupNames = text({
  meaning: 'group names, separated by commas',
  pattern: /^[a-z_][a-z0-9_-]{0,31}(\s*,\s*[a-z_][a-z0-9_-]{0,31})*$/,
});

export const absolutePath = text({
  meaning: 'an absolute path',
  pattern: /^\/\S/,
  like: /^(?!.*(?:\/\/|\/\.{1,2}(?:\/|$)|.\/$))/,
  refuse: path =>
    path.split('/').some(part => part === '..' || part === '.')
      ? 'has "." or ".." in it'
      : path.length > 1 && (path.endsWith('/') || path.includes('//'))
        ? 'has a "/" too much'
        : undefined,
  maxLength: 4095,
});

export const permissions = text({
  lenient: true,
  permissions: true,
  meaning: 'permissions in octal, in quotes, such as "0644"',
  pattern: /^(0o?)?[0-7]{3,4}$/,
});

export const owner = text({
  meaning: 'a user, or user:group',
  pattern: /^[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?$/,
});

/** crypt(5), or nothing that ever matches. */
export const passwordHash = text({
  secret: true,
  meaning: 'a hash as mkpasswd or openssl passwd -6 makes it, such as $6$…',
  pattern: /^(\$(1|2[aby]|5|6|7|y|gy)\$[\w./$=,-]{8,400}|[!*]+)$/,
});

const KEY_TYPES = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/** A line of `authorized_keys` (sshd(8)): options, type, key, comment. */
export const sshKey = text({
  meaning: 'a public SSH key such as "ssh-ed25519 AAAA… name"',
  // A private key may have been put here by mistake.
  quiet: true,
  like: /^(?![\s\S]*PRIVATE KEY)[\s\S]*(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)\s+AAAA\S{20}/,
  refuse: line => {
    if (/PRIVATE KEY/.test(line)) return 'is a private key: give the public one, from the file that ends in .pub';
    if (/[\r\n]./.test(line.trim())) return 'must be one line: each key is an item of its own';
    const words = line.trim().split(/\s+/);
    const at = words.findIndex(word => KEY_TYPES.includes(word));
    if (at === -1)
      return words.includes('ssh-dss')
        ? 'is of a type that is not taken any more: ssh-dss'
        : 'must be a public SSH key such as "ssh-ed25519 AAAA… name"';
    const type = words[at] ?? '';
    const key = words[at + 1] ?? '';
    const bytes = Buffer.from(key, 'base64');
    const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
    const named = bytes.subarray(4, 4 + length).toString('latin1');
    if (named !== type) return `has a damaged key after ${type}: was it cut while it was copied?`;
    return complete(bytes) ? undefined : `has a key after ${type} that is cut at its end`;
  },
  maxLength: 16_384,
});

/** Whether the lengths in an SSH key lead to its end. */
function complete(bytes: Buffer): boolean {
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length;
}

export const certificates = text({
  meaning: 'certificates in PEM',
  quiet: true,
  like: /^(?![\s\S]*PRIVATE KEY)[\s\S]*-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----/,
  refuse: pem => {
    if (/PRIVATE KEY/.test(pem)) return 'holds a private key: a node needs the certificate only';
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
    if (!blocks) return 'must be certificates in PEM: -----BEGIN CERTIFICATE----- …';
    for (const [i, block] of blocks.entries()) {
      try {
        new X509Certificate(block);
      } catch {
        return blocks.length === 1
          ? 'is no certificate: damaged, or wrongly indented?'
          : `holds something at ${i + 1} that is no certificate`;
      }
    }
    return undefined;
  },
  maxLength: 262_144,
});

export const httpUrl = text({
  meaning: 'a URL that starts with http:// or https://',
  like: /^https?:\/\/[^\s/]+/,
  refuse: value => {
    if (!/^https?:\/\/[^\s/]+/.test(value) || !URL.canParse(value))
      return 'must be a URL that starts with http:// or https://';
    return undefined;
  },
  maxLength: 2048,
});

export const locale = text({
  meaning: 'a locale such as C.UTF-8',
  pattern: /^(C|POSIX|[a-z]{2,3}(_[A-Z]{2})?)(\.[A-Za-z0-9-]+)?(@[a-z]+)?$/,
  like: /^(?:C|POSIX|C\.[uU][tT][fF]-?8)$/,
  refuse: name =>
    /^(C|POSIX)$|^C\.utf-?8$/i.test(name)
      ? undefined
      : 'is not in the image, which has C.UTF-8: the letters of all languages, messages in English',
});

export const timeZone = text({
  meaning: 'a time zone such as Europe/Berlin or UTC',
  pattern: /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/,
  words: timeZones,
  refuse: zone => {
    if (isTimeZone(zone)) return undefined;
    const now = zoneOfOldName(zone);
    const near = now ?? nearest(zone, timeZones);
    const isOld = now !== undefined && now.toLowerCase() !== zone.toLowerCase();
    return `is ${isOld ? 'an old name, which the image does not have' : 'no time zone'}${near === undefined ? '' : `: ${near}?`}`;
  },
});
