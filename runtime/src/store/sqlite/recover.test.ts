import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { CompactedError, StoreCorruptError } from '../store.ts';
import { inspectLog } from './log.ts';
import { openSqliteStore, type SqliteStoreOptions } from './open.ts';
import { suspectPath } from './recover.ts';
import { recoveryText } from './recoveryText.ts';
import type { SqliteStore } from './store.ts';
import { put, Recorder, withDirectory } from './testing.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const OBJECTS = 400;
const textOf = (index: number, round: number): string =>
  `${index}.${round} `.padEnd(100 + ((index * 37) % 3_000), `${index}`);

/** A directory as a killed server leaves it: database, log, snapshot. */
interface Scene {
  readonly database: Buffer;
  readonly log: Buffer;
  readonly snapshot: Buffer;
  /** What the snapshot has, and what the store has. */
  readonly atSnapshot: ReadonlyMap<string, string>;
  readonly atEnd: ReadonlyMap<string, string>;
  /** Of every key every value it ever had: nothing else may ever be read. */
  readonly ever: ReadonlyMap<string, ReadonlySet<string>>;
  readonly revision: number;
}

async function makeScene(directory: string): Promise<Scene> {
  const path = join(directory, 'made.db');
  const snapshots = join(directory, 'made-snapshots');
  await mkdir(snapshots);
  const store = await openSqliteStore({ path, compaction: false, reserveBytes: 0 });
  const current = new Map<string, string>();
  const ever = new Map<string, Set<string>>();
  const write = async (index: number, round: number): Promise<void> => {
    const key = `/registry/core/things/default/${index}`;
    if (round > 0 && index % 11 === 5) {
      current.delete(key);
      await store.commit({ key, value: null });
      return;
    }
    const value = textOf(index, round);
    current.set(key, value);
    ever.set(key, (ever.get(key) ?? new Set()).add(value));
    await store.commit(put(key, value));
  };
  await Promise.all(Array.from({ length: OBJECTS }, (_, index) => write(index, 0)));
  await store.snapshot(join(snapshots, 'snapshot-20260101T000000Z.atoll-backup'));
  const atSnapshot = new Map(current);
  await Promise.all(Array.from({ length: OBJECTS / 2 }, (_, index) => write(index, 1)));
  await store.scrub();
  for (let index = 0; index < OBJECTS / 4; index++) await write(index, 2);
  const scene: Scene = {
    database: await readFile(path),
    log: await readFile(`${path}-wal`),
    snapshot: await readFile(join(snapshots, 'snapshot-20260101T000000Z.atoll-backup')),
    atSnapshot,
    atEnd: current,
    ever,
    revision: store.revision(),
  };
  await store.close();
  return scene;
}

async function lay(scene: Scene, directory: string, log = scene.log): Promise<SqliteStoreOptions> {
  await rm(directory, { recursive: true, force: true });
  const snapshots = join(directory, 'snapshots');
  await mkdir(snapshots, { recursive: true });
  const path = join(directory, 'state.db');
  await writeFile(path, scene.database);
  if (log.length > 0) await writeFile(`${path}-wal`, log);
  await writeFile(join(snapshots, 'snapshot-20260101T000000Z.atoll-backup'), scene.snapshot);
  return { path, snapshots, compaction: false, reserveBytes: 0, cacheBytes: 1 };
}

async function contentOf(store: SqliteStore): Promise<Map<string, string>> {
  const { items } = await store.range({ prefix: '' });
  return new Map(items.map(({ key, value }) => [key, String(value)]));
}

const sorted = (content: ReadonlyMap<string, string>): [string, string][] => [...content].sort();

async function watchesAreTold(store: SqliteStore, scene: Scene): Promise<void> {
  assert.ok(store.revision() > scene.revision, `${store.revision()} is not after ${scene.revision}`);
  assert.throws(() => store.watch({ prefix: '', afterRevision: scene.revision }, new Recorder()), CompactedError);
  await assert.rejects(store.range({ prefix: '', revision: scene.revision }), CompactedError);
}

