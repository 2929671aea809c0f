/**
 * Many rows as one Buffer, for long lists: a row of its own costs as much in the binding, and a Buffer of its own as much again, as
 * SQLite takes to read it.
 *
 * A row is `<bytes of the value> <bytes of the key> <sum, or nothing> `, then exactly what its sum is of (`sums.ts`):
 * `<revision> <created> <previous> <deleted> <key><value>`.
 */
import { crc32 } from 'node:zlib';
import type { KeyValue } from '../store.ts';
import { FileCheckError } from './errors.ts';
import { sumProblem } from './sums.ts';

/**
 * The columns for {@link bulkEntries}, of rows `r` joined to those that the index has: how many these are, and the rows. What the table lacks, or has
 * as deleted, is in the first only.
 */
export const BULK_COLUMNS = `count(*), CAST(group_concat(CASE WHEN r.value NOTNULL THEN concat_ws(' ',
  length(r.value), octet_length(r.key), ifnull(r.sum, ''), r.revision, r.created, r.previous, r.deleted, r.key || r.value) END, '') AS BLOB)`;

const BLANK = 0x20;
const ZERO = 0x30;

/**
 * The rows, in order. Their values are parts of `bytes`, as they are in the file.
 * @throws FileCheckError if one is not what was written, or its key does not begin with `prefix`
 */
export function bulkEntries(bytes: Buffer, prefix: string): KeyValue[] {
  const entries: KeyValue[] = [];
  const numbers = new Numbers(bytes);
  while (numbers.at < bytes.length) {
    const valueBytes = numbers.next();
    const keyBytes = numbers.next();
    const hasSum = bytes[numbers.at] !== BLANK;
    const sum = numbers.next();
    const start = numbers.at;
    const modRevision = numbers.next();
    const createRevision = numbers.next();
    numbers.next();
    numbers.next();
    const keyEnd = numbers.at + keyBytes;
    const end = keyEnd + valueBytes;
    const key = bytes.toString('utf8', numbers.at, keyEnd);
    if (hasSum && crc32(bytes.subarray(start, end)) !== sum) throw new FileCheckError([sumProblem(modRevision, key)]);
    if (!key.startsWith(prefix))
      throw new FileCheckError([`the index has revision ${modRevision} at ${prefix}, not ${key}`]);
    entries.push({ key, value: bytes.subarray(keyEnd, end), modRevision, createRevision });
    numbers.at = end;
  }
  return entries;
}

/** Numbers in decimal, each with a blank after it. */
class Numbers {
  at = 0;
  constructor(readonly bytes: Buffer) {}

  /** 0 where there is nothing before the blank. */
  next(): number {
    const { bytes } = this;
    let number = 0;
    let at = this.at;
    for (let digit = bytes[at++] ?? BLANK; digit !== BLANK; digit = bytes[at++] ?? BLANK) {
      number = number * 10 + digit - ZERO;
    }
    this.at = at;
    return number;
  }
}

/**
 * Gives memory back at once: what looks at it looks at nothing from then on. V8 counts what was allocated beside its heap, and marks all of the heap
 * every few megabytes of it, if its small garbage does not happen to be collected before: half the CPU time of a long list.
 */
export function release(memory: readonly ArrayBuffer[]): void {
  if (memory.length === 0) return;
  // What is transferred into a message that nobody can get is freed with it. (structuredClone gets it itself: a clone is garbage, too.)
  const { port1 } = new MessageChannel();
  port1.close();
  port1.postMessage(undefined, [...memory]);
}
