/**
 * The objects of one small resource in memory, current as of the store's newest durable revision: what admission and
 * authorization look up for nearly every request (namespaces, service accounts, roles).
 *
 * Invariants:
 * - after {@link Mirror.start} the entries equal the store's keys under the prefix at the revision last delivered;
 * - when the store ends the watch, the mirror begins again from a fresh range, until it is closed;
 * - closed, it knows what it knew.
 */
import type { KubeObject } from '../api/object.ts';
import { type Store, StoreClosedError, type StoreEvent } from '../store/store.ts';
import { deserializeUnmanaged } from './serialized.ts';

interface Entry<T> {
  readonly value: Buffer;
  readonly revision: number;
  object?: T;
}

export interface MirrorListener {
  /** `value` undefined: the key is gone. */
  changed(key: string): void;
  /** Everything may be different. */
  reset(): void;
}

export class Mirror<T extends KubeObject> {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #listeners: MirrorListener[] = [];
  #stop: () => void = () => undefined;
  #started: Promise<void> | undefined;
  #ready = false;
  #closed = false;

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /** Resolves when the first range has been read; begins at the first call. @throws StoreClosedError closed before that. */
  start(): Promise<void> {
    this.#started ??= this.#load();
    return this.#started;
  }

  /** The first range has been read: {@link start} need not be waited for. */
  get ready(): boolean {
    return this.#ready;
  }

  listen(listener: MirrorListener): void {
    this.#listeners.push(listener);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Shared: nobody may change it. Without `managedFields`, which are most of a small object and nobody's question. */
  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    entry.object ??= deserializeUnmanaged(entry.value, entry.revision) as T;
    return entry.object;
  }

  *values(prefix = ''): Generator<T> {
    for (const key of this.#entries.keys()) {
      if (!key.startsWith(prefix)) continue;
      const object = this.get(key);
      if (object) yield object;
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  async #load(): Promise<void> {
    const { items, revision } = await this.#store.range({ prefix: this.#prefix });
    if (this.#closed) throw new StoreClosedError(`closed before ${this.#prefix} was read`);
    this.#entries.clear();
    for (const { key, value, modRevision } of items) this.#entries.set(key, { value, revision: modRevision });
    this.#ready = true;
    for (const listener of this.#listeners) listener.reset();
    this.#stop = this.#store.watch(
      { prefix: this.#prefix, afterRevision: revision },
      {
        onEvents: events => this.#apply(events),
        onEnd: () => {
          if (!this.#closed) this.#load().catch(() => undefined); // closing; a failed range has nothing to add
        },
      },
    );
  }

  #apply(events: readonly StoreEvent[]): void {
    for (const event of events) {
      if (event.type === 'delete') this.#entries.delete(event.key);
      else this.#entries.set(event.key, { value: event.value, revision: event.revision });
      for (const listener of this.#listeners) listener.changed(event.key);
    }
  }
}
