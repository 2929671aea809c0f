/**
 * The store over SQLite, put together: reads on the event loop's own connection (`reader.ts`, `lists.ts`), writes through the
 * writer thread (`writes.ts`), watches from the window and the file (`watches.ts`).
 *
 * Invariant: `revision()`, every read, and what live watchers have been told always agree; the writer may be ahead of them.
 */
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import {
  type CommitResult,
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type RangeOptions,
  type RangeResult,
  type Store,
  StoreClosedError,
  StoreCorruptError,
  StoreKeyError,
  type Watcher,
  type WatchOptions,
  type Write,
} from '../store.ts';
import type { CompactionPolicy } from './compaction.ts';
import { storeError, threadError } from './errors.ts';
import { ThreadFailure, takeSnapshot, type WriterLink } from './link.ts';
import { Lists } from './lists.ts';
import { compareKeys, type MemoryTables } from './memory.ts';
import type { FileState, SnapshotRole } from './protocol.ts';
import type { Reader, ValueCodec } from './reader.ts';
import { type Recovery, suspectPath } from './recover.ts';
import { PAGE_BYTES } from './schema.ts';
import { type SpaceLevel, spaceLevel, spaceText } from './space.ts';
import { Watches } from './watches.ts';
import { EventWindow, type WindowLimits } from './window.ts';
import { Writes } from './writes.ts';

export interface SqliteStoreParts {
  readonly path: string;
  readonly quotaBytes: number;
  readonly writer: WriterLink;
  readonly reader: Reader;
  readonly file: FileState;
  /** Where the sequence of revisions goes on from. */
  readonly revision: number;
  /** What had to be done to the file before it could be opened. */
  readonly recovery: Recovery | undefined;
  readonly atollVersion: string;
  readonly memory: MemoryTables;
  readonly codec: ValueCodec | undefined;
  /** Milliseconds since some moment, by a clock nobody sets. */
  readonly elapsedMs: () => number;
  readonly limits: WindowLimits;
  readonly policy: CompactionPolicy | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nativeBinding: string | undefined;
  readonly threadUrl: URL;
  readonly onFailure: ((error: Error) => void) | undefined;
  readonly onSpace: ((level: SpaceLevel) => void) | undefined;
}

/** For metrics and `atoll status`. */
export interface StoreStats {
  readonly revision: number;
  readonly compactedRevision: number;
  /** The database file without its log. */
  readonly fileBytes: number;
  /** Of these in use; what the quota is about. */
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** Of the log, not yet brought home. */
  readonly logBytes: number;
  readonly windowBytes: number;
  /** Watches from this revision on need no disk. */
  readonly windowFloor: number;
  readonly watches: number;
  /** What is kept in memory only: keys, and about their bytes. */
  readonly keptEntries: number;
  readonly keptBytes: number;
  /** Transactions since the store was opened, and the commits in them. */
  readonly groups: number;
  readonly commits: number;
  /** Whether a write has been refused for want of space since the last one that was not: the alarm. */
  readonly full: boolean;
  /** It was the disk, not the quota. */
  readonly diskFull: boolean;
  /** The alarm. */
  readonly space: SpaceLevel;
}

/** How often a full store looks whether there is space again, when nobody writes. */
const LOOK_MS = 15_000;
/** What becomes too old is deleted together with what follows within this time. */
const EXPIRY_STEP_MS = 30_000;

