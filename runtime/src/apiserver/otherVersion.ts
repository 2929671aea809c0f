/**
 * The store as one group-version of a built-in kind sees it whose objects are kept in another: keys and values are that one's, and
 * what is read and written is turned on the way. The kind says how: `storedAs` in its module.
 *
 * Always true: in the store there is one form only, so every version sees every object.
 */
import type { StoredForm } from '../api/kinds/kind.ts';
import type { KubeObject } from '../api/object.ts';
import { findResource, type ResourceInfo } from '../api/resources.ts';
import type { KeyValue, RangeOptions, Store, StoreEvent, WatchOptions } from '../store/store.ts';
import { apiVersionOf } from './body.ts';
import { prefixOf } from './keys.ts';
import { deserialize, serialize } from './serialized.ts';

/** Views are made once: what they remember of events is shared by all watches. */
const views = new WeakMap<Store, Map<string, Store>>();

export function otherVersion(store: Store, resource: ResourceInfo, form: StoredForm): Store {
  const known = views.get(store) ?? new Map<string, Store>();
  views.set(store, known);
  const name = `${resource.group}/${resource.version}/${resource.resource}`;
  const view = known.get(name) ?? viewOf(store, resource, form);
  known.set(name, view);
  return view;
}

/** The keys of `from` as those of `to`. */
function keyTurner(from: string, to: string): (key: string) => string {
  return from === to ? key => key : key => (key.startsWith(from) ? to + key.slice(from.length) : key);
}

function viewOf(store: Store, resource: ResourceInfo, form: StoredForm): Store {
  const target = findResource(form.group, form.version, resource.resource);
  if (!target) throw new Error(`${resource.resource} of ${form.group}/${form.version} is not in the schema table`);
  const [here, there] = [prefixOf(resource, ''), prefixOf(target, '')];
  const [inward, outward] = [keyTurner(here, there), keyTurner(there, here)];

  const turned = (value: Buffer, turn: (object: KubeObject) => void, of: ResourceInfo): Buffer => {
    const object = deserialize(value, 0);
    turn(object);
    object.apiVersion = apiVersionOf(of);
    object.kind = of.kind;
    return serialize(object);
  };
  const shown = (value: Buffer): Buffer => turned(value, form.fromStored, resource);
  const stored = (value: Buffer): Buffer => turned(value, form.toStored, target);

  const item = (found: KeyValue): KeyValue => ({ ...found, key: outward(found.key), value: shown(found.value) });
  const maybe = (found: KeyValue | undefined): KeyValue | undefined => found && item(found);

  const events = new WeakMap<StoreEvent, StoreEvent>();
  const event = (happened: StoreEvent): StoreEvent => {
    const known = events.get(happened);
    if (known) return known;
    const { previous } = happened;
    const made: StoreEvent = {
      ...happened,
      key: outward(happened.key),
      value: shown(happened.value),
      ...(previous === undefined ? {} : { previous: shown(previous) }),
    };
    events.set(happened, made);
    return made;
  };

  return {
    ...store,
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    get: async (key, revision) => maybe(await store.get(inward(key), revision)),
    range: async (options: RangeOptions) => {
      const { prefix, after } = options;
      const asked = { ...options, prefix: inward(prefix), ...(after === undefined ? {} : { after: inward(after) }) };
      const result = await store.range(asked);
      return { ...result, items: result.items.map(item) };
    },
    hold: revision => store.hold(revision),
    count: prefix => store.count(inward(prefix)),
    commit: async write => {
      const value = write.value === null ? null : stored(write.value);
      const result = await store.commit({ ...write, key: inward(write.key), value });
      if (result.ok) {
        const previous = maybe(result.previous);
        return { ok: true, revision: result.revision, ...(previous ? { previous } : {}) };
      }
      const current = maybe(result.current);
      return { ok: false, ...(current ? { current } : {}) };
    },
    watch: (options: WatchOptions, watcher) =>
      store.watch(
        { ...options, prefix: inward(options.prefix) },
        {
          onEvents: happened => watcher.onEvents(happened.map(event)),
          ...(watcher.onLive ? { onLive: () => watcher.onLive?.() } : {}),
          onEnd: error => watcher.onEnd(error),
        },
      ),
    compact: revision => store.compact(revision),
    snapshot: path => store.snapshot(path),
    close: () => store.close(),
  };
}
