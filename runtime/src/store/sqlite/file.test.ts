import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { StoreCorruptError, StoreFailedError } from '../store.ts';
import { openSqliteStore } from './open.ts';
import { PAGE_BYTES } from './schema.ts';
import { put, Recorder, showEvent, withDirectory, withStore } from './testing.ts';

async function makeStore(path: string, objects: number): Promise<void> {
  const store = await openSqliteStore({ path, compaction: false });
  await Promise.all(
    Array.from({ length: objects }, (_, index) => store.commit(put(`/key/${index}`, `${index}`.padEnd(500)))),
  );
  await store.close();
}

/** What is in a directory, by hash; without the empty logs and shared memory that any look at a database leaves. */
async function contentOf(directory: string): Promise<string[]> {
  const content: string[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const bytes = await readFile(join(directory, name));
    if (name.endsWith('-shm') || (name.endsWith('-wal') && bytes.length === 0)) continue;
    content.push(`${name} ${createHash('sha256').update(bytes).digest('hex')}`);
  }
  return content;
}

async function overwrite(path: string, position: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, position);
  } finally {
    await file.close();
  }
}

describe('opening what is not a whole store', () => {
  type Damage = (path: string) => Promise<unknown>;
  const table: [what: string, damage: Damage, message: RegExp][] = [
    ['an empty file', path => truncate(path, 0), /the file is empty/],
    ['half a file', path => truncate(path, 300_000), /is damaged/],
    ['no database', path => writeFile(path, Buffer.alloc(40_960, 'no database ')), /not a database/],
    ['zeros', path => writeFile(path, Buffer.alloc(40_960)), /is damaged/],
    ['a broken header', path => overwrite(path, 0, Buffer.alloc(16, 7)), /not a database/],
    ['a broken page', path => overwrite(path, 4096 * 20, Buffer.alloc(64, 0xff)), /is damaged/],
    ['a zeroed page', path => overwrite(path, 4096 * 33, Buffer.alloc(4096)), /is damaged/],
    [
      'a log without its database',
      async path => {
        await writeFile(`${path}-wal`, 'x');
        await rm(path);
      },
      /write-ahead log .*state\.db-wal is there/,
    ],
    [
      'somebody else’s database',
      async path => {
        await rm(path);
        const other = new Database(path);
        other.exec('CREATE TABLE users (name)');
        other.close();
      },
      /not an Atoll store/,
    ],
  ];
  for (const [what, damage, message] of table) {
    it(`${what}: says so, and what to do, and touches nothing`, () =>
      withDirectory(async directory => {
        const path = join(directory, 'state.db');
        await makeStore(path, 1_000);
        await damage(path);
        const before = await contentOf(directory);
        await assert.rejects(openSqliteStore({ path }), (error: unknown) => {
          assert.ok(error instanceof StoreCorruptError, String(error));
          assert.match(error.message, message);
          assert.ok(error.message.includes(path));
          assert.match(error.message, /no good snapshot.*atoll backup restore FILE/);
          assert.ok(error.problems.length >= 1 && error.problems.length <= 5);
          return true;
        });
        assert.deepEqual(await contentOf(directory), before);
      }));
  }

  it('a newer format: asks for the newer Atoll', () =>
    withDirectory(async directory => {
      const path = join(directory, 'state.db');
      await makeStore(path, 1);
      const database = new Database(path);
      database.pragma('user_version = 99');
      database.close();
      await assert.rejects(openSqliteStore({ path }), /its format is 99, this version of Atoll reads 2/);
    }));

  it('a thread that dies: with its last words', () =>
    withDirectory(async directory => {
      const threadUrl = new URL('data:text/javascript,throw new Error("out of luck")');
      await assert.rejects(openSqliteStore({ path: join(directory, 'state.db'), threadUrl }), (error: unknown) => {
        assert.match(String(error), /StoreFailedError: .*state\.db failed while opening: .*out of luck/);
        return true;
      });
    }));

  it('a directory where the file should be, a parent that is a file: the system’s words', () =>
    withDirectory(async directory => {
      await assert.rejects(openSqliteStore({ path: directory }), StoreFailedError);
      await writeFile(join(directory, 'file'), '');
      await assert.rejects(openSqliteStore({ path: join(directory, 'file', 'state.db') }), /ENOTDIR/);
    }));
});

