import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { type BackupRow, readBackup } from '../backup/format.ts';
import { CompactedError, FutureRevisionError, StoreClosedError, StoreFullError, type Write } from '../store.ts';
import { openSqliteStore } from './open.ts';
import { put, Recorder, show, showEvent, withDirectory, withStore } from './testing.ts';

describe('compare-and-swap', () => {
  type Step = [write: Write, answer: string];
  const deletion = (key: string, expect?: number): Write => ({
    key,
    value: null,
    ...(expect === undefined ? {} : { expect }),
  });
  const tables: Record<string, Step[]> = {
    'creates only what is not there': [
      [put('/a', 'one', 0), 'revision 2'],
      [put('/a', 'two', 0), 'conflict /a=one@2'],
      [put('/b', 'one', 5), 'conflict nothing'],
    ],
    'updates only what was read': [
      [put('/a', 'one'), 'revision 2'],
      [put('/a', 'two', 2), 'revision 3 over /a=one@2'],
      [put('/a', 'three', 2), 'conflict /a=two@3'],
      [put('/a', 'three'), 'revision 4 over /a=two@3'],
    ],
    'deletes and creates anew': [
      [deletion('/a'), 'conflict nothing'],
      [put('/a', 'one'), 'revision 2'],
      [deletion('/a', 1), 'conflict /a=one@2'],
      [deletion('/a', 2), 'revision 3 over /a=one@2'],
      [deletion('/a'), 'conflict nothing'],
      [put('/a', 'two', 3), 'conflict nothing'],
      [put('/a', 'two', 0), 'revision 4'],
    ],
    'takes empty values and odd keys': [
      [put('/ü 😀', ''), 'revision 2'],
      [put('/ü 😀', '', 2), 'revision 3 over /ü 😀=@2'],
    ],
  };
  for (const [name, steps] of Object.entries(tables)) {
    for (const together of [false, true]) {
      it(`${name}, ${together ? 'in one group' : 'one by one'}`, () =>
        withStore({}, async store => {
          const answers = [];
          for (const [write] of steps) answers.push(together ? store.commit(write) : await store.commit(write));
          const told = (await Promise.all(answers)).map(answer => {
            if (answer.ok)
              return `revision ${answer.revision}${answer.previous ? ` over ${show(answer.previous)}` : ''}`;
            return `conflict ${answer.current ? show(answer.current) : 'nothing'}`;
          });
          assert.deepEqual(
            told,
            steps.map(([, answer]) => answer),
          );
          assert.equal(store.stats().groups, together ? 1 : told.filter(line => line.startsWith('revision')).length);
        }));
    }
  }

  it('lets exactly one of many racers win each round', () =>
    withStore({}, async store => {
      await store.commit(put('/counter', '0'));
      const increment = async (): Promise<number> => {
        for (let tries = 1; ; tries++) {
          const now = await store.get('/counter');
          assert.ok(now);
          const answer = await store.commit(put('/counter', String(Number(now.value) + 1), now.modRevision));
          if (answer.ok) return tries;
        }
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      assert.equal(String((await store.get('/counter'))?.value), '20');
      assert.equal(store.revision(), 22);
    }));

  for (const key of ['', '/a\0b']) {
    it(`refuses the key ${JSON.stringify(key)}`, () =>
      withStore({}, async store => {
        await assert.rejects(store.commit(put(key, 'x')), RangeError);
      }));
  }
});

describe('groups', () => {
  it('share a transaction when asked for in one turn, and bound it', () =>
    withStore({}, async store => {
      const results = await Promise.all(
        Array.from({ length: 600 }, (_, index) => store.commit(put(`/k/${index}`, 'x'))),
      );
      assert.deepEqual(
        results.map(result => result.ok && result.revision),
        results.map((_, index) => index + 2),
      );
      assert.equal(store.stats().groups, 2);
      const large = Buffer.alloc(3 * 1024 * 1024);
      await Promise.all([1, 2, 3].map(index => store.commit({ key: `/large/${index}`, value: large })));
      assert.equal(store.stats().groups, 5);
      assert.ok((await store.get('/large/2'))?.value.equals(large));
    }));

  it('tell watchers before the callers go on, all in the order of the revisions', () =>
    withStore({}, async store => {
      const seen: string[] = [];
      store.watch(
        { prefix: '', afterRevision: 1 },
        { onEvents: events => seen.push(...events.map(({ revision }) => `event ${revision}`)), onEnd: () => {} },
      );
      const write = async (key: string): Promise<void> => {
        const answer = await store.commit(put(key, 'x'));
        seen.push(`answer ${answer.ok && answer.revision}`);
      };
      await Promise.all([write('/a'), write('/b')]);
      await write('/c');
      assert.deepEqual(seen, ['event 2', 'event 3', 'answer 2', 'answer 3', 'event 4', 'answer 4']);
    }));
});

describe('ranges', () => {
  const fill = async (store: { commit(write: Write): Promise<unknown> }, count: number): Promise<void> => {
    const keys = Array.from({ length: count }, (_, index) => `/p/${String(index).padStart(4, '0')}`);
    await Promise.all(['/o', '/p', ...keys, '/p0', '/q/1'].map(key => store.commit(put(key, 'first'))));
  };

  it('answer with prefix, after, limit', () =>
    withStore({}, async store => {
      await fill(store, 5);
      const keys = async (options: { prefix: string; after?: string; limit?: number }) => {
        const { items, more, remaining } = await store.range(options);
        return [items.map(({ key }) => key.replace('/p/000', '')).join(), more, remaining];
      };
      assert.deepEqual(await keys({ prefix: '/p/' }), ['0,1,2,3,4', false, 0]);
      assert.deepEqual(await keys({ prefix: '/p/', limit: 2 }), ['0,1', true, 3]);
      assert.deepEqual(await keys({ prefix: '/p/', limit: 2, after: '/p/0001' }), ['2,3', true, 1]);
      assert.deepEqual(await keys({ prefix: '/p/', limit: 1, after: '/p/0003' }), ['4', false, 0]);
      assert.deepEqual(await keys({ prefix: '/p/', limit: 5 }), ['0,1,2,3,4', false, 0]);
      assert.deepEqual(await keys({ prefix: '/p/', after: '/p/0002x' }), ['3,4', false, 0]);
      assert.deepEqual(await keys({ prefix: '/p/', after: '/a' }), ['0,1,2,3,4', false, 0]);
      assert.deepEqual(await keys({ prefix: '/p/', after: '/z' }), ['', false, 0]);
      assert.deepEqual(await keys({ prefix: '/nothing' }), ['', false, 0]);
      assert.equal((await store.range({ prefix: '' })).items.length, 9);
      assert.equal(await store.count('/p/'), 5);
      assert.equal(await store.count(''), 9);
    }));

  it('go on page by page at an old revision while writes go on', () =>
    withStore({ windowRevisions: 16 }, async store => {
      await fill(store, 1_000);
      const at = store.revision();
      let writing = true;
      const writer = (async () => {
        for (let index = 0; writing; index = (index + 7) % 1_100) {
          const key = `/p/${String(index).padStart(4, '0')}`;
          await Promise.all([store.commit({ key, value: null }), store.commit(put(`${key}new`, 'second'))]);
        }
      })();
      const seen: string[] = [];
      let after = '';
      for (;;) {
        const page = await store.range({ prefix: '/p/', after, limit: 90, revision: at });
        assert.equal(page.revision, at);
        seen.push(...page.items.map(show));
        assert.equal(page.remaining, 1_000 - seen.length);
        if (!page.more) break;
        after = page.items.at(-1)?.key ?? '';
        await store.commit(put('/p/0000', after));
      }
      writing = false;
      await writer;
      assert.ok(store.revision() > at + 10, 'there were writes meanwhile');
      assert.deepEqual(
        seen,
        Array.from({ length: 1_000 }, (_, index) => `/p/${String(index).padStart(4, '0')}=first@${index + 4}`),
      );
    }));

  it('share the bytes of what was written', () =>
    withStore({}, async store => {
      const value = Buffer.from('shared');
      const recorder = new Recorder();
      store.watch({ prefix: '/a', afterRevision: 1 }, recorder);
      await store.commit({ key: '/a', value });
      assert.equal((await store.get('/a'))?.value, value);
      assert.equal((await store.range({ prefix: '/a' })).items[0]?.value, value);
      assert.equal(recorder.events[0]?.value, value);
      await store.commit(put('/a', 'next'));
      assert.equal(recorder.events[1]?.previous, value);
    }));

  for (const cacheBytes of [2, 40_000, 4_000_000]) {
    it(`in pieces are those in one go, with ${cacheBytes} bytes of cache`, () =>
      withStore({ cacheBytes }, async store => {
        const keys = ['/b/ü', '/b/😀', ...Array.from({ length: 700 }, (_, index) => `/b/${index}`), '/a/1', '/c/1'];
        const value = (index: number): Buffer =>
          Buffer.alloc((index * 7919) % (index % 50 === 0 ? 60_000 : 600), index);
        await Promise.all(keys.map((key, index) => store.commit({ key, value: value(index) })));
        const past = store.revision();
        const changes = keys.map((key, index) =>
          index % 3 === 0 ? store.commit({ key, value: index % 2 === 0 ? null : value(index + 1) }) : undefined,
        );
        await Promise.all(changes);
        for (const revision of [undefined, past]) {
          const asOf = revision === undefined ? {} : { revision };
          const all = await store.range({ prefix: '/b/', ...asOf });
          for (const pieceBytes of [1, 5_000, 100_000, 10_000_000]) {
            const items = [];
            let readBytes = 0;
            for (let more = true; more; ) {
              const after = items.at(-1)?.key;
              const options = {
                prefix: '/b/',
                ...asOf,
                pieceBytes,
                readBytes,
                ...(after === undefined ? {} : { after }),
              };
              const piece = await store.range(options);
              ({ more } = piece);
              assert.ok(!more || piece.items.length > 0);
              const sizes = piece.items.map(item => item.value.length);
              const bytes = sizes.reduce((sum, size) => sum + size, 0);
              assert.ok(!more || bytes >= pieceBytes);
              assert.ok(bytes <= 3 * pieceBytes + 300_000, `${bytes} of ${pieceBytes}`);
              readBytes += bytes;
              items.push(...piece.items);
            }
            assert.deepEqual(items, all.items);
          }
        }
      }));
  }

  it('know past and future', () =>
    withStore({}, async store => {
      await store.commit(put('/a', 'one'));
      await store.commit(put('/a', 'two'));
      await store.commit({ key: '/a', value: null });
      assert.equal(String((await store.get('/a', 2))?.value), 'one');
      assert.equal(String((await store.get('/a', 3))?.value), 'two');
      assert.equal(await store.get('/a', 4), undefined);
      await assert.rejects(store.get('/a', 5), FutureRevisionError);
      await assert.rejects(store.range({ prefix: '', revision: 5 }), FutureRevisionError);
      assert.throws(() => store.watch({ prefix: '', afterRevision: 5 }, new Recorder()), FutureRevisionError);
      await assert.rejects(store.compact(5), FutureRevisionError);
      await store.compact(3);
      assert.equal(store.compactedRevision(), 3);
      await assert.rejects(store.get('/a', 2), CompactedError);
      await assert.rejects(store.range({ prefix: '', revision: 2 }), CompactedError);
      assert.throws(() => store.watch({ prefix: '', afterRevision: 2 }, new Recorder()), CompactedError);
      assert.equal(String((await store.get('/a', 3))?.value), 'two');
    }));
});

describe('watches', () => {
  it('tell everything exactly once from the file, the window and live', () =>
    withStore({ windowRevisions: 64 }, async store => {
      const writes = 3_000;
      const recorders: { after: number; prefix: string; recorder: Recorder; stop: () => void }[] = [];
      for (let index = 0; index < writes; index++) {
        const written = store.commit(put(`/${index % 3}/${index % 10}`, String(index)));
        if (index % 20 === 0) await written;
        if (index % 100 !== 0) continue;
        const after = 1 + Math.floor((store.revision() - 1) * ((index / 100) % 10) * 0.1);
        const prefix = ['', '/1/', '/2/5'][(index / 100) % 3] ?? '';
        const recorder = new Recorder();
        recorders.push({ after, prefix, recorder, stop: store.watch({ prefix, afterRevision: after }, recorder) });
      }
      const last = await store.commit(put('/last', 'x'));
      assert.ok(last.ok);
      const all = new Recorder();
      store.watch({ prefix: '', afterRevision: 1 }, all);
      await all.until(({ events }) => events.length === writes + 1);
      const expected = all.events.map(showEvent);
      assert.deepEqual(
        all.events.map(({ revision }) => revision),
        all.events.map((_, index) => index + 2),
      );
      for (const { after, prefix, recorder } of recorders) {
        const own = expected.filter((_, index) => {
          const event = all.events[index];
          return event && event.revision > after && event.key.startsWith(prefix);
        });
        await recorder.until(({ events }) => events.length >= own.length);
        assert.deepEqual(recorder.events.map(showEvent), own);
      }
      assert.equal(store.stats().watches, recorders.length + 1);
      for (const { stop } of recorders) stop();
      assert.equal(store.stats().watches, 1);
    }));

  it('say what an event did', () =>
    withStore({ windowRevisions: 2 }, async store => {
      await store.commit(put('/a', 'one'));
      await store.commit(put('/a', 'two'));
      await store.commit({ key: '/a', value: null });
      await store.commit(put('/a', 'three'));
      const recorder = new Recorder();
      store.watch({ prefix: '/a', afterRevision: 1 }, recorder);
      await recorder.until(({ events }) => events.length === 4);
      assert.deepEqual(recorder.events.map(showEvent), [
        '2 put /a - one',
        '3 put /a one two',
        '4 delete /a two -',
        '5 put /a - three',
      ]);
      assert.deepEqual(
        recorder.events.map(({ createRevision, value }) => `${createRevision} ${value}`),
        ['2 one', '2 two', '2 two', '5 three'],
      );
    }));

  it('say once when they are live: after the past, wherever it is read from', () =>
    withStore({ windowRevisions: 2 }, async store => {
      for (const value of ['1', '2', '3', '4']) await store.commit(put('/a', value));
      for (const [afterRevision, told] of [
        [1, '4 live'],
        [4, '1 live'],
        [5, '0 live'],
      ] as const) {
        const said: string[] = [];
        let events = 0;
        const live = new Promise<void>(resolve => {
          const stop = store.watch(
            { prefix: '/a', afterRevision },
            {
              onEvents: group => {
                events += group.length;
              },
              onLive: () => {
                said.push(`${events} live`);
                setImmediate(() => {
                  stop();
                  resolve();
                });
              },
              onEnd: () => {},
            },
          );
          assert.deepEqual(said, []);
        });
        await live;
        assert.deepEqual(said, [told]);
      }
    }));

  it('never call back before watch() has returned, nor after the stop', () =>
    withStore({}, async store => {
      await store.commit(put('/a', 'one'));
      const recorder = new Recorder();
      const stop = store.watch({ prefix: '', afterRevision: 1 }, recorder);
      assert.equal(recorder.events.length, 0);
      stop();
      stop();
      await store.commit(put('/a', 'two'));
      assert.equal(recorder.events.length, 0);
      assert.equal(store.stats().watches, 0);
    }));

  it('may be started and stopped by the callbacks of others', () =>
    withStore({}, async store => {
      const inner = new Recorder();
      const stopped = new Recorder();
      let stop = (): void => {};
      store.watch(
        { prefix: '/a', afterRevision: 1 },
        {
          onEvents: () => {
            stop();
            if (inner.events.length === 0) store.watch({ prefix: '/a', afterRevision: store.revision() }, inner);
          },
          onEnd: () => {},
        },
      );
      stop = store.watch({ prefix: '/a', afterRevision: 1 }, stopped);
      await store.commit(put('/a', 'one'));
      assert.equal(inner.events.length, 0);
      await store.commit(put('/a', 'two'));
      assert.deepEqual(inner.events.map(showEvent), ['3 put /a one two']);
      assert.equal(stopped.events.length, 0);
    }));

  it('end alone when their callback throws', () =>
    withStore({}, async store => {
      const good = new Recorder();
      let ended: Error | undefined;
      store.watch(
        { prefix: '', afterRevision: 1 },
        {
          onEvents: () => {
            throw new Error('mine');
          },
          onEnd: error => {
            ended = error;
          },
        },
      );
      store.watch({ prefix: '', afterRevision: 1 }, good);
      await store.commit(put('/a', 'one'));
      assert.equal(ended?.message, 'mine');
      assert.equal(good.events.length, 1);
      assert.equal(store.stats().watches, 1);
    }));

  it('end with CompactedError when the file loses what they have not seen', () =>
    withStore({ windowRevisions: 4 }, async store => {
      await Promise.all(Array.from({ length: 2_000 }, (_, index) => store.commit(put('/a', String(index)))));
      const recorder = new Recorder();
      store.watch({ prefix: '', afterRevision: 1 }, recorder);
      await store.compact(1_990);
      await recorder.until(({ ended }) => ended !== undefined);
      assert.ok(recorder.ended instanceof CompactedError);
      assert.deepEqual(
        recorder.events.map(({ revision }) => revision),
        recorder.events.map((_, index) => index + 2),
        'what came before the end has no gap',
      );
    }));
});

describe('compaction', () => {
  it('forgets under load without touching what is current', () =>
    withStore({ compaction: { keepMs: 0, keepRevisions: 50, maxRevisions: 100, minBatch: 20 } }, async store => {
      const live = new Map<string, string>();
      await Promise.all(
        Array.from({ length: 16 }, async (_, writer) => {
          for (let round = 0; round < 150; round++) {
            const key = `/${writer}/${round % 4}`;
            const gone = round % 11 === 10;
            const answer = await store.commit(gone ? { key, value: null } : put(key, `${writer} ${round}`));
            if (!answer.ok) continue;
            if (gone) live.delete(key);
            else live.set(key, `${writer} ${round}`);
          }
        }),
      );
      assert.ok(store.compactedRevision() > store.revision() - 200, JSON.stringify(store.stats()));
      await store.compact(store.revision());
      const { items } = await store.range({ prefix: '' });
      assert.deepEqual(new Map(items.map(({ key, value }) => [key, String(value)])), new Map([...live].sort()));
      assert.equal(await store.count(''), live.size);
    }));

  it('waits for a list in progress', () =>
    withStore({}, async store => {
      await Promise.all(Array.from({ length: 4_000 }, (_, index) => store.commit(put(`/${index}`, 'x'.repeat(2_000)))));
      const at = store.revision();
      const listing = store.range({ prefix: '' });
      for (let index = 0; index < 4_000; index += 40) void store.commit({ key: `/${index}`, value: null });
      await store.commit(put('/z', 'x'));
      const compacting = store.compact(store.revision());
      const { items, revision } = await listing;
      assert.equal(revision, at);
      assert.equal(items.length, 4_000);
      await compacting;
      assert.equal(await store.count(''), 3_901);
    }));

  it('waits while a revision is held, and that one can be read', () =>
    withStore({}, async store => {
      for (let index = 0; index < 10; index++) await store.commit(put('/a', String(index)));
      const old = store.revision();
      const [one, other] = [store.hold(old), store.hold(old)];
      await store.commit(put('/a', 'new'));
      let done = false;
      const compacting = store.compact(store.revision()).then(() => {
        done = true;
      });
      assert.throws(() => store.hold(old - 1), CompactedError);
      const read = async (): Promise<string[]> =>
        (await store.range({ prefix: '/', revision: old, pieceBytes: 100 })).items.map(show);
      assert.deepEqual(await read(), [`/a=9@${old}`]);
      one();
      await store.commit(put('/b', 'meanwhile'));
      assert.deepEqual(await read(), [`/a=9@${old}`]);
      assert.equal(done, false);
      other();
      await compacting;
      await assert.rejects(read(), CompactedError);
      assert.throws(() => store.hold(old), CompactedError);
      other();
    }));

  it('gives space back, and the newest revision survives the compaction of its own deletion', () =>
    withDirectory(async directory => {
      const path = join(directory, 'state.db');
      let store = await openSqliteStore({ path, compaction: false });
      const value = Buffer.alloc(4_000);
      await Promise.all(Array.from({ length: 3_000 }, (_, index) => store.commit({ key: `/${index}`, value })));
      const full = store.stats();
      await Promise.all(Array.from({ length: 3_000 }, (_, index) => store.commit({ key: `/${index}`, value: null })));
      const { revision } = store.stats();
      await store.compact(revision);
      await store.close();
      store = await openSqliteStore({ path, compaction: false });
      assert.equal(store.revision(), revision);
      assert.equal(store.compactedRevision(), revision);
      assert.ok(store.stats().usedBytes < full.usedBytes / 50, JSON.stringify(store.stats()));
      assert.deepEqual(await store.commit(put('/a', 'x', 0)), { ok: true, revision: revision + 1 });
      // The commit woke the upkeep, which now gives the free pages back in slices.
      for (let tries = 0; store.stats().fileBytes > full.fileBytes / 2 && tries < 1_000; tries++) {
        await store.commit(put('/a', String(tries)));
        await new Promise(resolve => setTimeout(resolve, 1));
      }
      assert.ok(store.stats().fileBytes <= full.fileBytes / 2, JSON.stringify(store.stats()));
      await store.close();
    }));
});

describe('the quota', () => {
  it('refuses creations, later updates, never deletions; and lets go when there is room again', () =>
    withStore(
      { quotaBytes: 2 * 1024 * 1024, compaction: { keepMs: 0, keepRevisions: 0, minBatch: 1_000 } },
      async store => {
        const value = Buffer.alloc(10_000);
        let created = 0;
        const fill = async (): Promise<void> => {
          for (;;) {
            await store.commit({ key: `/${created}`, value, expect: 0 });
            created++;
          }
        };
        await assert.rejects(fill(), StoreFullError);
        assert.ok(created > 150 && created < 210, String(created));
        assert.equal(store.stats().full, true);
        const updated = await store.commit(put('/0', 'terminating'));
        assert.ok(updated.ok, 'an update may use the headroom');
        for (let index = 0; index < created; index++)
          assert.ok((await store.commit({ key: `/${index}`, value: null })).ok);
        await store.compact(store.revision());
        assert.ok((await store.commit({ key: '/again', value })).ok);
        assert.equal(store.stats().full, false);
      },
    ));
});

describe('snapshots', () => {
  it('hold one moment while writes go on', () =>
    withStore({}, async (store, path) => {
      const copyPath = join(dirname(path), 'copy.db');
      let writing = true;
      const writer = (async () => {
        for (let index = 0; writing; index++) {
          await Promise.all(
            [0, 1, 2].map(part => store.commit(put(`/${part}/${index % 50}`, `${index}`.padEnd(1_000)))),
          );
        }
      })();
      for (let round = 0; round < 3; round++) {
        const { revision, sizeBytes } = await store.snapshot(copyPath);
        const { size, mode } = await stat(copyPath);
        assert.equal(sizeBytes, size);
        assert.equal(mode & 0o777, 0o600);
        const rows: BackupRow[] = [];
        const { header, objects } = await readBackup(copyPath, record => {
          if (record.kind === 'row') rows.push(record);
        });
        assert.deepEqual([header.revision, header.content, objects], [revision, 'snapshot', rows.length]);
        const { items } = await store.range({ prefix: '', revision });
        assert.deepEqual(
          rows.map(({ key, value, revision }) => `${key} ${value} ${revision}`),
          items.map(({ key, value, modRevision }) => `${key} ${value} ${modRevision}`),
        );
      }
      writing = false;
      await writer;
    }));

  it('say where they failed and leave nothing', () =>
    withStore({}, async store => {
      await assert.rejects(
        store.snapshot('/nonexistent-directory/copy.db'),
        /copying it to \/nonexistent-directory\/copy.db.*ENOENT/s,
      );
      await store.commit(put('/a', 'still works'));
    }));
});

describe('closing', () => {
  it('finishes what was asked for, then answers nothing', () =>
    withDirectory(async directory => {
      const path = join(directory, 'deep', 'er', 'state.db');
      const store = await openSqliteStore({ path, compaction: false });
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
      const recorder = new Recorder();
      store.watch({ prefix: '', afterRevision: 1 }, recorder);
      const commits = Array.from({ length: 100 }, (_, index) => store.commit(put(`/${index}`, 'x')));
      const closing = store.close();
      assert.ok((await Promise.all(commits)).every(answer => answer.ok));
      await closing;
      await store.close();
      assert.equal(recorder.events.length, 100);
      assert.ok(recorder.ended instanceof StoreClosedError);
      await assert.rejects(store.commit(put('/a', 'x')), StoreClosedError);
      await assert.rejects(store.get('/1'), StoreClosedError);
      await assert.rejects(store.range({ prefix: '' }), StoreClosedError);
      await assert.rejects(store.snapshot(path), StoreClosedError);
      assert.throws(() => store.watch({ prefix: '', afterRevision: 1 }, new Recorder()), StoreClosedError);
      const again = await openSqliteStore({ path, compaction: false });
      assert.equal(await again.count(''), 100);
      assert.equal(again.revision(), 101);
      await again.close();
    }));
});
