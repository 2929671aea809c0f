/**
 * The way of the writes: queue → group → writer thread → promises, window, watchers. And between groups, maintenance.
 *
 * Invariants:
 * - at most one request is with the writer at a time; after each the reader is moved on before anybody hears of the result;
 * - commits take effect, their promises settle, and watchers hear of them in the order of the calls (only when the disk is full
 *   may a deletion overtake other writes);
 * - the window's newest revision is the store's: it moves in one go with the promises and the watchers;
 * - what is kept in memory (`memory.ts`) goes the same way and takes the revisions after those of its group's other writes, all of
 *   them set aside in the file before (`reserved`); a group of nothing else does not wait for the disk;
 * - after a failed write nothing more is sent to the writer: the outcome of the failed group is not known before the file has
 *   been opened again. Reads go on.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from '../../lib/log.ts';
import { type CommitResult, type KeyValue, type StoreEvent, StoreFailedError, type Write } from '../store.ts';
import { isLocked, isNoSpace, noSpaceError, quotaError, storeError, threadError } from './errors.ts';
import { ThreadFailure, type WriterLink } from './link.ts';
import { nextStep } from './maintenance.ts';
import type { MemoryTables } from './memory.ts';
import {
  type FileState,
  type HeldWrite,
  Outcome,
  packWrites,
  unpackResults,
  type WriteResult,
  type WriterReply,
  type WriterRequest,
} from './protocol.ts';
import type { Reader, ValueCodec } from './reader.ts';
import { PAGE_BYTES } from './schema.ts';
import type { EventWindow } from './window.ts';

/** Bounds of one group: how long its transaction takes, and its bytes in flight. */
const GROUP_WRITES = 512;
const GROUP_BYTES = 4 * 1024 * 1024;
/** Revisions set aside at once for what is kept in memory: a write of its own to the disk so seldom. */
const RESERVED_REVISIONS = 2_000;
/** Free pages given back in one go while scrubbing: a few ms. */
const SCRUB_SLICE_PAGES = 128;

export interface WritesParts {
  readonly path: string;
  readonly quotaBytes: number;
  readonly writer: WriterLink;
  readonly reader: Reader;
  readonly window: EventWindow;
  readonly memory: MemoryTables;
  readonly codec: ValueCodec | undefined;
  /** Milliseconds since some moment; no clock that anybody sets. */
  readonly elapsedMs: () => number;
  readonly logger: Logger;
  readonly file: FileState;
  /** The oldest revision a list in progress reads at; compaction waits for it. */
  readonly heldRevision: () => number;
  /** A group is durable; the events are in the window. */
  readonly onEvents: (events: readonly StoreEvent[]) => void;
  /** How full the store is may have changed. */
  readonly onSpace: () => void;
  /** A write was refused for want of space. */
  readonly onFull: () => void;
  readonly onFailure: (error: Error) => void;
}

interface Pending {
  readonly write: Write;
  resolve(result: CommitResult): void;
  reject(error: Error): void;
}

/** Where a write of a group goes, and for what is kept in memory, what was there. */
interface Planned {
  readonly pending: Pending;
  readonly place: 'file' | 'memory' | 'both' | 'conflict';
  readonly before: KeyValue | undefined;
}

interface Compaction {
  readonly target: number;
  resolve(): void;
  reject(error: Error): void;
}

export class Writes {
  readonly #parts: WritesParts;
  #file: FileState;
  #queue: Pending[] = [];
  #compactions: Compaction[] = [];
  #compactTo: number;
  #scrubs: { readonly wholly: boolean; resolve(): void; reject(error: Error): void }[] = [];
  #running = false;
  #working: Promise<void> | undefined;
  #drained = false;
  #failure: Error | undefined;
  #vacuuming = false;
  #looking = false;
  #heldPages = 0;
  /** Transactions so far, and the commits in them. */
  groups = 0;
  commits = 0;
  /** What a write has been refused for since the last one that was not. */
  refusal: 'quota' | 'disk' | undefined;

  constructor(parts: WritesParts) {
    this.#parts = parts;
    this.#file = parts.file;
    this.#compactTo = parts.file.compacted;
  }

  /** Looks whether there is space again after a write was refused. */
  lookForSpace(): void {
    this.#looking = true;
    this.wake();
  }

  get file(): FileState {
    return this.#file;
  }

