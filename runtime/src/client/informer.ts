/**
 * A cache of one resource (or of one selection of it) that follows the server: list, then watch, for ever.
 *
 * Invariants: the cache holds each object's latest state seen, never an older one after a newer; a listener is told of
 * every difference between what it was told before and the cache, in order, synchronously, after the cache has changed;
 * a lost watch resumes where it ended; when history is gone (410) the list is read again and the difference told.
 * Cached objects are shared: they must not be changed.
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes)
 */
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { isExpired, isNotFound } from './apiError.ts';
import type { Client, Selection } from './client.ts';
import { UnreachableError } from './reach.ts';
import { type ApiObject, groupResourceOf, keyText, type ResourceRef } from './resources.ts';

export interface Listener<T> {
  add?(object: T): void;
  update?(object: T, old: T): void;
  /** `object` is the last state known. */
  delete?(object: T): void;
}

/** The values an object is found under. */
export type Indexer<T> = (object: T) => readonly string[];

export interface InformerOptions<T extends ApiObject> extends Selection {
  readonly client: Client;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** Cache `PartialObjectMetadata` only; use with `metadataOf(ref)`. */
  readonly metadataOnly?: boolean | undefined;
  /** What to keep of an object. Runs after `managedFields` has been dropped; may change its argument. */
  readonly transform?: ((object: T) => T) | undefined;
  /** Objects of one page of the first list. Default 500; fewer where each is large. */
  readonly pageSize?: number | undefined;
  readonly indexers?: Readonly<Record<string, Indexer<T>>> | undefined;
  /** Between 0 and 1, for back-off and watch length; a test holds it. */
  readonly random?: (() => number) | undefined;
}

const PAGE = 500;
const FIRST_BACK_OFF_MS = 200;
const LAST_BACK_OFF_MS = 30_000;
/** A watch is ended by the server after 30 to 60 minutes, so that they do not all end at once. */
const WATCH_SECONDS = 1800;

export class Informer<T extends ApiObject> {
  readonly ref: ResourceRef<T>;
  /** Resolves when the first list is in the cache; never rejects (it stays pending if the server never answers). */
  readonly synced: Promise<void>;
  readonly #options: InformerOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { readonly of: Indexer<T>; readonly entries: Map<string, Set<string>> }>();
  readonly #listeners = new Set<Listener<T>>();
  #resourceVersion = '';
  #hasSynced = false;
  #saidNotServed = false;
  #markSynced: () => void = () => {};
  #running: Promise<void> | undefined;

  constructor(ref: ResourceRef<T>, options: InformerOptions<T>) {
    this.ref = ref;
    this.#options = options;
    this.synced = new Promise(resolve => {
      this.#markSynced = resolve;
    });
    for (const [name, of] of Object.entries(options.indexers ?? {})) this.addIndex(name, of);
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Of the newest change in the cache. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(keyText({ namespace, name }));
  }

  /** By `namespace/name` (or `name` where cluster-scoped), the key of work queues. */
  getByKey(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): Iterable<T> {
    return this.#objects.values();
  }

