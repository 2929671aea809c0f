/**
 * Expectations: a controller must not act on a cache that has not seen its own last writes, or it would create twice.
 *
 * Invariant: `fresh(key)` is true only when the cache is as new as the last creation noted for the key, and shows every
 * noted deletion. Resource versions of one server are ordered numbers (KEP-5504). A write that never shows up is
 * forgotten after {@link FORGET_MS}, so that a mistake here costs a delay and not a standstill.
 */
import type { Informer } from '../client/informer.ts';
import { type ApiObject, keyOf, keyText } from '../client/resources.ts';
import type { Clock } from '../lib/clock.ts';

const FORGET_MS = 5 * 60_000;

interface Expected {
  /** Resource version of the newest creation or change. */
  version: number;
  /** Key and uid of what was deleted and may still be in the cache. */
  readonly deleted: Map<string, string | undefined>;
  untilMs: number;
}

export class Freshness<T extends ApiObject> {
  readonly #cache: Informer<T>;
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(cache: Informer<T>, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  wrote(key: string, object: T): void {
    const expected = this.#of(key);
    expected.version = Math.max(expected.version, Number(object.metadata.resourceVersion ?? 0));
  }

  deleted(key: string, object: T): void {
    this.#of(key).deleted.set(keyText(keyOf(object)), object.metadata.uid);
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }

  fresh(key: string): boolean {
    const expected = this.#expected.get(key);
    if (!expected) return true;
    if (this.#clock.now() < expected.untilMs) {
      if (Number(this.#cache.resourceVersion) < expected.version) return false;
      for (const [name, uid] of expected.deleted) {
        const object = this.#cache.getByKey(name);
        if (object && object.metadata.uid === uid && !object.metadata.deletionTimestamp) return false;
      }
    }
    this.#expected.delete(key);
    return true;
  }

  #of(key: string): Expected {
    const expected = this.#expected.get(key) ?? {
      version: 0,
      deleted: new Map<string, string | undefined>(),
      untilMs: 0,
    };
    expected.untilMs = this.#clock.now() + FORGET_MS;
    this.#expected.set(key, expected);
    return expected;
  }
}
