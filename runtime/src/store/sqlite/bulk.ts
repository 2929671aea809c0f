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

/** Of the revisions in a JSON list, in its order; what is not there, or was deleted, is left out. */
export const BULK_SQL = `SELECT CAST(group_concat(CAST(
    length(r.value) || ' ' || length(CAST(r.key AS BLOB)) || ' ' || ifnull(r.sum, '') || ' ' ||
    r.revision || ' ' || r.created || ' ' || r.previous || ' ' || r.deleted || ' ' || r.key || r.value AS TEXT), '') AS BLOB)
  FROM json_each(?) asked CROSS JOIN revisions r ON r.revision = asked.value`;

const BLANK = 0x20;
const ZERO = 0x30;

/** The rows of one Buffer, in order. Their values are parts of it, as they are in the file. */
export class BulkRows {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer | null) {
    this.#bytes = bytes ?? Buffer.alloc(0);
  }

  /** @throws FileCheckError if it is not this revision's row, or not what was written. */
  next(revision: number, prefix: string): KeyValue {
    const bytes = this.#bytes;
    const missing = (): FileCheckError =>
      new FileCheckError([`the index names revision ${revision}, the table lacks it`]);
    if (this.#at >= bytes.length) throw missing();
    const valueBytes = this.#number();
    const keyBytes = this.#number();
    const hasSum = bytes[this.#at] !== BLANK;
    const sum = this.#number();
    const start = this.#at;
    const modRevision = this.#number();
    const createRevision = this.#number();
    this.#number();
    this.#number();
    const keyEnd = this.#at + keyBytes;
    const end = keyEnd + valueBytes;
    const key = bytes.toString('utf8', this.#at, keyEnd);
    if (modRevision !== revision) throw missing();
    if (!key.startsWith(prefix))
      throw new FileCheckError([`the index has revision ${revision} at ${prefix}, not ${key}`]);
    if (hasSum && crc32(bytes.subarray(start, end)) !== sum) throw new FileCheckError([sumProblem(revision, key)]);
    this.#at = end;
    return { key, value: bytes.subarray(keyEnd, end), modRevision, createRevision };
  }

  /** Up to the next blank. */
  #number(): number {
    const bytes = this.#bytes;
    let number = 0;
    let at = this.#at;
    for (let digit = bytes[at++] ?? BLANK; digit !== BLANK; digit = bytes[at++] ?? BLANK)
      number = number * 10 + digit - ZERO;
    this.#at = at;
    return number;
  }
}
