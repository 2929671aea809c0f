import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type Database from 'better-sqlite3';
import type { Write } from '../store.ts';
import { openStoreFile } from './file.ts';
import { type HeldWrite, Outcome, packWrites, unpackResults } from './protocol.ts';
import { Reserve } from './reserve.ts';
import { put, withDirectory } from './testing.ts';
import { Writer } from './writer.ts';

/** The writer without its thread. */
function withWriter(
  quotaBytes: number,
  body: (commit: (...writes: Write[]) => Outcome[], writer: Writer, database: Database.Database) => void,
  reserveBytes = 0,
): Promise<void> {
  return withDirectory(async directory => {
    const { database } = await openStoreFile({ path: join(directory, 'state.db') });
    const writer = new Writer(database, quotaBytes, new Reserve(join(directory, 'reserve'), reserveBytes));
    try {
      const commit = (...writes: Write[]): Outcome[] => {
        return unpackResults(writer.commit(packWrites(writes)), writes).map(({ outcome }) => outcome);
      };
      body(commit, writer, database);
      assert.deepEqual(database.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    } finally {
      writer.close();
    }
  });
}

const value = Buffer.alloc(3_000);

describe('what the sender holds', () => {
  it('is not sent back, and says nothing of another revision', () =>
    withWriter(1e9, (_commit, writer) => {
      const send = (...writes: HeldWrite[]) => unpackResults(writer.commit(packWrites(writes)), writes);
      send(put('/a', 'one'), put('/b', 'two'));
      const held = { key: '/a', value: Buffer.from('one'), modRevision: 2, createRevision: 2 };
      const change = { ...put('/a', 'three'), expect: 2, held };
      // Of two that expect the same, the second is told what the first has written.
      const [first, second, third] = send(change, change, { key: '/b', value: null, expect: 3 });
      assert.deepEqual(first, { outcome: Outcome.Committed, revision: 4, before: held, held: true });
      const now = { key: '/a', value: Buffer.from('three'), modRevision: 4, createRevision: 2 };
      assert.deepEqual(second, { outcome: Outcome.Conflict, revision: 0, before: now });
      assert.equal(third?.before?.value.toString(), 'two');
      const late = { key: '/a', value: null, expect: 4, held: now };
      assert.deepEqual(send(late), [{ outcome: Outcome.Committed, revision: 6, before: now, held: true }]);
      // It is gone: whatever is held, there is nothing.
      assert.deepEqual(send(late), [{ outcome: Outcome.Conflict, revision: 0, before: undefined }]);
    }));
});

describe('a full disk', () => {
  it('refuses what does not fit, whole groups of it, and goes on', () =>
    withWriter(1e9, (commit, writer, database) => {
      const fits = Array.from({ length: 50 }, (_, index) => ({ key: `/${index}`, value }));
      assert.ok(commit(...fits).every(outcome => outcome === Outcome.Committed));
      database.pragma(`max_page_count = ${writer.state.pages + 2}`);
      const { revision } = writer.state;
      const tooMuch = Array.from({ length: 10 }, (_, index) => ({ key: `/new/${index}`, value }));
      assert.deepEqual(commit(...tooMuch, { key: '/0', value: null }), [
        ...tooMuch.map(() => Outcome.NoSpace),
        Outcome.Committed,
      ]);
      assert.equal(writer.state.revision, revision + 1);
      assert.deepEqual(commit({ key: '/0', value: null }, { key: '/1', value: null }), [
        Outcome.Conflict,
        Outcome.Committed,
      ]);
      writer.compact(writer.state.revision);
      assert.deepEqual(commit(put('/new/0', 'small')), [Outcome.Committed]);
      database.pragma('max_page_count = 1000000');
      assert.deepEqual(commit({ key: '/new/1', value }), [Outcome.Committed]);
      assert.equal(writer.state.revision, revision + 4);
    }));
});

describe('the reserve', () => {
  it('is taken only from a disk with room, given up once, and taken back', () =>
    withDirectory(async directory => {
      const path = join(directory, 'state.db-reserve');
      const huge = new Reserve(path, 2 ** 50);
      huge.restore();
      assert.equal(huge.held, false);
      assert.equal(huge.release(), false);
      const reserve = new Reserve(path, 1_000_000);
      assert.equal(reserve.held, false);
      reserve.restore();
      assert.equal(reserve.held, true);
      assert.equal((await stat(path)).size, 1_000_000);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal(new Reserve(path, 1_000_000).held, true, 'found again');
      assert.equal(new Reserve(path, 2_000_000).held, false, 'a part of it is none');
      assert.equal(reserve.release(), true);
      assert.equal(reserve.release(), false);
      await assert.rejects(stat(path), { code: 'ENOENT' });
      reserve.restore();
      assert.equal(reserve.held, true);
    }));

  it('once gone, leaves what is free to deletions and updates', () =>
    withWriter(
      1e9,
      (commit, writer) => {
        assert.deepEqual(commit({ key: '/a', value }), [Outcome.NoSpace]);
        assert.deepEqual(commit({ key: '/a', value: null }), [Outcome.Conflict]);
        assert.equal(writer.state.revision, 1);
      },
      2 ** 50,
    ));
});

describe('the quota', () => {
  it('counts within a group, and lets what fits pass what does not', () =>
    withWriter(60_000, commit => {
      const outcomes = commit(
        { key: '/a', value: Buffer.alloc(20_000) },
        { key: '/b', value: Buffer.alloc(30_000) },
        { key: '/c', value },
        { key: '/a', value: Buffer.alloc(10) },
        { key: '/b', value: null },
      );
      assert.deepEqual(outcomes, [
        Outcome.Committed,
        Outcome.OverQuota,
        Outcome.Committed,
        Outcome.Committed,
        Outcome.Conflict,
      ]);
    }));
});

describe('compaction', () => {
  it('goes in slices and leaves exactly what is readable', () =>
    withWriter(1e9, (commit, writer, database) => {
      for (let round = 0; round < 20; round++) {
        commit(...Array.from({ length: 300 }, (_, index) => put(`/${index}`, `${round}`)));
      }
      commit(...Array.from({ length: 100 }, (_, index) => ({ key: `/${index}`, value: null })));
      const { revision } = writer.state;
      let slices = 0;
      for (; writer.state.compacted < revision - 50; slices++) writer.compact(revision - 50);
      assert.equal(writer.state.compacted, revision - 50);
      const rows = database.prepare<[], number>('SELECT count(*) FROM revisions').pluck();
      // 300 keys, of which 50 deletions are gone with their keys, and 50 deletions are still there with what they deleted.
      assert.equal(rows.get(), 250 + 50);
      writer.compact(revision);
      writer.compact(revision);
      assert.equal(rows.get(), 200);
      assert.equal(writer.state.revision, revision);
      assert.ok(slices >= 2, 'more than one slice');
    }));
});