describe('after a power cut', () => {
  // What the card kept of the log: whole up to somewhere, then nothing, or rubbish.
  it('a log torn anywhere gives a whole store up to some commit', () =>
    withDirectory(async directory => {
      const path = join(directory, 'state.db');
      const torn = join(directory, 'torn.db');
      const store = await openSqliteStore({ path, compaction: false });
      const all = new Recorder();
      try {
        store.watch({ prefix: '', afterRevision: 1 }, all);
        for (let index = 0; index < 40; index++) {
          const key = `/key/${index % 7}`;
          await store.commit(index % 5 === 4 ? { key, value: null } : put(key, `${index}`.repeat(300)));
        }
        await copyFile(path, join(directory, 'database'));
        await copyFile(`${path}-wal`, join(directory, 'log'));
      } finally {
        await store.close();
      }
      const expected = all.events.map(showEvent);
      const log = await readFile(join(directory, 'log'));
      const revisions = new Set<number>();
      for (let round = 0; round < 24; round++) {
        // Every third cut is at a frame's edge (32 bytes of header, then 24 and a page each).
        const anywhere = Math.floor((log.length * (round + 0.5)) / 24);
        const cut = round % 3 === 0 ? 32 + Math.floor(anywhere / (24 + PAGE_BYTES)) * (24 + PAGE_BYTES) : anywhere;
        const rubbish = round % 2 === 0 ? Buffer.alloc(0) : Buffer.alloc(Math.min(9_000, log.length - cut), 0x5a);
        await copyFile(join(directory, 'database'), torn);
        await writeFile(`${torn}-wal`, Buffer.concat([log.subarray(0, cut), rubbish]));
        const survivor = await openSqliteStore({ path: torn, compaction: false });
        try {
          const { recovery } = survivor;
          const revision = recovery?.lostAfter ?? survivor.revision();
          if (recovery) {
            // Half a page at the end: what was in it may have been given out, so all begin anew.
            assert.equal(recovery.how, 'log');
            assert.ok(survivor.revision() > all.events.length + 1);
            const { items } = await survivor.range({ prefix: '' });
            const current = new Map<string, string>();
            for (const { type, key, value } of all.events.slice(0, revision - 1)) {
              if (type === 'put') current.set(key, String(value));
              else current.delete(key);
            }
            assert.deepEqual(
              new Map(items.map(({ key, value }) => [key, String(value)])),
              new Map([...current].sort()),
            );
          } else {
            const seen = new Recorder();
            survivor.watch({ prefix: '', afterRevision: 1 }, seen);
            await seen.until(({ events }) => events.length === revision - 1);
            assert.deepEqual(seen.events.map(showEvent), expected.slice(0, revision - 1));
          }
          revisions.add(revision);
          assert.ok((await survivor.commit(put('/after', 'x'))).ok);
        } finally {
          await survivor.close();
        }
      }
      assert.ok(revisions.size > 10, `the cuts gave only ${revisions.size} different revisions`);
    }));
});

describe('another writer', () => {
  it('is noticed; the store stops writing and goes on reading', () => {
    const failures: Error[] = [];
    return withStore({ onFailure: error => failures.push(error) }, async (store, path) => {
      await store.commit(put('/a', 'mine'));
      const other = new Database(path);
      other.exec("INSERT INTO revisions VALUES (3, '/a', 2, 2, 0, x'00', NULL)");
      other.close();
      const compacting = store.compact(2).catch(error => error);
      await assert.rejects(Promise.all([store.commit(put('/b', 'x')), store.commit(put('/c', 'x'))]), StoreFailedError);
      assert.ok((await compacting) === undefined || (await compacting) instanceof StoreFailedError);
      assert.equal(failures.length, 1);
      assert.ok(failures[0] instanceof StoreFailedError);
      await assert.rejects(store.commit(put('/b', 'x')), StoreFailedError);
      assert.equal(String((await store.get('/a'))?.value), 'mine');
      assert.equal(store.revision(), 2);
    });
  });
});
