import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { isMoreThanRenewal } from '../kept.ts';
import { CompactedError, FutureRevisionError, type Store } from '../store.ts';
import type { MemoryRule } from './memory.ts';
import { openSqliteStore, type SqliteStoreOptions } from './open.ts';
import { put, Recorder, show, showEvent, withDirectory, withStore } from './testing.ts';

/** Values that begin with `!` last. */
const memory: readonly MemoryRule[] = [
  { prefix: '/events/', ttlMs: 60_000, maxEntries: 5 },
  { prefix: '/leases/', lasting: (before, after) => before === undefined || after === null || after[0] === 0x21 },
];

const keysOf = async (store: Store, prefix: string): Promise<string> =>
  (await store.range({ prefix })).items.map(show).join(' ');

describe('what is kept in memory', () => {
  it('has its revisions from the one sequence, and is compared and swapped like all else', () =>
    withStore({ memory }, async store => {
      const answers = await Promise.all([
        store.commit(put('/events/a', 'one')),
        store.commit(put('/pods/a', 'one')),
        store.commit(put('/events/b', 'one', 0)),
        store.commit(put('/leases/a', 'one', 0)),
      ]);
      assert.deepEqual(
        answers.map(answer => answer.ok && answer.revision).sort(),
        [2, 3, 4, 5],
        'what the disk takes comes first',
      );
      assert.equal(store.revision(), 5);
      const refused = await store.commit(put('/events/a', 'two', 2));
      assert.ok(!refused.ok && refused.current?.key === '/events/a');
      assert.equal((await store.commit(put('/events/a', 'two', refused.current.modRevision))).ok, true);
      assert.deepEqual(await store.commit({ key: '/events/none', value: null }), { ok: false });
      assert.deepEqual(await store.commit(put('/leases/a', 'two', 3)), {
        ok: true,
        revision: 7,
        previous: await store.get('/leases/a', 6),
      });
      assert.equal(await keysOf(store, '/leases/'), '/leases/a=two@7');
      assert.equal(await keysOf(store, '/events/'), '/events/a=two@6 /events/b=one@5');
      assert.equal(await store.count('/events/'), 2);
      assert.equal(await store.count(''), 4);
      assert.equal((await store.range({ prefix: '/', limit: 2 })).remaining, 2);
      const written = store.stats().groups;
      for (let round = 0; round < 50; round++) await store.commit(put('/leases/a', String(round)));
      assert.equal(store.stats().groups, written, 'not one transaction');
    }));

  it('is watched in one order with all else, and read as it was', () =>
    withStore({ memory }, async store => {
      const all = new Recorder();
      const events = new Recorder();
      store.watch({ prefix: '', afterRevision: 1 }, all);
      store.watch({ prefix: '/events/', afterRevision: 1 }, events);
      await Promise.all([store.commit(put('/events/a', '1')), store.commit(put('/pods/a', '1'))]);
      await store.commit(put('/events/a', '2'));
      await store.commit(put('/events/b', '1'));
      await store.commit({ key: '/events/a', value: null });
      await store.commit(put('/events/a', '3'));
      await all.until(recorder => recorder.events.length === 6);
      const expected = [
        '2 put /pods/a - 1',
        '3 put /events/a - 1',
        '4 put /events/a 1 2',
        '5 put /events/b - 1',
        '6 delete /events/a 2 -',
        '7 put /events/a - 3',
      ];
      assert.deepEqual(all.events.map(showEvent), expected);
      assert.deepEqual(events.events.map(showEvent), expected.slice(1));
      const at = async (revision: number): Promise<string> =>
        (await store.range({ prefix: '/events/', revision })).items.map(show).join(' ');
      assert.equal(await at(2), '');
      assert.equal(await at(3), '/events/a=1@3');
      assert.equal(await at(5), '/events/a=2@4 /events/b=1@5');
      assert.equal(await at(6), '/events/b=1@5');
      assert.equal(await at(7), '/events/a=3@7 /events/b=1@5');
      assert.equal(String((await store.get('/events/a', 4))?.value), '2');
      assert.equal(await store.get('/events/a', 6), undefined);
      await assert.rejects(at(8), FutureRevisionError);
      const page = await store.range({ prefix: '/events/', limit: 1, revision: 5 });
      assert.deepEqual([page.items.map(show), page.remaining], [['/events/a=2@4'], 1]);
    }));

  it('reaches back as far as the window', () =>
    withStore({ memory, windowRevisions: 4 }, async store => {
      for (let index = 0; index < 10; index++) await store.commit(put('/leases/a', String(index)));
      await assert.rejects(store.get('/leases/a', 6), CompactedError);
      assert.throws(() => store.watch({ prefix: '/leases/', afterRevision: 6 }, new Recorder()), CompactedError);
      assert.throws(() => store.watch({ prefix: '', afterRevision: 6 }, new Recorder()), CompactedError);
      store.watch({ prefix: '/pods/', afterRevision: 6 }, new Recorder());
      assert.equal(String((await store.get('/leases/a', 7))?.value), '5');
      assert.equal(String((await store.get('/leases/a', 8))?.value), '6');
    }));

  it('goes when it is old, and when it is too much, with the events of a deletion', () => {
    const clock = new ManualClock(0);
    return withStore({ memory, clock, elapsedMs: () => clock.now() }, async store => {
      const seen = new Recorder();
      store.watch({ prefix: '/events/', afterRevision: 1 }, seen);
      for (let index = 0; index < 7; index++) {
        await store.commit(put(`/events/${index}`, 'x'));
        clock.jump(1_000);
      }
      await seen.until(({ events }) => events.length === 9);
      assert.deepEqual(
        seen.events.filter(({ type }) => type === 'delete').map(({ key }) => key),
        ['/events/0', '/events/1'],
      );
      await store.commit(put('/events/2', 'again'));
      await store.commit(put('/leases/a', 'x'));
      clock.jump(59_000);
      await seen.until(({ events }) => events.length === 14);
      assert.equal(await keysOf(store, '/events/'), '/events/2=again@11');
      clock.jump(60_000);
      await seen.until(({ events }) => events.length === 15);
      assert.equal(await store.count('/events/'), 0);
      assert.equal(await store.count('/leases/'), 1);
      assert.deepEqual([store.stats().keptEntries, store.stats().keptBytes > 0], [1, true]);
    });
  });
});

