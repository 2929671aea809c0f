/**
 * Shared informers: whoever asks for the same selection of a resource gets the same cache, and the server one watch.
 *
 * Invariant: every informer handed out runs, from `start` on, until the signal given there aborts.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Client, Selection } from './client.ts';
import { Informer } from './informer.ts';
import { type ApiObject, pathOf, type ResourceRef } from './resources.ts';

export interface InformersOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
}

export interface SharedSelection<T> extends Selection {
  readonly metadataOnly?: boolean | undefined;
  /** Of the first who asks; all users of a cache must agree on what it keeps. */
  readonly transform?: ((object: T) => T) | undefined;
}

export class Informers {
  readonly #options: InformersOptions;
  readonly #informers = new Map<string, Informer<ApiObject>>();
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
    if (this.#signal) informer.run(this.#signal);
    return informer;
  }

  start(signal: AbortSignal): void {
    // Every informer listens to this one signal: many listeners are no leak here.
    setMaxListeners(0, signal);
    this.#signal = signal;
    for (const informer of this.#informers.values()) informer.run(signal);
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
