/**
 * The way of the writes: queue → group → writer thread → promises, window, watchers. And between groups, maintenance.
 *
 * Invariants:
 * - at most one request is with the writer at a time; after each the reader is moved on before anybody hears of the result;
 * - commits take effect, their promises settle, and watchers hear of them in the order of the calls (only when the disk is full
 *   may a deletion overtake other writes);
 * - the window's newest revision is the store's: it moves in one go with the promises and the watchers;
 * - after a failed write nothing more is sent to the writer: the outcome of the failed group is not known before the file has
 *   been opened again. Reads go on.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from '../../lib/log.ts';
import { type CommitResult, type StoreEvent, StoreFailedError, type Write } from '../store.ts';
import { isLocked, isNoSpace, noSpaceError, quotaError, storeError, threadError } from './errors.ts';
import { ThreadFailure, type WriterLink } from './link.ts';
import { nextStep } from './maintenance.ts';
import {
  type FileState,
  Outcome,
  packWrites,
  unpackResults,
  type WriteResult,
  type WriterReply,
  type WriterRequest,
} from './protocol.ts';
import type { Reader } from './reader.ts';
import type { EventWindow } from './window.ts';

/** Bounds of one group: how long its transaction takes, and its bytes in flight. */
const GROUP_WRITES = 512;
const GROUP_BYTES = 4 * 1024 * 1024;

export interface WritesParts {
  readonly path: string;
  readonly quotaBytes: number;
  readonly writer: WriterLink;
  readonly reader: Reader;
  readonly window: EventWindow;
  readonly logger: Logger;
  readonly file: FileState;
  /** The oldest revision a list in progress reads at; compaction waits for it. */
  readonly heldRevision: () => number;
  /** A group is durable; the events are in the window. */
  readonly onEvents: (events: readonly StoreEvent[]) => void;
  /** A write was refused for want of space. */
  readonly onFull: () => void;
  readonly onFailure: (error: Error) => void;
}

interface Pending {
  readonly write: Write;
  resolve(result: CommitResult): void;
  reject(error: Error): void;
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
  #running = false;
  #working: Promise<void> | undefined;
  #drained = false;
  #failure: Error | undefined;
  #vacuuming = false;
  #heldPages = 0;
  /** Transactions so far, and the commits in them. */
  groups = 0;
  commits = 0;
  /** Whether a write has been refused for want of space since the last one that was not. */
  full = false;

  constructor(parts: WritesParts) {
    this.#parts = parts;
    this.#file = parts.file;
    this.#compactTo = parts.file.compacted;
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
    for (const compaction of this.#compactions.splice(0)) compaction.reject(reason);
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
    const group = this.#takeGroup();
    let results: WriteResult[];
    try {
      results = await this.#write(group);
      if (results.some(wasOutOfSpace)) results = await this.#writeAgain(group, results);
    } catch (error) {
      const told = this.#storeError('writing', error);
      for (const pending of group) pending.reject(told);
      if (isPassing(error)) return;
      throw error;
    }
    this.#publish(group, results);
  }

  #takeGroup(): Pending[] {
    let count = 0;
    let bytes = 0;
    for (const { write } of this.#queue) {
      bytes += write.value?.length ?? 0;
      if (count === GROUP_WRITES || (count > 0 && bytes > GROUP_BYTES)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #write(group: readonly Pending[]): Promise<WriteResult[]> {
    const batch = packWrites(group.map(({ write }) => write));
    const buffers = [batch.numbers.buffer, batch.bytes.buffer].filter(buffer => buffer instanceof ArrayBuffer);
    const { results } = await this.#ask({ kind: 'commit', batch }, buffers);
    if (results === undefined) throw new Error('the writer did not say what became of a group');
    return unpackResults(results, batch.keys);
  }

  /**
   * The disk is full, but once the log has been brought home (into the reserve, if need be) it is written over from its start,
   * and that takes no space.
   */
  async #writeAgain(group: readonly Pending[], results: WriteResult[]): Promise<WriteResult[]> {
    await this.#ask({ kind: 'checkpoint' });
    const refused = group.filter((_, index) => wasOutOfSpace(results[index]));
    const again = (await this.#write(refused)).values();
    return results.map(result => (wasOutOfSpace(result) ? (again.next().value ?? result) : result));
  }

  /** One synchronous step: no one can look between the promises, the window and the watchers. */
  #publish(group: readonly Pending[], results: readonly WriteResult[]): void {
    const events: StoreEvent[] = [];
    let refused = false;
    for (const [index, { write, resolve, reject }] of group.entries()) {
      const result = results[index];
      const before = result?.before;
      switch (result?.outcome) {
        case Outcome.Committed:
          events.push(this.#remember(write, result));
          resolve({ ok: true, revision: result.revision, ...(before ? { previous: before } : {}) });
          break;
        case Outcome.Conflict:
          resolve({ ok: false, ...(before ? { current: before } : {}) });
          break;
        case Outcome.OverQuota:
          reject(quotaError(this.#parts.path, this.#parts.quotaBytes));
          refused = true;
          break;
        default:
          reject(noSpaceError(this.#parts.path));
          refused = true;
      }
    }
    if (refused && !this.full) this.#parts.logger.error({ file: this.#file }, 'the store is full; writes are refused');
    if (refused || events.length > 0) this.full = refused;
    if (events.length > 0) {
      // After #writeAgain the order of the calls is not that of the revisions.
      events.sort((a, b) => a.revision - b.revision);
      for (const event of events) this.#parts.window.push(event);
      this.groups++;
      this.commits += events.length;
      this.#parts.onEvents(events);
    }
    if (refused) this.#parts.onFull();
  }

  /** The event of a committed write; its value goes to the cache, the one it replaces leaves it. */
  #remember({ key, value }: Write, { revision, before }: WriteResult): StoreEvent {
    const { cache } = this.#parts.reader;
    const createRevision = before?.createRevision ?? revision;
    // Rather the Buffer that is in memory anyway than the copy that came with the message.
    const previous = before && (cache.get(before.modRevision)?.value ?? before.value);
    if (before) cache.remove(before.modRevision);
    if (value !== null) cache.add({ key, value, modRevision: revision, createRevision });
    return {
      type: value === null ? 'delete' : 'put',
      key,
      revision,
      value: value ?? previous ?? Buffer.alloc(0),
      createRevision,
      ...(previous ? { previous } : {}),
    };
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
    const done = this.#compactions.filter(({ target }) => target <= this.#file.compacted);
    this.#compactions = this.#compactions.filter(({ target }) => target > this.#file.compacted);
    for (const { resolve } of done) resolve();
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

const wasOutOfSpace = (result: WriteResult | undefined): boolean => result?.outcome === Outcome.NoSpace;