  /**
   * The objects found under `value`.
   * @throws Error when there is no such index: that is a mistake in the program.
   */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (!index)
      throw new Error(`the informer of ${groupResourceOf(this.ref)} has no index "${name}": add it with addIndex`);
    const found: T[] = [];
    for (const key of index.entries.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object) found.push(object);
    }
    return found;
  }

  /** Idempotent by name, so that two users of a shared informer may both ask for theirs. */
  addIndex(name: string, of: Indexer<T>): void {
    if (this.#indexes.has(name)) return;
    const index = { of, entries: new Map<string, Set<string>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) enter(index.entries, of(object), key);
  }

  /** Tells the listener of what is in the cache already, then of every change. The function returned ends it. */
  on(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    for (const object of this.#objects.values()) this.#tell(() => listener.add?.(object));
    return () => this.#listeners.delete(listener);
  }

  /** Follows the server until `signal` aborts. Calling it again returns the same promise. */
  run(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#follow(signal);
    return this.#running;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock = systemClock, random = Math.random, logger } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.now();
      try {
        if (this.#resourceVersion === '') await this.#list(signal);
        await this.#watch(signal, Math.round(WATCH_SECONDS * (1 + random())));
        // A server that ends every watch at once must not be asked in a tight loop.
        failures = clock.now() - startedMs < 1000 ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) this.#resourceVersion = '';
        else if (isNotFound(error)) this.#notServed();
        else {
          // That it is away is said once for all, by who looks for it.
          const level = error instanceof UnreachableError ? 'debug' : 'warn';
          const resource = groupResourceOf(this.ref);
          logger[level]({ err: error, resource }, 'list or watch failed; it will be tried again');
        }
        failures = clock.now() - startedMs > 60_000 ? 1 : failures + 1;
      }
      if (failures > 0) {
        const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 20), LAST_BACK_OFF_MS);
        await this.#options.client.pause(backOffMs * (0.5 + random() / 2), signal, clock);
      }
    }
  }

  /** A definition has been deleted, and whoever wanted this cache will hear of it; or it is not there yet, which is said once. */
  #notServed(): void {
    this.#resourceVersion = '';
    const level = this.#hasSynced || this.#saidNotServed ? 'debug' : 'info';
    this.#saidNotServed = true;
    this.#options.logger[level](
      { resource: groupResourceOf(this.ref) },
      'the server does not serve the resource; it will be asked again',
    );
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, metadataOnly, pageSize = PAGE } = this.#options;
    const fresh = new Map<string, T>();
    let resourceVersion = '';
    let token: string | undefined;
    do {
      const page = await client.list(this.ref, {
        namespace,
        labelSelector,
        fieldSelector,
        metadataOnly,
        limit: pageSize,
        continue: token,
        signal,
      });
      for (const item of page.items) fresh.set(keyOf(item), this.#kept(item));
      token = page.metadata.continue || undefined;
      resourceVersion = page.metadata.resourceVersion ?? '';
    } while (token !== undefined);
    if (signal.aborted) return;
    this.#resourceVersion = resourceVersion;
    for (const key of [...this.#objects.keys()]) if (!fresh.has(key)) this.#remove(key);
    for (const [key, object] of fresh) this.#put(key, object);
    this.#hasSynced = true;
    this.#markSynced();
  }

  async #watch(signal: AbortSignal, timeoutSeconds: number): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    const events = client.watch(this.ref, {
      namespace,
      labelSelector,
      fieldSelector,
      metadataOnly,
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds,
      signal,
    });
    for await (const { type, object } of events) {
      const { resourceVersion } = object.metadata;
      if (resourceVersion) this.#resourceVersion = resourceVersion;
      if (type === 'DELETED') this.#remove(keyOf(object), this.#kept(object));
      else if (type !== 'BOOKMARK') this.#put(keyOf(object), this.#kept(object));
    }
  }

  #kept(object: T): T {
    delete object.metadata.managedFields;
    return this.#options.transform ? this.#options.transform(object) : object;
  }

  #put(key: string, object: T): void {
    const old = this.#objects.get(key);
    if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (old && old.metadata.uid !== object.metadata.uid) {
      // Deleted and made again while we were not looking.
      this.#remove(key);
      this.#put(key, object);
      return;
    }
    this.#objects.set(key, object);
    for (const { of, entries } of this.#indexes.values()) {
      if (old) leave(entries, of(old), key);
      enter(entries, of(object), key);
    }
    for (const listener of this.#listeners) {
      this.#tell(() => (old ? listener.update?.(object, old) : listener.add?.(object)));
    }
  }

  #remove(key: string, last?: T): void {
    const old = this.#objects.get(key);
    if (!old) return;
    this.#objects.delete(key);
    for (const { of, entries } of this.#indexes.values()) leave(entries, of(old), key);
    for (const listener of this.#listeners) this.#tell(() => listener.delete?.(last ?? old));
  }

  /** A listener's mistake must not stop the cache. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger.error({ err: error, resource: groupResourceOf(this.ref) }, 'a listener failed');
    }
  }
}

function keyOf(object: ApiObject): string {
  return keyText({ namespace: object.metadata.namespace, name: object.metadata.name ?? '' });
}

function enter(entries: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = entries.get(value);
    if (keys) keys.add(key);
    else entries.set(value, new Set([key]));
  }
}

function leave(entries: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = entries.get(value);
    if (keys?.delete(key) && keys.size === 0) entries.delete(value);
  }
}
