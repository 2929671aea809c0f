/**
 * The one connection that writes; lives in the writer thread (`thread.ts`), so that no fsync and no write(2) that waits for a
 * slow card ever holds up the event loop of the server.
 *
 * Invariants:
 * - a group of writes is one transaction: all of them durable when `commit` returns, or none if it throws;
 * - within a group each compare-and-swap sees the writes before it;
 * - `revision` is the newest durable revision; nobody else writes to the file (its primary key would collide, and we stop).
 */
import type Database from 'better-sqlite3';
import type { KeyValue } from '../store.ts';
import { FileCheckError, isNoSpace, threadError } from './errors.ts';
import {
  ANY_REVISION,
  type FileState,
  heldValue,
  Outcome,
  type PackedResults,
  type PackedWrites,
  packResults,
  unpackWrites,
  type WriteResult,
} from './protocol.ts';
import type { Reserve } from './reserve.ts';
import { NEWEST_REVISION, PAGE_BYTES } from './schema.ts';
import { rowSum, sumHolds, sumProblem } from './sums.ts';

/** Compaction walks so many revisions between looks at the clock. */
const COMPACT_STEP = 50;
/** How long one slice of compaction may hold the writer. */
const COMPACT_SLICE_MS = 3;
/** What a row costs beside its value: the key twice (table and index), record headers. */
const ROW_OVERHEAD_BYTES = 53;

/** How often a refused creation looks whether the disk has space again. */
const RESERVE_RETRY_MS = 1_000;
/** Free pages that stay for deletions and updates while the disk is full. */
const FREE_FLOOR_BYTES = 1024 * 1024;
/** At the quota no object can be created, but graceful deletion and finalizers need updates: those get a tenth more. */
const UPDATE_HEADROOM = 1.1;

type UnpackedWrite = ReturnType<typeof unpackWrites> extends Generator<infer W> ? W : never;

export class Writer {
  readonly #database: Database.Database;
  readonly #quotaBytes: number;
  readonly #reserve: Reserve;
  readonly #latest: Database.Statement<[string], [revision: number, deleted: number]>;
  readonly #row: Database.Statement<[number], [created: number, previous: number, value: Buffer, sum: number | null]>;
  readonly #insert: Database.Statement<[number, string, number, number, number, Buffer | null, number]>;
  readonly #removeSuperseded: Database.Statement<[number, number]>;
  readonly #removeDeletions: Database.Statement<[number, number]>;
  readonly #setCompacted: Database.Statement<[number]>;
  readonly #setReserved: Database.Statement<[number]>;
  readonly #begin: Database.Statement<[]>;
  readonly #commit: Database.Statement<[]>;
  readonly #rollback: Database.Statement<[]>;
  readonly #counters: readonly Database.Statement<[], number>[];
  #revision: number;
  #compacted: number;
  #reserved: number;
  #askedForReserve = Number.NEGATIVE_INFINITY;
  #state: FileState;