describe('a damaged store', () => {
  it(
    'at 150 random places: noticed and restored, or harmless; never anything that was not written',
    { timeout: 240_000 },
    () =>
      withDirectory(async directory => {
        const scene = await makeScene(directory);
        const place = join(directory, 'place');
        const counts: Record<string, number> = {};
        for (let seed = 1; seed <= 150; seed++) {
          const random = randomOf(seed);
          const options = await lay(scene, place);
          const target = seed % 3 === 0 ? `${options.path}-wal` : options.path;
          const size = (await stat(target)).size;
          const at = Math.floor(random() * size);
          const length = [1, 1, 4, 64, 512, 4_096][Math.floor(random() * 6)] ?? 1;
          const bytes = await readFile(target);
          for (let index = at; index < Math.min(size, at + length); index++) bytes[index] = Math.floor(random() * 256);
          await writeFile(target, bytes);
          const what = `seed ${seed}: ${length} bytes at ${at} of ${target}`;
          const failures: Error[] = [];
          let store: SqliteStore | undefined;
          try {
            // What only a read notices ends the server; the next start does something about it. Never a third.
            for (let start = 0; store === undefined; start++) {
              assert.ok(start < 3, `${what}: starts again and again`);
              store = await openSqliteStore({ ...options, onFailure: error => failures.push(error) });
              try {
                await contentOf(store);
                await store.commit(put('/after', 'x'));
                await store.compact(store.revision());
              } catch (error) {
                assert.ok(error instanceof StoreCorruptError, `${what}: ${error}`);
                assert.ok(failures.length > 0, what);
                await store.close().catch(() => undefined);
                store = undefined;
              }
            }
            const content = await contentOf(store);
            content.delete('/after');
            for (const [key, value] of content)
              assert.ok(scene.ever.get(key)?.has(value), `${what}: ${key} is ${value}`);
            const { recovery } = store;
            counts[recovery?.how ?? 'harmless'] = (counts[recovery?.how ?? 'harmless'] ?? 0) + 1;
            if (recovery === undefined || recovery.how === 'rebuilt')
              assert.deepEqual(sorted(content), sorted(scene.atEnd), what);
            else await watchesAreTold(store, scene);
            if (recovery?.how === 'snapshot') assert.deepEqual(sorted(content), sorted(scene.atSnapshot), what);
            if (recovery) assert.match(recoveryText(recovery), /^The (store was|end of the store's log)/);
          } finally {
            await store?.close();
          }
          const again = await openSqliteStore(options);
          assert.equal(again.recovery, undefined, `${what}: once is enough`);
          await again.close();
        }
        assert.ok((counts.snapshot ?? 0) > 20 && (counts.log ?? 0) > 5, JSON.stringify(counts));
      }),
  );

  it('cut, emptied, zeroed, gone: restored from the snapshot, the damaged one set aside', () =>
    withDirectory(async directory => {
      const scene = await makeScene(directory);
      const place = join(directory, 'place');
      const table: [what: string, damage: (path: string) => Promise<unknown>, aside: boolean][] = [
        ['empty', path => truncate(path, 0), true],
        ['half', path => truncate(path, Math.floor(scene.database.length / 2)), true],
        ['zeros', path => writeFile(path, Buffer.alloc(scene.database.length)), true],
        ['another file', path => writeFile(path, 'something else'.repeat(1_000)), true],
        ['gone, its log left', path => rm(path), true],
        ['gone with its log', path => Promise.all([rm(path), rm(`${path}-wal`)]), false],
      ];
      for (const [what, damage, aside] of table) {
        const options = await lay(scene, place);
        await damage(options.path);
        const store = await openSqliteStore(options);
        try {
          assert.equal(store.recovery?.how, 'snapshot', what);
          assert.deepEqual(sorted(await contentOf(store)), sorted(scene.atSnapshot), what);
          await watchesAreTold(store, scene);
          assert.equal(store.recovery?.damaged !== undefined, aside, what);
          const names = await readdir(place);
          assert.equal(
            names.some(name => name.startsWith('state.db.damaged-')),
            aside,
            names.join(),
          );
          assert.equal((await stat(options.path)).mode & 0o777, 0o600);
          assert.match(await readFile(`${options.path}.recovery`, 'utf8'), /"how":"snapshot"/);
        } finally {
          await store.close();
        }
      }
    }));

  it('whose index only is damaged is rebuilt, and nothing is lost', () =>
    withDirectory(async directory => {
      const scene = await makeScene(directory);
      const options = await lay(scene, join(directory, 'place'));
      const database = new Database(options.path).unsafeMode();
      database.pragma('writable_schema = ON');
      // Entries vanish from the index alone.
      const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'by_key'").pluck().get();
      assert.ok(Number(root) > 1);
      database.exec(
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_key ON revisions (key, revision, deleted) WHERE revision > 10' WHERE name = 'by_key'",
      );
      database.close();
      const partial = new Database(options.path).unsafeMode();
      partial.exec('REINDEX by_key');
      partial.pragma('writable_schema = ON');
      partial.exec(
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_key ON revisions (key, revision, deleted)' WHERE name = 'by_key'",
      );
      partial.close();
      const store = await openSqliteStore(options);
      try {
        assert.equal(store.recovery?.how, 'rebuilt', JSON.stringify(store.recovery));
        assert.equal(store.recovery.lostAfter, undefined);
        assert.deepEqual(sorted(await contentOf(store)), sorted(scene.atEnd));
        await watchesAreTold(store, scene);
      } finally {
        await store.close();
      }
    }));

  it('passes over snapshots that are no good, and says so when none is', () =>
    withDirectory(async directory => {
      const scene = await makeScene(directory);
      const options = await lay(scene, join(directory, 'place'));
      const { snapshots = '' } = options;
      const newer = join(snapshots, 'snapshot-20260202T000000Z.atoll-backup');
      await writeFile(newer, scene.snapshot.subarray(0, scene.snapshot.length - 100));
      await truncate(options.path, 5_000);
      const store = await openSqliteStore(options);
      assert.deepEqual(sorted(await contentOf(store)), sorted(scene.atSnapshot));
      await store.close();

      await lay(scene, join(directory, 'place'));
      await truncate(options.path, 5_000);
      await rm(`${options.path}-wal`);
      await rename(join(snapshots, 'snapshot-20260101T000000Z.atoll-backup'), newer);
      await truncate(newer, 1_000);
      const before = await readFile(options.path);
      await assert.rejects(openSqliteStore(options), (error: unknown) => {
        assert.ok(error instanceof StoreCorruptError);
        assert.match(error.message, /is damaged.*snapshot-20260202T000000Z.*atoll backup restore FILE/s);
        return true;
      });
      assert.ok((await readFile(options.path)).equals(before), 'nothing has been touched');
    }));

  it('killed while it is being replaced, goes on at the next start', () =>
    withDirectory(async directory => {
      const scene = await makeScene(directory);
      const place = join(directory, 'place');
      // What is there after each step: built; database moved; log moved.
      for (const step of [1, 2, 3]) {
        const options = await lay(scene, place);
        const good = await openSqliteStore({ ...options, path: join(directory, `good${step}.db`) });
        const expected = sorted(await contentOf(good));
        await good.close();
        await copyFile(join(directory, `good${step}.db`), `${options.path}.recovered`);
        await truncate(options.path, 100_000);
        if (step >= 2) await rename(options.path, `${options.path}.damaged-x`);
        if (step >= 3) await rename(`${options.path}-wal`, `${options.path}.damaged-x-wal`);
        const store = await openSqliteStore(options);
        try {
          const content = sorted(await contentOf(store));
          assert.deepEqual(content, step === 1 ? sorted(scene.atSnapshot) : expected, `step ${step}`);
        } finally {
          await store.close();
        }
      }
    }));

  it('found by a read ends the server; the next start restores it', () =>
    withDirectory(async directory => {
      const scene = await makeScene(directory);
      const options = await lay(scene, join(directory, 'place'));
      const failures: Error[] = [];
      const store = await openSqliteStore({ ...options, onFailure: error => failures.push(error) });
      // A bit of a value flips under the running server.
      const database = new Database(options.path);
      database.exec(
        "UPDATE revisions SET value = CAST(replace(CAST(value AS TEXT), '7', '8') AS BLOB) WHERE key LIKE '%/77'",
      );
      database.close();
      await assert.rejects(
        store.commit(put('/x', 'y')).then(() => contentOf(store)),
        StoreCorruptError,
      );
      assert.ok(failures[0] instanceof StoreCorruptError);
      assert.match(await readFile(suspectPath(options.path), 'utf8'), /checksum does not hold/);
      await store.close().catch(() => undefined);
      const again = await openSqliteStore(options);
      assert.equal(again.recovery?.how, 'snapshot');
      assert.equal((await readdir(join(directory, 'place'))).includes('state.db-suspect'), false);
      await again.close();
    }));
});

describe('a log', () => {
  it('is whole, torn at its end, or damaged', () =>
    withDirectory(async directory => {
      const { log } = await makeScene(directory);
      const path = join(directory, 'log');
      const frame = 24 + 2_048;
      const look = async (bytes: Buffer): Promise<string> => {
        await writeFile(path, bytes);
        const { damage, torn } = await inspectLog(path);
        return damage ?? (torn ? 'torn' : 'whole');
      };
      const flipped = (at: number): Buffer => {
        const copy = Buffer.from(log);
        copy[at] = (copy[at] ?? 0) ^ 1;
        return copy;
      };
      const frames = Math.floor((log.length - 32) / frame);
      assert.ok(frames > 100);
      assert.equal(await look(log), 'whole');
      assert.equal(await look(Buffer.alloc(0)), 'whole');
      assert.equal(await look(log.subarray(0, 32 + 10 * frame)), 'whole');
      assert.equal(await look(log.subarray(0, 32 + 10 * frame + 100)), 'whole');
      assert.match(await look(flipped(3)), /header/);
      assert.match(await look(flipped(20)), /header/);
      assert.match(await look(flipped(30)), /header/);
      assert.equal(await look(flipped(32 + (frames - 1) * frame + 500)), 'torn');
      assert.equal(await look(flipped(32 + (frames - 1) * frame + 9)), 'torn');
      for (const at of [32 + 3 * frame + 500, 32 + 3 * frame + 2, 32 + 3 * frame + 18, 32 + 3 * frame + 9])
        assert.match(await look(flipped(at)), /damaged after 3 of at least/);
      assert.equal(await look(Buffer.concat([log.subarray(0, 32 + 5 * frame), Buffer.alloc(frame)])), 'whole');
      assert.equal((await inspectLog(join(directory, 'none'))).damage, undefined);
    }));
});
