import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { put, withStore } from '../store/sqlite/testing.ts';
import { type Store, StoreClosedError } from '../store/store.ts';
import { follow } from './follow.ts';

/** What is known of the keys under `/a/`, as text. */
function followed(store: Store) {
  const known = new Map<string, string>();
  const following = follow(store, '/a/', {
    reset: () => known.clear(),
    put: (key, value, revision) => void known.set(key, `${value}@${revision}`),
    remove: key => void known.delete(key),
  });
  return { known, following };
}

/** The store with another way to read a range. */
const reading = (store: Store, range: Store['range']): Store =>
  new Proxy(store, {
    get(target, name) {
      if (name === 'range') return range;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('following a prefix', () => {
  it('tells what is there, then what changes, before whoever wrote it goes on', async () => {
    await withStore({}, async store => {
      await store.commit(put('/a/1', 'one'));
      await store.commit(put('/b/1', 'other'));
      const { known, following } = followed(store);
      await following.ready();
      assert.deepEqual([...known.keys()], ['/a/1']);
      const { revision } = (await store.commit(put('/a/2', 'two'))) as { revision: number };
      assert.equal(known.get('/a/2'), `two@${revision}`);
      await store.commit({ key: '/a/1', value: null });
      assert.deepEqual([...known.keys()], ['/a/2']);
      following.close();
      await store.commit(put('/a/3', 'three'));
      assert.deepEqual([...known.keys()], ['/a/2'], 'closed, it knows what it knew');
      await following.ready();
    });
  });

  it('begins when first asked, once for all', async () => {
    await withStore({}, async store => {
      let ranges = 0;
      const { following } = followed(
        reading(store, options => {
          ranges++;
          return store.range(options);
        }),
      );
      assert.equal(ranges, 0);
      await Promise.all([following.ready(), following.ready()]);
      await following.ready();
      assert.equal(ranges, 1);
      following.close();
    });
  });

  it('is not ready, ever, when it is closed before it has read', async () => {
    await withStore({}, async store => {
      await store.commit(put('/a/1', 'one'));
      const { known, following } = followed(store);
      const ready = following.ready();
      following.close();
      await assert.rejects(ready, StoreClosedError);
      assert.equal(known.size, 0);
    });
  });

  it('is tried again when the first reading fails', async () => {
    await withStore({}, async store => {
      await store.commit(put('/a/1', 'one'));
      let fails = true;
      const flaky = reading(store, async options => {
        if (fails) throw new Error('busy');
        return store.range(options);
      });
      const { known, following } = followed(flaky);
      await assert.rejects(following.ready(), /busy/);
      fails = false;
      await following.ready();
      assert.deepEqual([...known.keys()], ['/a/1']);
      following.close();
    });
  });
});
