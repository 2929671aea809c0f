/** The public half of the SSH server's host key, which `/usr/lib/atoll/ssh-server` makes before the server's first start. */
import { readFileSync } from 'node:fs';

export const hostKeyPath = '/var/lib/atoll/ssh/host_ed25519';

const TYPE = 'ssh-ed25519';
const HALF = 32;

/**
 * @param file dropbear's own form: the type, then 64 bytes of which the first half is the secret; each after its length (RFC 4251, 5)
 * @returns a line of known_hosts without the host, `ssh-ed25519 AAAA… root@press-7`; undefined for anything else
 */
export function publicLine(file: Buffer, host: string): string | undefined {
  const [type, key] = strings(file);
  if (type?.toString('latin1') !== TYPE || key?.length !== 2 * HALF) return undefined;
  const blob = Buffer.concat([lengthOf(type), type, lengthOf(key.subarray(HALF)), key.subarray(HALF)]);
  return `${TYPE} ${blob.toString('base64')} root@${host}`;
}

/** undefined where SSH has never been on. */
export function readPublicLine(host: string, path = hostKeyPath): string | undefined {
  try {
    return publicLine(readFileSync(path), host);
  } catch {
    return undefined;
  }
}

function strings(file: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= file.length; ) {
    const end = at + 4 + file.readUInt32BE(at);
    if (end > file.length) return [];
    found.push(file.subarray(at + 4, end));
    at = end;
  }
  return found;
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return length;
}