  constructor(database: Database.Database, quotaBytes: number, reserve: Reserve) {
    this.#database = database;
    this.#reserve = reserve;
    this.#quotaBytes = quotaBytes;
    this.#latest = database
      .prepare<[string], [number, number]>(
        'SELECT revision, deleted FROM revisions WHERE key = ? ORDER BY revision DESC LIMIT 1',
      )
      .raw();
    this.#row = database
      .prepare<[number], [number, number, Buffer, number | null]>(
        'SELECT created, previous, value, sum FROM revisions WHERE revision = ?',
      )
      .raw();
    this.#insert = database.prepare(
      'INSERT INTO revisions (revision, key, created, previous, deleted, value, sum) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#removeSuperseded = database.prepare(
      'DELETE FROM revisions WHERE revision IN (SELECT previous FROM revisions WHERE revision > ? AND revision <= ? AND previous > 0)',
    );
    this.#removeDeletions = database.prepare(
      'DELETE FROM revisions WHERE revision > ? AND revision <= ? AND deleted = 1',
    );
    this.#setCompacted = database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'");
    this.#setReserved = database.prepare("UPDATE meta SET value = ? WHERE name = 'reserved'");
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#rollback = database.prepare('ROLLBACK');
    this.#counters = ['page_count', 'freelist_count'].map(name =>
      database.prepare<[], number>(`PRAGMA ${name}`).pluck(),
    );
    this.#revision = database.prepare<[], number>(NEWEST_REVISION).pluck().get() ?? 0;
    const meta = database.prepare<[string], number>('SELECT value FROM meta WHERE name = ?').pluck();
    this.#compacted = meta.get('compacted') ?? 0;
    this.#reserved = meta.get('reserved') ?? 0;
    this.#state = this.#look();
  }

  /** The file as of the last request. */
  get state(): FileState {
    return this.#state;
  }

  /** Group commit. @throws SqliteError when the outcome of the group is not known; the writer must not be used again then. */
  commit(batch: PackedWrites): PackedResults {
    const writes = [...unpackWrites(batch)];
    let results: WriteResult[];
    try {
      results = this.#transaction(() => this.#apply(writes, batch, true));
    } catch (error) {
      if (!isNoSpace(threadError(error).code)) throw error;
      results = this.#withoutSpace(writes, batch);
    }
    this.#state = this.#look();
    return packResults(results);
  }

  /** The disk is full: deletions may still fit into the part of the log that is written over again. */
  #withoutSpace(writes: readonly UnpackedWrite[], batch: PackedWrites): WriteResult[] {
    try {
      return this.#transaction(() => this.#apply(writes, batch, false));
    } catch (error) {
      if (!isNoSpace(threadError(error).code)) throw error;
      return writes.map(() => ({ outcome: Outcome.NoSpace, revision: 0, before: undefined }));
    }
  }

  #apply(writes: readonly UnpackedWrite[], { base, reserve }: PackedWrites, puts: boolean): WriteResult[] {
    let addedBytes = 0;
    let newest = Math.max(this.#revision, base);
    if (reserve > this.#reserved) {
      this.#setReserved.run(reserve);
      this.#reserved = reserve;
    }
    return writes.map(({ key, value, expect, heldSince }) => {
      const before = this.#current(key, expect, heldSince);
      if ((expect !== ANY_REVISION && expect !== (before?.modRevision ?? 0)) || (value === null && !before)) {
        return { outcome: Outcome.Conflict, revision: 0, before };
      }
      if (value !== null) {
        const rowBytes = value.length + 2 * key.length + ROW_OVERHEAD_BYTES;
        const refused = puts ? this.#refusal(addedBytes + rowBytes, before !== undefined) : Outcome.NoSpace;
        if (refused) return { outcome: refused, revision: 0, before: undefined };
        addedBytes += rowBytes;
      }
      const revision = ++newest;
      const created = before?.createRevision ?? revision;
      const previous = before?.modRevision ?? 0;
      const deleted = value === null ? 1 : 0;
      const sum = rowSum({ revision, key, created, previous, deleted, value });
      this.#insert.run(revision, key, created, previous, deleted, value, sum);
      this.#revision = revision;
      return { outcome: Outcome.Committed, revision, before };
    });
  }

  /** Whether so many bytes more are too many. */
  #refusal(addedBytes: number, update: boolean): Outcome.OverQuota | Outcome.NoSpace | undefined {
    const { pages, freePages } = this.#state;
    const usedBytes = (pages - freePages) * PAGE_BYTES + addedBytes;
    if (usedBytes > this.#quotaBytes * (update ? UPDATE_HEADROOM : 1)) return Outcome.OverQuota;
    // With the reserve gone, only what fits into the file as it is may be created. There may be space again.
    if (!this.#reserve.held && performance.now() - this.#askedForReserve > RESERVE_RETRY_MS) {
      this.#askedForReserve = performance.now();
      this.#reserve.restore();
    }
    const fits = this.#reserve.held || update || addedBytes + FREE_FLOOR_BYTES < freePages * PAGE_BYTES;
    return fits ? undefined : Outcome.NoSpace;
  }

  /** What is there now; where it is what is held by whoever expects it, it is not read. */
  #current(key: string, expect: number, heldSince: number): KeyValue | undefined {
    const latest = this.#latest.get(key);
    if (latest === undefined || latest[1] !== 0) return undefined;
    const [modRevision] = latest;
    if (heldSince > 0 && modRevision === expect)
      return { key, modRevision, createRevision: heldSince, value: heldValue };
    const row = this.#row.get(modRevision);
    if (row === undefined) throw new FileCheckError([`the index names revision ${modRevision}, the table lacks it`]);
    const [created, previous, value, sum] = row;
    if (!sumHolds({ revision: modRevision, key, created, previous, deleted: 0, value }, sum)) {
      throw new FileCheckError([sumProblem(modRevision, key)]);
    }
    return { key, modRevision, createRevision: created, value };
  }

  #transaction<T>(body: () => T): T {
    const [revision, compacted, reserved] = [this.#revision, this.#compacted, this.#reserved];
    this.#begin.run();
    try {
      const result = body();
      this.#commit.run();
      return result;
    } catch (error) {
      this.#revision = revision;
      this.#compacted = compacted;
      this.#reserved = reserved;
      // SQLite has rolled back by itself after some errors (full disk, I/O).
      if (this.#database.inTransaction) this.#rollback.run();
      throw error;
    }
  }

  /**
   * One slice of compaction; done when `state.compacted` has reached `end`. Not synced: if the power goes, the slice is done
   * again. The next commit's fsync covers it. `end` may be a revision that only memory was given.
   */
  compact(end: number): void {
    this.#unsynced(() =>
      this.#transaction(() => {
        const deadline = performance.now() + COMPACT_SLICE_MS;
        while (this.#compacted < end && performance.now() < deadline) {
          const to = Math.min(this.#compacted + COMPACT_STEP, end);
          this.#removeSuperseded.run(this.#compacted, to);
          this.#removeDeletions.run(this.#compacted, to);
          this.#compacted = to;
        }
        this.#setCompacted.run(this.#compacted);
      }),
    );
    this.#state = this.#look();
  }

  /** Brings the log home into the database file, as far as readers and the disk allow. */
  checkpoint(): void {
    this.#reserve.restore();
    if (!this.#bringHome() && this.#reserve.release()) this.#bringHome();
    this.#state = this.#look();
  }

  /** Needs the file's size again in the log, for a while. */
  rewrite(): void {
    this.#database.exec('VACUUM');
    this.#state = this.#look();
  }

  /** What was in the log is not to be found in it any more. */
  truncateLog(): void {
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    this.#state = this.#look();
  }

  /** False: there is no space for the file to grow; the log keeps what is not home yet. */
  #bringHome(): boolean {
    try {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
      return true;
    } catch (error) {
      if (!isNoSpace(threadError(error).code)) throw error;
      return false;
    }
  }

  /** Gives up to `pages` free pages at the end of the file back to the file system. */
  vacuum(pages: number): void {
    this.#unsynced(() => this.#database.pragma(`incremental_vacuum(${pages})`));
    this.#state = this.#look();
  }

  close(): void {
    this.#database.close();
  }

  #unsynced(body: () => void): void {
    this.#database.pragma('synchronous = NORMAL');
    try {
      body();
    } finally {
      this.#database.pragma('synchronous = FULL');
    }
  }

  #look(): FileState {
    const [pages = 0, freePages = 0] = this.#counters.map(counter => counter.get() ?? 0);
    // A checkpoint that does nothing but count (SQLite 3.51).
    const log = this.#database.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
    const walPages = (log[0]?.log ?? 0) - (log[0]?.checkpointed ?? 0);
    const revision = Math.max(this.#revision, this.#compacted);
    return {
      revision,
      compacted: this.#compacted,
      reserved: this.#reserved,
      pages,
      freePages,
      walPages,
      diskFull: !this.#reserve.held,
    };
  }
}