describe('after a restart', () => {
  const reopened = (body: (store: Store, open: () => Promise<Store>, path: string) => Promise<void>): Promise<void> =>
    withDirectory(async directory => {
      const path = join(directory, 'state.db');
      const options: SqliteStoreOptions = { path, memory, compaction: false, reserveBytes: 0 };
      let store = await openSqliteStore(options);
      const open = async (): Promise<Store> => {
        await store.close();
        store = await openSqliteStore(options);
        return store;
      };
      try {
        await body(store, open, path);
      } finally {
        await store.close();
      }
    });

  it('no revision is given twice, and none goes back', () =>
    reopened(async (first, open) => {
      let store = first;
      let newest = 0;
      const seen = new Set<number>();
      for (let life = 0; life < 4; life++) {
        assert.ok(store.revision() >= newest);
        for (let index = 0; index < 1_500; index++) {
          const answers = await Promise.all([
            store.commit(put('/leases/a', `${index}`)),
            ...(index % 100 === 0 ? [store.commit(put('/pods/a', `${index}`))] : []),
          ]);
          for (const answer of answers) {
            assert.ok(answer.ok && answer.revision > newest - 2 && !seen.has(answer.revision));
            seen.add(answer.revision);
            newest = Math.max(newest, answer.revision);
          }
        }
        store = await open();
      }
    }));

  it('events are gone, a lease is as of its last write that had to last, with a new revision', () =>
    reopened(async (first, open, path) => {
      await first.commit(put('/pods/a', 'one'));
      await first.commit(put('/events/a', 'secret-event'));
      await first.commit(put('/leases/a', 'created'));
      await first.commit(put('/leases/b', 'created'));
      await first.commit(put('/leases/a', '!taken'));
      await first.commit(put('/leases/a', 'renewed'));
      await first.commit({ key: '/leases/b', value: null });
      const before = first.revision();
      const store = await open();
      assert.ok(store.revision() > before);
      assert.equal(await keysOf(store, ''), `/leases/a=!taken@${store.revision()} /pods/a=one@2`);
      assert.equal((await store.get('/leases/a'))?.createRevision, 4);
      for (const prefix of ['/events/', '/leases/'])
        assert.throws(() => store.watch({ prefix, afterRevision: before }, new Recorder()), CompactedError);
      const pods = new Recorder();
      store.watch({ prefix: '/pods/', afterRevision: 1 }, pods);
      const swapped = await store.commit(put('/leases/a', 'renewed', store.revision()));
      assert.ok(swapped.ok && swapped.previous);
      await store.commit(put('/pods/a', 'two'));
      await pods.until(({ events }) => events.length === 2);
      await store.commit({ key: '/leases/a', value: null });
      const again = await open();
      assert.equal(await again.count('/leases/'), 0);
      assert.equal((await readFile(path)).includes('secret-event'), false);
      assert.ok((await again.commit(put('/leases/a', 'anew', 0))).ok);
    }));

  it('compaction goes on over revisions only memory was given', () =>
    reopened(async (first, open) => {
      await first.commit(put('/pods/a', 'one'));
      await first.commit(put('/pods/a', 'two'));
      for (let index = 0; index < 120; index++) await first.commit(put('/leases/a', 'x'));
      const at = first.revision();
      await first.compact(at);
      assert.equal(first.compactedRevision(), at);
      const store = await open();
      assert.equal(store.compactedRevision(), at);
      assert.equal(await keysOf(store, '/pods/'), '/pods/a=two@3');
      assert.ok((await store.commit(put('/pods/a', 'three', 3))).ok);
    }));
});