  /** Nothing before this revision may be read any more, whether it has been removed already or not. */
  get compacted(): number {
    return Math.max(this.#file.compacted, this.#compactTo);
  }

  commit(write: Write): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      if (write.key === '' || write.key.includes('\0'))
        throw new RangeError('a key must not be empty or contain U+0000');
      this.#queue.push({ write, resolve, reject });
      this.wake();
    });
  }

  compact(target: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      this.#compactions.push({ target, resolve, reject });
      this.#compactTo = Math.max(this.#compactTo, target);
      this.wake();
    });
  }

  /**
   * Leaves little in the file and its log but what can be read: free pages go, the log is brought home and cut to nothing.
   * `wholly`: nothing else at all, by writing the file anew; writes wait for it.
   */
  scrub(wholly: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      this.#scrubs.push({ wholly, resolve, reject });
      this.wake();
    });
  }

  /** Makes sure that whatever there is to do gets done. */
  wake(): void {
    if (this.#running || this.#drained) return;
    this.#running = true;
    this.#working = this.#work();
  }

  /** Everything asked for so far is done, except compaction, which is broken off with `reason`: it can go on after the next start. */
  async drain(reason: Error): Promise<void> {
    this.#breakOffCompaction(reason);
    while (this.#running) await this.#working;
    this.#drained = true;
  }

  #breakOffCompaction(reason: Error): void {
    this.#compactTo = this.#file.compacted;
    for (const asked of [...this.#compactions.splice(0), ...this.#scrubs.splice(0)]) asked.reject(reason);
  }

  async #work(): Promise<void> {
    try {
      for (;;) {
        // Everything asked for in this turn of the event loop, or by the last group's callers when they went on, shares a group.
        await turn();
        if (this.#failure) return;
        if (this.#queue.length > 0) await this.#commitGroup();
        const step = this.#nextStep();
        if (step) await this.#maintain(step);
        else if (this.#queue.length === 0 && this.#scrubs.length > 0) await this.#scrub();
        else if (this.#queue.length === 0 && this.#looking) await this.#look();
        else if (this.#queue.length === 0) return;
      }
    } catch (error) {
      this.#fail(this.#storeError('writing', error));
    } finally {
      // In the same breath as the last look at the queue: no wake() is lost.
      this.#running = false;
    }
  }

  async #commitGroup(): Promise<void> {
    const group = this.#takeGroup().map(pending => this.#plan(pending));
    const durable = group.filter(({ place }) => place === 'file' || place === 'both');
    const kept = group.length - durable.length;
    let results: WriteResult[] = [];
    try {
      const reserve = this.#revisionsToReserve(durable.length, kept);
      if (durable.length > 0 || reserve > 0) results = await this.#write(durable, reserve);
      if (results.some(wasOutOfSpace)) results = await this.#writeAgain(durable, results);
    } catch (error) {
      const told = this.#storeError('writing', error);
      for (const { pending } of group) pending.reject(told);
      if (isPassing(error)) return;
      throw error;
    }
    this.#publish(group, results);
  }

  #takeGroup(): Pending[] {
    let count = 0;
    let bytes = 0;
    const kept = new Set<string>();
    for (const { write } of this.#queue) {
      bytes += write.value?.length ?? 0;
      if (count === GROUP_WRITES || (count > 0 && bytes > GROUP_BYTES)) break;
      // Each is decided against what is in memory now, so a key is there once a group.
      if (this.#parts.memory.ruleOf(write.key)) {
        if (kept.has(write.key)) break;
        kept.add(write.key);
      }
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #plan(pending: Pending): Planned {
    const { memory } = this.#parts;
    const { key, value, expect } = pending.write;
    const rule = memory.ruleOf(key);
    if (!rule) return { pending, place: 'file', before: undefined };
    const before = memory.get(key);
    const refused = (expect !== undefined && expect !== (before?.modRevision ?? 0)) || (value === null && !before);
    if (refused) return { pending, place: 'conflict', before };
    return { pending, place: rule.lasting?.(before?.value, value) ? 'both' : 'memory', before };
  }

  /** The bound to write into the file before so many more revisions are given out; 0: the present one will do. */
  #revisionsToReserve(durable: number, kept: number): number {
    const needed = this.#parts.window.newest + durable + kept;
    // With a write on its way it costs little: not only when it must be.
    const early = durable > 0 ? RESERVED_REVISIONS / 2 : 0;
    return kept > 0 && needed + early > this.#file.reserved ? needed + RESERVED_REVISIONS : 0;
  }

  async #write(group: readonly Planned[], reserve = 0): Promise<WriteResult[]> {
    const { codec, window } = this.#parts;
    const writes = group.map(({ pending: { write }, place }): HeldWrite => {
      const { key, value, expect } = write;
      const stored = value === null || codec === undefined ? value : codec.seal(key, value);
      // What is also in memory has been decided there: the file may have an older revision of it.
      return place === 'both' || expect === undefined
        ? { key, value: stored }
        : { key, value: stored, expect, held: this.#held(key, expect) };
    });
    const batch = packWrites(writes, window.newest, reserve);
    const buffers = [batch.numbers.buffer, batch.bytes.buffer].filter(buffer => buffer instanceof ArrayBuffer);
    const { results } = await this.#ask({ kind: 'commit', batch }, buffers);
    if (results === undefined) throw new Error('the writer did not say what became of a group');
    return unpackResults(results, writes);
  }

  /**
   * The disk is full, but once the log has been brought home (into the reserve, if need be) it is written over from its start,
   * and that takes no space.
   */
  async #writeAgain(group: readonly Planned[], results: WriteResult[]): Promise<WriteResult[]> {
    await this.#ask({ kind: 'checkpoint' });
    const refused = group.filter((_, index) => wasOutOfSpace(results[index]));
    const again = (await this.#write(refused)).values();
    return results.map(result => (wasOutOfSpace(result) ? (again.next().value ?? result) : result));
  }

  /** One synchronous step: no one can look between the promises, the window, the tables in memory and the watchers. */
  #publish(group: readonly Planned[], results: readonly WriteResult[]): void {
    const events: StoreEvent[] = [];
    let refused: 'quota' | 'disk' | undefined;
    let newest = Math.max(this.#parts.window.newest, this.#file.revision);
    let index = 0;
    for (const planned of group) {
      const { write, resolve, reject } = planned.pending;
      const result = planned.place === 'file' || planned.place === 'both' ? results[index++] : undefined;
      if (planned.place === 'conflict') {
        resolve({ ok: false, ...(planned.before ? { current: planned.before } : {}) });
      } else if (planned.place === 'memory' || (planned.place === 'both' && result?.outcome === Outcome.Conflict)) {
        if (newest >= this.#file.reserved) {
          reject(noSpaceError(this.#parts.path));
          refused = 'disk';
          continue;
        }
        events.push(this.#kept(write, planned.before, ++newest));
        resolve({ ok: true, revision: newest, ...(planned.before ? { previous: planned.before } : {}) });
      } else if (result?.outcome === Outcome.Committed) {
        const before = planned.place === 'both' ? this.#opened(planned.before) : this.#beforeOf(result);
        events.push(
          planned.place === 'both'
            ? this.#kept(write, before, result.revision)
            : this.#remember(write, result.revision, before),
        );
        resolve({ ok: true, revision: result.revision, ...(before ? { previous: before } : {}) });
      } else if (result?.outcome === Outcome.Conflict) {
        const before = this.#beforeOf(result);
        resolve({ ok: false, ...(before ? { current: before } : {}) });
      } else {
        reject(
          result?.outcome === Outcome.OverQuota
            ? quotaError(this.#parts.path, this.#parts.quotaBytes)
            : noSpaceError(this.#parts.path),
        );
        refused = result?.outcome === Outcome.OverQuota ? 'quota' : 'disk';
      }
    }
    if (refused || results.length > 0) this.refusal = refused;
    if (events.length > 0) {
      // What memory took comes last, and after #writeAgain the order of the calls is not that of the revisions.
      events.sort((a, b) => a.revision - b.revision);
      for (const event of events) this.#parts.window.push(event);
      this.#parts.memory.forget(this.#parts.window.floor);
      if (results.length > 0) this.groups++;
      this.commits += events.length;
      this.#parts.onEvents(events);
    }
    if (refused) this.#parts.onFull();
    this.#parts.onSpace();
  }

  /** Most writes change what has just been read: the writer need neither read nor send that. */
  #held(key: string, revision: number): KeyValue | undefined {
    const cached = this.#parts.reader.cache.get(revision);
    return cached?.key === key ? cached : undefined;
  }

  #beforeOf({ before, held = false }: WriteResult): KeyValue | undefined {
    return held ? before : this.#opened(before);
  }

  /** What the writer found in the file, as it was given to us; rather the Buffer that is in memory anyway. */
  #opened(found: KeyValue | undefined): KeyValue | undefined {
    if (found === undefined || this.#parts.memory.ruleOf(found.key)) return found;
    const cached = this.#parts.reader.cache.get(found.modRevision);
    if (cached !== undefined || this.#parts.codec === undefined) return cached ?? found;
    return { ...found, value: this.#parts.codec.open(found.key, found.value) };
  }

  /** The event of a write that is kept in memory. */
  #kept({ key, value }: Write, before: KeyValue | undefined, revision: number): StoreEvent {
    const createRevision = before?.createRevision ?? revision;
    const entry = value === null ? undefined : { key, value, modRevision: revision, createRevision };
    this.#parts.memory.apply(key, entry, revision, this.#parts.elapsedMs());
    return eventOf(key, value, revision, before);
  }

  /** The event of a committed write; its value goes to the cache, the one it replaces leaves it. */
  #remember({ key, value }: Write, revision: number, before: KeyValue | undefined): StoreEvent {
    const { cache } = this.#parts.reader;
    const createRevision = before?.createRevision ?? revision;
    if (before) cache.remove(before.modRevision);
    if (value !== null) cache.add({ key, value, modRevision: revision, createRevision });
    return eventOf(key, value, revision, before);
  }

  #nextStep(): WriterRequest | undefined {
    return nextStep({
      file: this.#file,
      compactTo: Math.min(this.#compactTo, this.#parts.heldRevision()),
      busy: this.#queue.length > 0,
      vacuuming: this.#vacuuming,
      heldPages: this.#heldPages,
    });
  }

  async #maintain(step: WriterRequest): Promise<void> {
    const { freePages } = this.#file;
    try {
      await this.#ask(step);
    } catch (error) {
      // On a full disk even forgetting may find no page to note it on. What asked for it will ask again.
      if (!isPassing(error)) throw error;
      this.#parts.logger.warn({ step: step.kind, err: error }, 'the upkeep of the store is put off');
      this.#breakOffCompaction(this.#storeError('compacting', error));
      return;
    }
    if (step.kind === 'checkpoint') this.#heldPages = this.#file.walPages;
    this.#vacuuming = step.kind === 'vacuum' && this.#file.freePages < freePages;
    this.#parts.onSpace();
    const done = this.#compactions.filter(({ target }) => target <= this.#file.compacted);
    this.#compactions = this.#compactions.filter(({ target }) => target > this.#file.compacted);
    for (const { resolve } of done) resolve();
  }

  /** A checkpoint takes the reserve back if it can. Tells of the space, whatever it finds. */
  async #look(): Promise<void> {
    this.#looking = false;
    await this.#maintain({ kind: 'checkpoint' });
    const usedBytes = (this.#file.pages - this.#file.freePages) * PAGE_BYTES;
    if (!this.#file.diskFull && usedBytes < this.#parts.quotaBytes) this.refusal = undefined;
    this.#parts.onSpace();
  }

  /** In slices; writes that come meanwhile go between them. */
  async #scrub(): Promise<void> {
    const asked = this.#scrubs.splice(0);
    try {
      while (this.#file.freePages > 0) {
        const { freePages } = this.#file;
        await this.#ask({ kind: 'vacuum', pages: SCRUB_SLICE_PAGES });
        if (this.#file.freePages >= freePages) break;
        if (this.#queue.length > 0) await this.#commitGroup();
      }
      if (asked.some(({ wholly }) => wholly)) await this.#ask({ kind: 'rewrite' });
      await this.#ask({ kind: 'checkpoint' });
      await this.#ask({ kind: 'truncateLog' });
      for (const { resolve } of asked) resolve();
    } catch (error) {
      const told = this.#storeError('scrubbing', error);
      for (const { reject } of asked) reject(told);
      if (!isPassing(error)) throw error;
    }
  }

  async #ask(request: WriterRequest, transfer: ArrayBuffer[] = []): Promise<WriterReply> {
    const reply = await this.#parts.writer.ask(request, transfer);
    const seen = this.#parts.reader.refresh();
    if (seen !== reply.state.revision) {
      throw new StoreFailedError(
        `the store ${this.#parts.path} is at revision ${seen}, but the writer left it at ${reply.state.revision}: another process writes to it; stop that one`,
      );
    }
    this.#file = reply.state;
    this.#heldPages = Math.min(this.#heldPages, reply.state.walPages);
    return reply;
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#parts.logger.fatal({ err: error }, 'the store takes no more writes');
    for (const pending of this.#queue.splice(0)) pending.reject(error);
    this.#breakOffCompaction(error);
    this.#parts.onFailure(error);
  }

  #storeError(doing: string, error: unknown): Error {
    if (error instanceof StoreFailedError) return error;
    return storeError(this.#parts.path, doing, error instanceof ThreadFailure ? error.error : threadError(error));
  }
}

/** Nothing was written, and the file is as it was: the store goes on. */
const isPassing = (error: unknown): boolean =>
  error instanceof ThreadFailure && (isLocked(error.error.code) || isNoSpace(error.error.code));

function eventOf(key: string, value: Buffer | null, revision: number, before: KeyValue | undefined): StoreEvent {
  return {
    type: value === null ? 'delete' : 'put',
    key,
    revision,
    value: value ?? before?.value ?? Buffer.alloc(0),
    createRevision: before?.createRevision ?? revision,
    ...(before ? { previous: before.value } : {}),
  };
}

const wasOutOfSpace = (result: WriteResult | undefined): boolean => result?.outcome === Outcome.NoSpace;
