/**
 * Shared informers: whoever asks for the same selection of a resource gets the same cache, and the server one watch.
 *
 * Invariant: every informer handed out runs, from `start` on, until the signal given there aborts or it is dropped.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Client, Selection } from './client.ts';
import { Informer } from './informer.ts';
import { type ApiObject, groupResourceOf, pathOf, type ResourceRef } from './resources.ts';

export interface InformersOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
}

export interface SharedSelection<T> extends Selection {
  readonly metadataOnly?: boolean | undefined;
  /** Of the first who asks, as {@link transform}. */
  readonly pageSize?: number | undefined;
  /** Of the first who asks; all users of a cache must agree on what it keeps. */
  readonly transform?: ((object: T) => T) | undefined;
}

export class Informers {
  readonly #options: InformersOptions;
  readonly #informers = new Map<string, Informer<ApiObject>>();
  readonly #stops = new Map<Informer<ApiObject>, AbortController>();
  #signal: AbortSignal | undefined;

  constructor(options: InformersOptions) {
    this.#options = options;
  }

  /** The cache of this selection; made and, once started, run on first use. */
  of<T extends ApiObject>(ref: ResourceRef<T>, selection: SharedSelection<T> = {}): Informer<T> {
    const { namespace, labelSelector, fieldSelector, metadataOnly = false } = selection;
    const id = JSON.stringify([pathOf(ref), namespace, labelSelector, fieldSelector, metadataOnly]);
    // The id holds the resource, and so the type.
    const known = this.#informers.get(id) as Informer<T> | undefined;
    if (known) return known;
    const informer = new Informer(ref, { ...this.#options, ...selection });
    this.#informers.set(id, informer as unknown as Informer<ApiObject>);
    this.#run(informer as unknown as Informer<ApiObject>);
    return informer;
  }

  /** Ends this cache, for all who use it: what it holds is served no more. Asked for again, it begins anew. */
  drop(informer: Informer<ApiObject>): void {
    for (const [id, known] of this.#informers) if (known === informer) this.#informers.delete(id);
    this.#stops.get(informer)?.abort();
    this.#stops.delete(informer);
  }

  start(signal: AbortSignal): void {
    // Every informer listens to this one signal: many listeners are no leak here.
    setMaxListeners(0, signal);
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#run(informer);
  }

  #run(informer: Informer<ApiObject>): void {
    if (!this.#signal) return;
    const stop = new AbortController();
    this.#stops.set(informer, stop);
    void informer.run(AbortSignal.any([this.#signal, stop.signal]));
  }

  /** Whether it has been started. */
  get isStarted(): boolean {
    return this.#signal !== undefined;
  }

  /** The resources of which a cache has not had its first list: `pods`, `deployments.apps`. */
  unsynced(): string[] {
    return [...this.#informers.values()].flatMap(({ hasSynced, ref }) => (hasSynced ? [] : [groupResourceOf(ref)]));
  }

  /** Resolves when every informer asked for so far has its first list. Rejects when `signal` aborts before. */
  async synced(signal: AbortSignal): Promise<void> {
    await allSynced([...this.#informers.values()], signal);
  }
}

/** Resolves when all have their first list. @throws the signal's reason when it aborts before. */
export async function allSynced(
  informers: readonly { readonly synced: Promise<void> }[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    await Promise.race([Promise.all(informers.map(informer => informer.synced)), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