export class SqliteStore implements Store {
  readonly #parts: SqliteStoreParts;
  readonly #window: EventWindow;
  readonly #writes: Writes;
  readonly #watches: Watches;
  readonly #lists: Lists;
  readonly #snapshots = new Set<Promise<unknown>>();
  #cancelTimer: (() => void) | undefined;
  #cancelExpiry: (() => void) | undefined;
  #space: SpaceLevel = 'ok';
  /** Until there is room again. */
  #wasFull = false;
  #cancelLook: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: SqliteStoreParts) {
    this.#parts = parts;
    const { path, quotaBytes, writer, reader, file, logger, memory, codec, elapsedMs } = parts;
    this.#window = new EventWindow(parts.revision, parts.limits);
    this.#lists = new Lists(read => this.#read(read));
    this.#watches = new Watches(
      {
        window: this.#window,
        floor: prefix => this.#floor(prefix),
        events: (prefix, after, upTo) => this.#read(reader => reader.events(prefix, after, upTo)),
      },
      logger,
    );
    this.#writes = new Writes({
      path,
      quotaBytes,
      writer,
      reader,
      file,
      logger,
      window: this.#window,
      memory,
      codec,
      elapsedMs,
      heldRevision: () => this.#lists.heldRevision,
      onEvents: events => {
        this.#watches.publish(events);
        parts.policy?.note(this.revision(), parts.clock.now());
        this.#forget(parts.policy?.target(this.compactedRevision(), parts.clock.now()));
        if (memory.overfull) this.#expire();
        else this.#armExpiry();
      },
      onSpace: () => this.#lookAtSpace(),
      onFull: () => this.#forget(parts.policy?.urgentTarget(this.compactedRevision(), true)),
      onFailure: error => this.#failed(error),
    });
    this.#armTimer();
    this.#lookAtSpace();
  }

  /** What had to be done to the file when it was opened; undefined: nothing. */
  get recovery(): Recovery | undefined {
    return this.#parts.recovery;
  }

  revision(): number {
    return this.#window.newest;
  }

  compactedRevision(): number {
    return this.#writes.compacted;
  }

  stats(): StoreStats {
    const { pages, freePages, walPages } = this.#writes.file;
    return {
      revision: this.revision(),
      compactedRevision: this.compactedRevision(),
      fileBytes: pages * PAGE_BYTES,
      usedBytes: (pages - freePages) * PAGE_BYTES,
      quotaBytes: this.#parts.quotaBytes,
      logBytes: walPages * PAGE_BYTES,
      windowBytes: this.#window.bytes,
      windowFloor: this.#window.floor,
      watches: this.#watches.count,
      keptEntries: this.#parts.memory.stats.entries,
      keptBytes: this.#parts.memory.stats.bytes,
      groups: this.#writes.groups,
      commits: this.#writes.commits,
      full: this.#writes.refusal !== undefined,
      diskFull: this.#writes.refusal === 'disk',
      space: this.#space,
    };
  }

  async get(key: string, revision?: number): Promise<KeyValue | undefined> {
    const { memory } = this.#parts;
    const at = this.#readable(revision, key);
    if (memory.ruleOf(key)) return revision === undefined ? memory.get(key) : memory.getAt(key, at);
    return this.#read(reader => reader.get(key, at));
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    const at = this.#readable(options.revision, options.prefix);
    const covered = this.#parts.memory.covers(options.prefix);
    if (covered === 'all') return cut(this.#parts.memory.list(options.prefix, at), options, at);
    if (covered === 'some') return this.#rangeOfBoth(options, at);
    return this.#rangeOfFile(options, at);
  }

  async #rangeOfFile(options: RangeOptions, at: number): Promise<RangeResult> {
    try {
      return await this.#lists.range(options, at);
    } finally {
      // Compaction may have waited for this list.
      if (at < this.compactedRevision()) this.#writes.wake();
    }
  }

  /** Of everything, as nobody reads it page by page. */
  async #rangeOfBoth(options: RangeOptions, at: number): Promise<RangeResult> {
    const { memory } = this.#parts;
    const kept = memory.list(options.prefix, at);
    const { items } = await this.#rangeOfFile({ prefix: options.prefix }, at);
    const all = [...items.filter(({ key }) => !memory.ruleOf(key)), ...kept];
    return cut(
      all.sort((a, b) => compareKeys(a.key, b.key)),
      options,
      at,
    );
  }

  hold(revision: number): () => void {
    this.#mustBeOpen();
    const compacted = this.compactedRevision();
    if (revision < compacted && !this.#lists.holds(revision)) throw new CompactedError(revision, compacted);
    const letGo = this.#lists.hold(revision);
    return () => {
      letGo();
      // Compaction may have waited for it.
      if (revision < this.compactedRevision() && !this.#closing) this.#writes.wake();
    };
  }

  async count(prefix: string): Promise<number> {
    this.#mustBeOpen();
    if (this.#parts.memory.covers(prefix) !== 'none') return (await this.range({ prefix })).items.length;
    const at = this.revision();
    try {
      return await this.#lists.countAll(prefix, at);
    } finally {
      // Compaction may have waited for this, too.
      if (at < this.compactedRevision()) this.#writes.wake();
    }
  }

  async commit(write: Write): Promise<CommitResult> {
    this.#mustBeOpen();
    return this.#writes.commit(write);
  }

  watch(options: WatchOptions, watcher: Watcher): () => void {
    this.#mustBeOpen();
    return this.#watches.start(options, watcher);
  }

  async compact(revision: number): Promise<void> {
    this.#mustBeOpen();
    if (revision > this.revision()) throw new FutureRevisionError(revision, this.revision());
    if (revision > this.#writes.file.compacted) await this.#writes.compact(revision);
  }

  /** Rows after `revision` in order, with how their values begin in the file. */
  storedRows(
    afterRevision: number,
    limit: number,
    headBytes: number,
  ): { revision: number; key: string; head: Buffer }[] {
    return this.#read(reader => reader.storedRows(afterRevision, limit, headBytes));
  }

  /** What was deleted or replaced is gone from the file and its log; `wholly`: every trace of it, while writes wait. */
  async scrub(wholly = false): Promise<void> {
    this.#mustBeOpen();
    await this.#writes.scrub(wholly);
  }

  /**
   * @param keysOf the server's directory: its keys and certificates are in it, too, which makes it a backup. Unset: the store only.
   */
  async snapshot(path: string, keysOf?: string): Promise<{ readonly revision: number; readonly sizeBytes: number }> {
    this.#mustBeOpen();
    const { nativeBinding } = this.#parts;
    const role: SnapshotRole = {
      role: 'snapshot',
      ...(keysOf === undefined ? {} : { keysOf }),
      path: this.#parts.path,
      target: path,
      about: {
        atoll: this.#parts.atollVersion,
        host: hostname(),
        created: new Date(this.#parts.clock.now()).toISOString(),
        content: keysOf === undefined ? 'snapshot' : 'backup',
      },
      ...(nativeBinding === undefined ? {} : { nativeBinding }),
    };
    const taken = takeSnapshot(role, this.#parts.threadUrl);
    this.#snapshots.add(taken);
    try {
      return await taken;
    } catch (error) {
      const told = this.#storeError(`copying it to ${path}`, error);
      if (told instanceof StoreCorruptError) this.#failed(told);
      throw told;
    } finally {
      this.#snapshots.delete(taken);
      this.#writes.wake();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelExpiry?.();
    this.#cancelLook?.();
    const closed = new StoreClosedError(`the store ${this.#parts.path} is closed`);
    await Promise.allSettled(this.#snapshots);
    await this.#writes.drain(closed);
    this.#watches.endAll(closed);
    this.#parts.reader.close();
    try {
      await this.#parts.writer.close();
    } catch (error) {
      throw this.#storeError('closing', error);
    }
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new StoreClosedError(`the store ${this.#parts.path} is closed`);
  }

  #floor(prefix: string): number {
    const compacted = this.compactedRevision();
    const { memory } = this.#parts;
    return memory.covers(prefix) === 'none' ? compacted : Math.max(compacted, memory.floor(this.#window.floor));
  }

  #readable(revision: number | undefined, prefix: string): number {
    this.#mustBeOpen();
    const newest = this.revision();
    const compacted = this.#floor(prefix);
    if (revision === undefined) return newest;
    if (revision < compacted && !this.#isHeld(revision, prefix)) throw new CompactedError(revision, compacted);
    if (revision > newest) throw new FutureRevisionError(revision, newest);
    return revision;
  }

  /** Compaction has been asked for, but waits for a list. The past of what is kept in memory waits for nobody. */
  #isHeld(revision: number, prefix: string): boolean {
    return (
      this.#parts.memory.covers(prefix) === 'none' &&
      revision >= this.#writes.file.compacted &&
      this.#lists.holds(revision)
    );
  }

  #read<T>(read: (reader: Reader) => T): T {
    this.#mustBeOpen();
    try {
      return read(this.#parts.reader);
    } catch (error) {
      if (error instanceof StoreKeyError) throw error;
      const told = this.#storeError('reading', error);
      if (told instanceof StoreCorruptError) this.#failed(told);
      throw told;
    }
  }

  /** The server ends; its next start looks at the whole file if what was read was not what was written. */
  #failed(error: Error): void {
    if (error instanceof StoreCorruptError) {
      try {
        writeFileSync(suspectPath(this.#parts.path), `${error.problems.join('\n')}\n`, { mode: 0o600 });
      } catch {
        // A full disk, or a broken one: the next start notices without it what it can.
      }
    }
    this.#parts.onFailure?.(error);
  }

  #storeError(doing: string, error: unknown): Error {
    return storeError(this.#parts.path, doing, error instanceof ThreadFailure ? error.error : threadError(error));
  }

  #forget(target: number | undefined): void {
    this.#armTimer();
    if (target === undefined || this.#closing) return;
    this.compact(target).catch(error => {
      if (!this.#closing) this.#parts.logger.warn({ err: error, target }, 'automatic compaction failed');
    });
  }

  #lookAtSpace(): void {
    const { pages, freePages } = this.#writes.file;
    const { quotaBytes, logger, clock } = this.#parts;
    const space = {
      usedBytes: (pages - freePages) * PAGE_BYTES,
      quotaBytes,
      refused: this.#writes.refusal !== undefined,
    };
    const level = spaceLevel(space, this.#space);
    if (level !== this.#space) {
      this.#space = level;
      if (level === 'ok') logger.info(space, 'the store has room again');
      else
        logger[level === 'full' ? 'error' : 'warn'](
          space,
          spaceText(level, { ...space, diskFull: this.#writes.refusal === 'disk' }),
        );
      this.#parts.onSpace?.(level);
    }
    // The past is what can go first.
    this.#wasFull = level === 'full' || (level === 'low' && this.#wasFull);
    if (level !== 'ok') this.#forget(this.#parts.policy?.urgentTarget(this.compactedRevision(), this.#wasFull));
    if (level !== 'full' || this.#cancelLook || this.#closing) return;
    this.#cancelLook = clock.after(LOOK_MS, () => {
      this.#cancelLook = undefined;
      if (!this.#closing) this.#writes.lookForSpace();
    });
  }

  /** Deletes what is in memory and too old or too much. */
  #expire(): void {
    for (const { key, modRevision } of this.#parts.memory.overdue(this.#parts.elapsedMs())) {
      // It may be written anew meanwhile, or the store be closing: both are well.
      this.#writes.commit({ key, value: null, expect: modRevision }).catch(() => undefined);
    }
    this.#armExpiry();
  }

  #armExpiry(): void {
    const { memory, clock, elapsedMs } = this.#parts;
    if (this.#cancelExpiry || this.#closing) return;
    const next = memory.nextExpiryMs();
    if (next === undefined) return;
    this.#cancelExpiry = clock.after(Math.max(EXPIRY_STEP_MS, next - elapsedMs()), () => {
      this.#cancelExpiry = undefined;
      if (!this.#closing) this.#expire();
    });
  }

  /** There is a timer only while something is waiting to become old enough. */
  #armTimer(): void {
    const { policy, clock } = this.#parts;
    if (!policy?.pending(this.compactedRevision()) || this.#cancelTimer || this.#closing) return;
    this.#cancelTimer = clock.after(policy.intervalMs, () => {
      this.#cancelTimer = undefined;
      this.#forget(policy.target(this.compactedRevision(), clock.now()));
    });
  }
}

/** The part of a sorted list that was asked for. */
function cut(all: readonly KeyValue[], { after, limit = 0 }: RangeOptions, revision: number): RangeResult {
  const rest = after === undefined ? all : all.filter(({ key }) => compareKeys(key, after) > 0);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const remaining = rest.length - items.length;
  return { revision, items, more: remaining > 0, remaining };
}