describe('of a Lease', () => {
  const lease = (spec: object, metadata: object = { name: 'a', uid: '1' }): Buffer =>
    Buffer.from(JSON.stringify({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }));
  const held = {
    holderIdentity: 'one',
    leaseDurationSeconds: 15,
    renewTime: '2026-01-01T00:00:00.000000Z',
    leaseTransitions: 1,
  };
  const table: [what: string, before: Buffer | undefined, after: Buffer | null, lasting: boolean][] = [
    ['creation', undefined, lease(held), true],
    ['deletion', lease(held), null, true],
    ['renewal', lease(held), lease({ ...held, renewTime: '2026-01-01T00:00:02.000000Z' }), false],
    ['first renewal', lease({ holderIdentity: 'one' }), lease({ holderIdentity: 'one', renewTime: 'x' }), false],
    ['managed fields', lease(held), lease(held, { name: 'a', uid: '1', managedFields: [{ manager: 'm' }] }), false],
    ['another holder', lease(held), lease({ ...held, holderIdentity: 'two', leaseTransitions: 2 }), true],
    ['a release', lease(held), lease({ ...held, holderIdentity: '' }), true],
    ['another duration', lease(held), lease({ ...held, leaseDurationSeconds: 1 }), true],
    ['a label', lease(held), lease(held, { name: 'a', uid: '1', labels: { a: 'b' } }), true],
    ['a finalizer', lease(held), lease(held, { name: 'a', uid: '1', finalizers: ['a/b'] }), true],
    [
      'another order of fields',
      lease(held),
      lease({
        renewTime: 'x',
        ...Object.fromEntries(
          Object.entries(held)
            .filter(([name]) => name !== 'renewTime')
            .reverse(),
        ),
      }),
      false,
    ],
  ];
  for (const [what, before, after, lasting] of table)
    it(`${what} ${lasting ? 'lasts' : 'stays in memory'}`, () =>
      assert.equal(isMoreThanRenewal(before, after), lasting));
});
