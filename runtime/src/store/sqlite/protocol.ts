/**
 * What the main thread and the writer thread say to each other. Bytes travel as one transferred ArrayBuffer a message:
 * structured clone would copy a Buffer's whole pool slab, and every value on its own.
 */

import type { About } from '../backup/create.ts';
import type { KeyValue, Write } from '../store.ts';
import type { Recovery } from './recover.ts';

export type ThreadRole = WriterRole | SnapshotRole;

export interface WriterRole {
  readonly role: 'writer';
  readonly path: string;
  readonly nativeBinding?: string;
  /** Where snapshots are that a damaged file is replaced from. */
  readonly snapshots?: string;
  /** The keys there are for what is encrypted; unset: nobody asks. */
  readonly keyNames?: readonly string[];
  readonly quotaBytes: number;
  readonly reserveBytes: number;
}

export interface SnapshotRole {
  readonly role: 'snapshot';
  readonly path: string;
  readonly nativeBinding?: string;
  /** Where the copy goes. */
  readonly target: string;
  readonly about: About;
  /** The server's directory, whose keys and certificates go with it. */
  readonly keysOf?: string;
}

export type WriterRequest =
  | { readonly kind: 'commit'; readonly batch: PackedWrites }
  /** One slice of compaction towards `target`. */
  | { readonly kind: 'compact'; readonly target: number }
  | { readonly kind: 'checkpoint' }
  /** After a checkpoint that brought all of it home: cuts the log to nothing. */
  | { readonly kind: 'truncateLog' }
  /** Writes the whole file anew: pages keep stale copies of what was moved between them. Takes as long as that takes. */
  | { readonly kind: 'rewrite' }
  /** One slice of giving free pages back to the file system. */
  | { readonly kind: 'vacuum'; readonly pages: number }
  | { readonly kind: 'close' };

/** The state of the file after a request. */
export interface FileState {
  readonly revision: number;
  readonly compacted: number;
  /** Up to here revisions may be given to what is kept in memory only. */
  readonly reserved: number;
  readonly pages: number;
  readonly freePages: number;
  /** Pages in the write-ahead log that a checkpoint has still to bring home. */
  readonly walPages: number;
  /** The reserve has been given up to a full disk. */
  readonly diskFull: boolean;
}

export interface WriterReply {
  readonly state: FileState;
  readonly results?: PackedResults;
  /** In the first reply: what had to be done to the file. */
  readonly recovery?: Recovery;
}

/** Errors lose their class between threads; this is put together again by `errors.ts`. */
export interface ThreadError {
  /** SQLite's extended code (`SQLITE_IOERR_FSYNC`), or `CORRUPT_CHECK` for what our own checks found, or the system's code. */
  readonly code: string;
  readonly message: string;
  readonly problems?: readonly string[];
}

export type FromThread =
  | { readonly ok: true; readonly reply: WriterReply }
  | { readonly ok: true; readonly snapshot: { readonly revision: number; readonly sizeBytes: number } }
  | { readonly ok: false; readonly error: ThreadError };

export interface PackedWrites {
  readonly keys: readonly string[];
  /**
   * {@link WRITE_NUMBERS} a write: expected revision ({@link ANY_REVISION}: none), length of the value ({@link DELETION}: none), and since
   * which revision there is what the sender holds of the expected revision (0: it holds nothing, and wants to be told).
   */
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
  /** The newest revision given to anybody so far, by the file or in memory: the first write gets the next one. */
  readonly base: number;
  /** Revisions to set aside for what is kept in memory, durable with this group; 0: as it is. */
  readonly reserve: number;
}

export const WRITE_NUMBERS = 3;
export const ANY_REVISION = -1;
export const DELETION = -1;
/** In place of a length: the value that was there is the one which whoever asked holds. */
export const HELD = -1;
/** Stands for that value in the writer. */
export const heldValue = Buffer.alloc(0);

