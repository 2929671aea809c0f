/**
 * A row's checksum: CRC-32 of its numbers, its key and its value as they are in the file (encrypted, where it is encrypted).
 *
 * SQLite has none: a flipped bit in a value, or in a number, would be served as if somebody had written it. With it no read ever
 * returns what was not written; 32 bits miss one damage in four thousand million.
 */
import { crc32 } from 'node:zlib';

export interface SummedRow {
  readonly revision: number;
  readonly key: string;
  readonly created: number;
  readonly previous: number;
  readonly deleted: number;
  readonly value: Uint8Array | null;
}

export function rowSum({ revision, key, created, previous, deleted, value }: SummedRow): number {
  const head = crc32(`${revision} ${created} ${previous} ${deleted} ${key}`);
  // Of no bytes Node's may make 0, whatever it goes on from: an empty Buffer need not have an address.
  return value === null || value.length === 0 ? head : crc32(value, head);
}

/** Rows of files from before there were sums have none. */
export const sumHolds = (row: SummedRow, sum: number | null): boolean => sum === null || sum === rowSum(row);

export const sumProblem = (revision: number, key: string): string =>
  `revision ${revision} (${key}) is not what was written: its checksum does not hold`;
