/**
 * The store as one version of a custom resource sees it: values come out in that version, and go in in the one they are stored in.
 *
 * What has been written under the present schema in the version asked for passes untouched, as the same bytes. What is older is
 * pruned and gets its defaults when it is read, as upstream, and stays in the store as it is until it is written again; of what
 * this leaves as it was, that is remembered.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { KeyValue, RangeResult, Store, StoreEvent } from '../../store/store.ts';
import { deserialize, serialize } from '../serialized.ts';
import type { Serving } from './serving.ts';

/** Objects translated in one go before others get their turn. */
const SLICE = 100;
/** Keys remembered to hold what the present schema would give. */
const MAX_VERIFIED = 20_000;

export interface StoreView extends Store {
  /** What is stored would be written differently today: an update that changes nothing writes it all the same. */
  isOutdated(item: KeyValue): boolean;
}

export function viewOf(store: Store, serving: Serving, version: string): StoreView {
  const translation = new Translation(serving, version);
  const { stored } = translation;
  const maybe = (found: KeyValue | undefined): KeyValue | undefined => found && translation.item(found);
  return {
    isOutdated: found => translation.isOutdated(found),
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    get: async (key, revision) => maybe(await store.get(key, revision)),
    range: async options => translation.range(await store.range(options)),
    hold: revision => store.hold(revision),
    count: prefix => store.count(prefix),
    commit: async write => {
      const result = await store.commit(write.value === null ? write : { ...write, value: stored(write.value) });
      if (result.ok) {
        const previous = maybe(result.previous);
        return { ok: true, revision: result.revision, ...(previous ? { previous } : {}) };
      }
      const current = maybe(result.current);
      return { ok: false, ...(current ? { current } : {}) };
    },
    watch: (options, watcher) =>
      store.watch(options, {
        onEvents: events => watcher.onEvents(events.map(event => translation.event(event))),
        ...(watcher.onLive ? { onLive: () => watcher.onLive?.() } : {}),
        onEnd: error => watcher.onEnd(error),
      }),
    compact: revision => store.compact(revision),
    snapshot: path => store.snapshot(path),
    close: () => store.close(),
  };
}

class Translation {
  readonly #serving: Serving;
  readonly #version: string;
  /** How every value in this version begins. */
  readonly #head: Buffer;
  readonly #originals = new WeakMap<KeyValue, Buffer>();
  /** Events are handed to many watches: each is changed once. */
  readonly #events = new WeakMap<StoreEvent, StoreEvent>();
  /** Of values older than the schema: the revision at which they were found to be as it would make them. */
  readonly #verified = new Map<string, number>();

  constructor(serving: Serving, version: string) {
    this.#serving = serving;
    this.#version = version;
    const { kind } = serving.definition;
    this.#head = Buffer.from(`{"apiVersion":"${serving.apiVersionOf(version)}","kind":"${kind}",`);
  }

  readonly stored = (value: Buffer): Buffer => {
    if (this.#version === this.#serving.storage) return value;
    const object = deserialize(value, 0);
    this.#serving.toStorage(object);
    return serialize(object);
  };

  item(found: KeyValue): KeyValue {
    const value = this.#served(found.key, found.value, found.modRevision);
    if (value === found.value) return found;
    const made = { ...found, value };
    this.#originals.set(made, found.value);
    return made;
  }

  isOutdated(found: KeyValue): boolean {
    const original = this.#originals.get(found);
    return original !== undefined && !this.stored(found.value).equals(original);
  }

  async range(result: RangeResult): Promise<RangeResult> {
    const { items } = result;
    const first = items.findIndex(({ key, value, modRevision }) => !this.#isCurrent(key, value, modRevision));
    if (first < 0) return result;
    const translated = items.slice(0, first);
    for (const [i, found] of items.slice(first).entries()) {
      if (i > 0 && i % SLICE === 0) await turn();
      translated.push(this.item(found));
    }
    return { ...result, items: translated };
  }

  event(happened: StoreEvent): StoreEvent {
    const { type, key, revision, createRevision, previous } = happened;
    // Of what was before only the revision it began with is known: nothing is remembered of it.
    const [named, valueRevision] = type === 'put' ? [key, revision] : ['', createRevision];
    const isAsItWas = previous === undefined || this.#isCurrent('', previous, createRevision);
    if (isAsItWas && this.#isCurrent(named, happened.value, valueRevision)) return happened;
    const known = this.#events.get(happened);
    if (known) return known;
    const value = this.#served(named, happened.value, valueRevision);
    const served = (): Buffer => this.#served('', previous ?? happened.value, createRevision);
    // Only selectors look at it.
    const made: StoreEvent =
      previous === undefined
        ? { ...happened, value }
        : {
            ...happened,
            value,
            get previous(): Buffer {
              return served();
            },
          };
    this.#events.set(happened, made);
    return made;
  }

  #isCurrent(key: string, value: Buffer, revision: number): boolean {
    if (revision <= this.#serving.schemaRevision && this.#verified.get(key) !== revision) return false;
    return value.compare(this.#head, 0, this.#head.length, 0, this.#head.length) === 0;
  }

  #served(key: string, value: Buffer, revision: number): Buffer {
    if (this.#isCurrent(key, value, revision)) return value;
    const object = deserialize(value, revision);
    this.#serving.toVersion(object, this.#version);
    const translated = serialize(object);
    if (!translated.equals(value)) return translated;
    if (key !== '' && this.#verified.size < MAX_VERIFIED) this.#verified.set(key, revision);
    return value;
  }
}
