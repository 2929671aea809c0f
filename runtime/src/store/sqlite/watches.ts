/**
 * Who is told what.
 *
 * Invariants of a watch:
 * - `position`: every matching event up to it has been delivered, none after it;
 * - it is live (in `#live`) exactly when its position follows `publish`; before that it catches up, from the file in slices, then
 *   from the window in one go;
 * - once ended no callback of it runs.
 */
import type { Logger } from '../../lib/log.ts';
import { CompactedError, FutureRevisionError, type StoreEvent, type Watcher, type WatchOptions } from '../store.ts';
import type { EventWindow } from './window.ts';

/** Revisions read from the file in one go. */
const SLICE_REVISIONS = 500;

interface Watch {
  readonly prefix: string;
  readonly watcher: Watcher;
  position: number;
  ended: boolean;
}

/** What the watches need to know of the store. */
export interface History {
  /** The oldest revision events with this prefix are known from. */
  floor(prefix: string): number;
  readonly window: EventWindow;
  /** Events with after < revision ≤ upTo, from the file. */
  events(prefix: string, after: number, upTo: number): StoreEvent[];
}

export class Watches {
  readonly #history: History;
  readonly #logger: Logger;
  /** By prefix: events are matched once for all who watch the same. */
  readonly #live = new Map<string, Set<Watch>>();
  readonly #catchingUp = new Set<Watch>();

  constructor(history: History, logger: Logger) {
    this.#history = history;
    this.#logger = logger;
  }

  get count(): number {
    let count = this.#catchingUp.size;
    for (const group of this.#live.values()) count += group.size;
    return count;
  }

  start({ prefix, afterRevision }: WatchOptions, watcher: Watcher): () => void {
    const revision = this.#history.window.newest;
    const compacted = this.#history.floor(prefix);
    if (afterRevision < compacted) throw new CompactedError(afterRevision, compacted);
    if (afterRevision > revision) throw new FutureRevisionError(afterRevision, revision);
    const watch: Watch = { prefix, watcher, position: afterRevision, ended: false };
    if (afterRevision === revision) {
      this.#goLive(watch);
      queueMicrotask(() => this.#announce(watch));
    } else {
      this.#catchingUp.add(watch);
      queueMicrotask(() => this.#catchUp(watch));
    }
    return () => this.#remove(watch);
  }

  /** Tells the live watches a group of events, all newer than what they were told before. */
  publish(events: readonly StoreEvent[]): void {
    const last = events.at(-1)?.revision ?? 0;
    for (const [prefix, group] of this.#live) {
      const matching = events.filter(event => event.key.startsWith(prefix));
      for (const watch of group) {
        // A watch begun by a callback of this very loop has its position at `last` already.
        if (watch.position >= last) continue;
        watch.position = last;
        if (matching.length > 0) this.#deliver(watch, matching);
      }
    }
  }

  #catchUp(watch: Watch): void {
    if (watch.ended) return;
    const { window } = this.#history;
    if (watch.position >= window.floor) {
      const events = window.after(watch.position, watch.prefix);
      this.#catchingUp.delete(watch);
      watch.position = this.#history.window.newest;
      this.#goLive(watch);
      if (events.length > 0) this.#deliver(watch, events);
      this.#announce(watch);
      return;
    }
    const compacted = this.#history.floor(watch.prefix);
    if (watch.position < compacted) {
      this.#end(watch, new CompactedError(watch.position, compacted));
      return;
    }
    const upTo = Math.min(watch.position + SLICE_REVISIONS, window.floor);
    let events: StoreEvent[];
    try {
      events = this.#history.events(watch.prefix, watch.position, upTo);
    } catch (error) {
      this.#end(watch, asError(error));
      return;
    }
    watch.position = upTo;
    if (events.length > 0) this.#deliver(watch, events);
    setImmediate(() => this.#catchUp(watch));
  }

  #goLive(watch: Watch): void {
    const group = this.#live.get(watch.prefix);
    if (group) group.add(watch);
    else this.#live.set(watch.prefix, new Set([watch]));
  }

  #announce(watch: Watch): void {
    if (!watch.ended) watch.watcher.onLive?.();
  }

  #deliver(watch: Watch, events: readonly StoreEvent[]): void {
    if (watch.ended) return;
    try {
      watch.watcher.onEvents(events);
    } catch (error) {
      this.#logger.error({ err: error, prefix: watch.prefix }, 'a watcher failed on its events; its watch ends');
      this.#end(watch, asError(error));
    }
  }

  #end(watch: Watch, error: Error): void {
    if (watch.ended) return;
    this.#remove(watch);
    try {
      watch.watcher.onEnd(error);
    } catch (thrown) {
      this.#logger.error({ err: thrown, prefix: watch.prefix }, 'a watcher failed on the end of its watch');
    }
  }

  #remove(watch: Watch): void {
    watch.ended = true;
    this.#catchingUp.delete(watch);
    const group = this.#live.get(watch.prefix);
    if (group?.delete(watch) && group.size === 0) this.#live.delete(watch.prefix);
  }

  endAll(error: Error): void {
    const all = [...this.#catchingUp, ...[...this.#live.values()].flatMap(group => [...group])];
    for (const watch of all) this.#end(watch, error);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
