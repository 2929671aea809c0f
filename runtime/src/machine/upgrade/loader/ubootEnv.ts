/**
 * U-Boot's environment as a file: CRC-32 of what follows, then `NAME=value` with a zero behind each, one more at the end, zeros to
 * the full size; what `env import -c` and `env export -c` take and give, and fw_printenv reads. Source: U-Boot 2025.01, doc/usage/environment.rst.
 */
import { crc32 } from 'node:zlib';

/** One cluster of a FAT, one page of most drives. */
export const ENV_BYTES = 4096;

export type Environment = ReadonlyMap<string, string>;

/** @returns undefined where the sum is wrong: torn, or something else */
export function parseEnvironment(content: Buffer, sizeBytes: number = ENV_BYTES): Environment | undefined {
  if (content.length !== sizeBytes || crc32(content.subarray(4)) !== content.readUInt32LE(0)) return undefined;
  const end = content.indexOf('\0\0', 4, 'latin1');
  const text = content.toString('utf8', 4, end < 0 ? undefined : end);
  const pairs = text.split('\0').filter(pair => pair.includes('='));
  return new Map(pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** Sorted by name. @throws RangeError where it does not fit */
export function environmentBytes(environment: Environment, sizeBytes: number = ENV_BYTES): Buffer {
  const text = [...environment]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
  const content = Buffer.alloc(sizeBytes);
  const data = Buffer.from(`${text}\0`);
  if (data.length > sizeBytes - 4)
    throw new RangeError(`an environment of ${data.length} bytes does not fit ${sizeBytes}`);
  data.copy(content, 4);
  content.writeUInt32LE(crc32(content.subarray(4)), 0);
  return content;
}