export enum Outcome {
  Conflict = 0,
  Committed = 1,
  /** The quota is used up. */
  OverQuota = 2,
  /** The disk is full. */
  NoSpace = 3,
}

export interface PackedResults {
  /** {@link RESULT_NUMBERS} a write: outcome, new revision, then of what was there before: revision (0: nothing), create revision, value length ({@link HELD}). */
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
}

export const RESULT_NUMBERS = 5;

export interface WriteResult {
  readonly outcome: Outcome;
  /** The new revision; 0 unless committed. */
  readonly revision: number;
  /** What was there before. */
  readonly before: KeyValue | undefined;
  /** `before` did not come out of the file. */
  readonly held?: boolean;
}

/** A write, and what its sender has in memory of the revision it expects. */
export interface HeldWrite extends Write {
  readonly held?: KeyValue | undefined;
}

export function packWrites(writes: readonly HeldWrite[], base = 0, reserve = 0): PackedWrites {
  const keys: string[] = [];
  const numbers = new Float64Array(writes.length * WRITE_NUMBERS);
  let total = 0;
  for (const write of writes) total += write.value?.length ?? 0;
  const bytes = new Uint8Array(total);
  let index = 0;
  let offset = 0;
  for (const { key, value, expect, held } of writes) {
    keys.push(key);
    numbers[index++] = expect ?? ANY_REVISION;
    numbers[index++] = value === null ? DELETION : value.length;
    numbers[index++] = held?.createRevision ?? 0;
    if (value === null) continue;
    bytes.set(value, offset);
    offset += value.length;
  }
  return { keys, numbers, bytes, base, reserve };
}

/** The writes of a batch, in order. The values are views of the batch's bytes. */
export function* unpackWrites(
  batch: PackedWrites,
): Generator<Write & { readonly expect: number; readonly heldSince: number }> {
  let offset = 0;
  for (const [index, key] of batch.keys.entries()) {
    const at = index * WRITE_NUMBERS;
    const expect = batch.numbers[at] ?? ANY_REVISION;
    const length = batch.numbers[at + 1] ?? DELETION;
    const heldSince = batch.numbers[at + 2] ?? 0;
    if (length === DELETION) {
      yield { key, value: null, expect, heldSince };
      continue;
    }
    const value = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset + offset, length);
    yield { key, value, expect, heldSince };
    offset += length;
  }
}

export function packResults(results: readonly WriteResult[]): PackedResults {
  const numbers = new Float64Array(results.length * RESULT_NUMBERS);
  let total = 0;
  for (const { before } of results) total += before?.value.length ?? 0;
  const bytes = new Uint8Array(total);
  let index = 0;
  let offset = 0;
  for (const { outcome, revision, before } of results) {
    numbers[index++] = outcome;
    numbers[index++] = revision;
    numbers[index++] = before?.modRevision ?? 0;
    numbers[index++] = before?.createRevision ?? 0;
    numbers[index++] = before?.value === heldValue ? HELD : (before?.value.length ?? 0);
    if (before === undefined) continue;
    bytes.set(before.value, offset);
    offset += before.value.length;
  }
  return { numbers, bytes };
}

/** The results in the order of the writes. The values are views of the message's bytes, or those that were held. */
export function unpackResults(results: PackedResults, writes: readonly HeldWrite[]): WriteResult[] {
  const { numbers, bytes } = results;
  let index = 0;
  let offset = 0;
  return writes.map(({ key, held }) => {
    const outcome = numbers[index++] ?? Outcome.Conflict;
    const revision = numbers[index++] ?? 0;
    const modRevision = numbers[index++] ?? 0;
    const createRevision = numbers[index++] ?? 0;
    const length = numbers[index++] ?? 0;
    if (modRevision === 0) return { outcome, revision, before: undefined };
    if (length === HELD) return { outcome, revision, before: held, held: true };
    const value = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
    offset += length;
    return { outcome, revision, before: { key, value, modRevision, createRevision } };
  });
}
