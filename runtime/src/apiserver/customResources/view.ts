/**
 * The store as one version of a custom resource sees it: values come out in that version, and go in in the one they are stored in.
 *
 * What has been written under the present schema in the version asked for passes untouched, as the same bytes. What is older is
 * pruned and gets its defaults when it is read, as upstream, and stays in the store as it is until it is written again.
 */
import type { KeyValue, Store, StoreEvent } from '../../store/store.ts';
import { deserialize, serialize } from '../serialized.ts';
import type { Serving } from './serving.ts';

/** Events are handed to many watches: each is changed once for a version. */
type Changed = WeakMap<StoreEvent, StoreEvent>;
const changedEvents = new WeakMap<Serving, Map<string, Changed>>();

export interface StoreView extends Store {
  /** What is stored would be written differently today: an update that changes nothing writes it all the same. */
  isOutdated(item: KeyValue): boolean;
}

export function viewOf(store: Store, serving: Serving, version: string): StoreView {
  const { kind, storage } = serving.definition;
  const head = Buffer.from(`{"apiVersion":"${serving.apiVersionOf(version)}","kind":"${kind}",`);
  const originals = new WeakMap<KeyValue, Buffer>();

  const isCurrent = (value: Buffer, revision: number): boolean =>
    revision > serving.schemaRevision && value.compare(head, 0, head.length, 0, head.length) === 0;

  const served = (value: Buffer, revision: number): Buffer => {
    if (isCurrent(value, revision)) return value;
    const object = deserialize(value, revision);
    serving.toVersion(object, version);
    return serialize(object);
  };

  const stored = (value: Buffer): Buffer => {
    if (version === storage) return value;
    const object = deserialize(value, 0);
    serving.toStorage(object);
    return serialize(object);
  };

  const item = (found: KeyValue): KeyValue => {
    const value = served(found.value, found.modRevision);
    if (value === found.value) return found;
    const made = { ...found, value };
    originals.set(made, found.value);
    return made;
  };
  const maybe = (found: KeyValue | undefined): KeyValue | undefined => (found ? item(found) : undefined);

  const changed = changesOf(serving, version);
  const event = (happened: StoreEvent): StoreEvent => {
    const known = changed.get(happened);
    if (known) return known;
    const { revision, createRevision, previous } = happened;
    const value = served(happened.value, happened.type === 'put' ? revision : createRevision);
    // Of what was before only the revision it began with is known.
    if (value === happened.value && (previous === undefined || isCurrent(previous, createRevision))) return happened;
    const made: StoreEvent = {
      ...happened,
      value,
      ...(previous === undefined ? {} : { previous: served(previous, createRevision) }),
    };
    changed.set(happened, made);
    return made;
  };

  return {
    isOutdated: found => {
      const original = originals.get(found);
      return original !== undefined && !stored(found.value).equals(original);
    },
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    get: async (key, revision) => maybe(await store.get(key, revision)),
    range: async options => {
      const result = await store.range(options);
      return { ...result, items: result.items.map(item) };
    },
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
        onEvents: events => watcher.onEvents(events.map(event)),
        ...(watcher.onLive ? { onLive: () => watcher.onLive?.() } : {}),
        onEnd: error => watcher.onEnd(error),
      }),
    compact: revision => store.compact(revision),
    snapshot: path => store.snapshot(path),
    close: () => store.close(),
  };
}

function changesOf(serving: Serving, version: string): Changed {
  const versions = changedEvents.get(serving) ?? new Map<string, Changed>();
  changedEvents.set(serving, versions);
  const known = versions.get(version) ?? new WeakMap();
  versions.set(version, known);
  return known;
}
