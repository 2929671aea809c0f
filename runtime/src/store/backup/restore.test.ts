import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { newKeyRing, writeKeyRing } from '../encryption/keyRing.ts';
import { Sealer } from '../encryption/sealer.ts';
import { openSqliteStore } from '../sqlite/open.ts';
import { put, Recorder, withDirectory } from '../sqlite/testing.ts';
import { CompactedError } from '../store.ts';
import { serverFiles, writeBackup } from './create.ts';
import { backupName, listBackups, pruneBackups } from './files.ts';
import { BackupError, type BackupRecord, encodeBackup, readBackup } from './format.ts';
import { finishRestore, restoreBackup } from './restore.ts';
import { RESTORED_BUMP } from './rows.ts';

const about = { atoll: '1', host: 'h', created: '2026-01-01T00:00:00Z', content: 'backup' } as const;
const now = new Date('2026-02-02T00:00:00Z');

/** A server's directory with objects `/k/…` = `text`, keys and a token that say `text`, too. */
async function makeServer(directory: string, text: string, objects = 50): Promise<void> {
  await mkdir(join(directory, 'tls'), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'tls', 'server-ca.key'), text, { mode: 0o600 });
  await writeFile(join(directory, 'tls', 'server-ca.crt'), text, { mode: 0o644 });
  await writeFile(join(directory, 'node-token'), text, { mode: 0o600 });
  const store = await openSqliteStore({ path: join(directory, 'db', 'state.db'), compaction: false, reserveBytes: 0 });
  await Promise.all(
    Array.from({ length: objects }, (_, index) => store.commit(put(`/k/${index}`, `${text} ${index}`))),
  );
  await store.commit(put('/k/0', `${text} again`));
  await store.commit({ key: '/k/1', value: null });
  await store.close();
}

/** What a start would find: text of the objects, the key, the token. */
async function found(directory: string): Promise<string> {
  await finishRestore(directory);
  const store = await openSqliteStore({ path: join(directory, 'db', 'state.db'), compaction: false, reserveBytes: 0 });
  try {
    const { items } = await store.range({ prefix: '' });
    const texts = new Set(items.map(({ value }) => String(value).split(' ')[0]));
    const files = ['tls/server-ca.key', 'tls/server-ca.crt', 'node-token'];
    for (const name of files) texts.add(await readFile(join(directory, name), 'utf8'));
    return `${[...texts].join()} ${items.length}`;
  } finally {
    await store.close();
  }
}

async function makeBackup(directory: string, path: string): Promise<void> {
  await writeBackup(path, { path: join(directory, 'db', 'state.db') }, await serverFiles(directory), about);
}

describe('a backup', () => {
  it('has everything current, and comes back with its modes; the past is gone and watches are told', () =>
    withDirectory(async directory => {
      const [from, to, file] = ['from', 'to', 'file'].map(name => join(directory, name));
      assert.ok(from && to && file);
      await makeServer(from, 'old');
      await makeBackup(from, file);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      const summary = await readBackup(file, () => undefined);
      assert.deepEqual([summary.objects, summary.header.revision, summary.files.length], [49, 53, 3]);
      await mkdir(to);
      const restored = await restoreBackup(file, { directory: to, now });
      assert.equal(restored.before, undefined);
      assert.equal(restored.revision, 53 + RESTORED_BUMP);
      assert.equal(await found(to), 'old 49');
      assert.equal((await stat(join(to, 'tls', 'server-ca.key'))).mode & 0o777, 0o600);
      assert.equal((await stat(join(to, 'tls', 'server-ca.crt'))).mode & 0o777, 0o644);
      assert.equal((await stat(join(to, 'db', 'state.db'))).mode & 0o777, 0o600);
      const store = await openSqliteStore({ path: join(to, 'db', 'state.db'), compaction: false });
      assert.equal(store.revision(), restored.revision);
      assert.throws(() => store.watch({ prefix: '', afterRevision: 53 }, new Recorder()), CompactedError);
      assert.equal((await store.get('/k/0'))?.modRevision, 52);
      assert.deepEqual(await store.commit(put('/k/0', 'new', 52)).then(({ ok }) => ok), true);
      await store.compact(store.revision());
      assert.equal(await store.count(''), 49);
      await store.close();
    }));

  it('cut anywhere, or with any byte changed, is refused, and nothing is touched', () =>
    withDirectory(async directory => {
      const from = join(directory, 'from');
      await makeServer(from, 'old', 20);
      const file = join(directory, 'file');
      await makeBackup(from, file);
      const bytes = await readFile(file);
      const bad = join(directory, 'bad');
      const to = join(directory, 'to');
      await makeServer(to, 'mine', 5);
      const before = await readdir(to, { recursive: true });
      const refused = async (what: string): Promise<void> => {
        await assert.rejects(restoreBackup(bad, { directory: to, now }), BackupError, what);
        assert.deepEqual(await readdir(to, { recursive: true }), before, what);
      };
      for (let step = 0; step < 40; step++) {
        await writeFile(bad, bytes);
        const at = Math.floor((bytes.length * step) / 40);
        await truncate(bad, at);
        await refused(`cut at ${at}`);
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        await writeFile(bad, changed);
        await refused(`changed at ${at}`);
      }
      await writeFile(bad, Buffer.concat([bytes, Buffer.from('x')]));
      await refused('something after it');
      assert.equal(await found(to), 'mine 4');
    }));

  it('damaged so that its records can still be read is refused before one of them is used', () =>
    withDirectory(async directory => {
      const file = join(directory, 'file');
      const row = { kind: 'row', revision: 7, created: 7, value: Buffer.from('value') } as const;
      // As a changed byte of compressed text may have it: another place is repeated.
      const rows: BackupRecord[] = ['/a', '/b'].map(key => ({ ...row, key }));
      const bytes = Buffer.concat([...encodeBackup({ ...about, revision: 7 }, rows)]);
      bytes[bytes.length - 2] = bytes.at(-2) === 0x30 ? 0x31 : 0x30;
      await writeFile(file, bytes);
      const taken: BackupRecord[] = [];
      await assert.rejects(
        readBackup(file, record => void taken.push(record)),
        /is damaged: its checksum does not hold/,
      );
      assert.deepEqual(taken, []);
      await assert.rejects(restoreBackup(file, { directory: join(directory, 'to'), now }), BackupError);
    }));

  it('killed at any step of its restore: all of it, or nothing; what was there is kept', () =>
    withDirectory(async directory => {
      const from = join(directory, 'from');
      await makeServer(from, 'old');
      const file = join(directory, 'file');
      await makeBackup(from, file);
      const seen = new Set<string>();
      let committed = false;
      for (let kill = 0; ; kill++) {
        const to = join(directory, `to-${kill}`);
        await makeServer(to, 'mine', 5);
        let steps = 0;
        let diedAt = '';
        const step = (name: string): void => {
          if (steps++ !== kill) return;
          diedAt = name;
          throw new Error('killed');
        };
        await restoreBackup(file, { directory: to, now, step }).catch(error => assert.equal(error.message, 'killed'));
        if (diedAt === '') break;
        seen.add(diedAt);
        // Killed once more while a start brings it to its end.
        let left = 1;
        await finishRestore(to, () => {
          if (left-- === 0) throw new Error('killed');
        }).catch(error => assert.equal(error.message, 'killed'));
        const outcome = await found(to);
        committed ||= outcome === 'old 49';
        assert.equal(outcome, committed ? 'old 49' : 'mine 4', `killed at ${diedAt}`);
        const names = await readdir(to);
        assert.deepEqual(
          names.filter(name => name.startsWith('restor') || name.startsWith('.restor')),
          [],
          diedAt,
        );
        if (committed) {
          const kept = join(to, 'before-restore-20260202T000000Z');
          assert.equal(await readFile(join(kept, 'node-token'), 'utf8'), 'mine');
          assert.deepEqual((await readdir(kept)).sort(), ['db', 'node-token', 'tls']);
        }
      }
      assert.ok(committed && seen.size > 6, [...seen].join());
    }));

  it('without the keys its Secrets need is refused', () =>
    withDirectory(async directory => {
      const from = join(directory, 'from');
      await makeServer(from, 'old', 3);
      const ring = newKeyRing(['secrets'], now);
      await writeKeyRing(join(from, 'cred', 'encryption-config.json'), ring);
      const store = await openSqliteStore({
        path: join(from, 'db', 'state.db'),
        codec: new Sealer(ring, ''),
        reserveBytes: 0,
      });
      await store.commit(put('/registry/core/secrets/a/b', 'hidden'));
      await store.close();
      const file = join(directory, 'file');
      await makeBackup(from, file);
      const to = join(directory, 'to');
      await mkdir(to);
      await assert.rejects(restoreBackup(file, { directory: to, now, only: 'store' }), (error: unknown) => {
        assert.ok(error instanceof BackupError);
        assert.ok(error.message.includes(ring.write ?? '-'));
        return true;
      });
      assert.deepEqual(await readdir(to), []);
      await restoreBackup(file, { directory: to, now, only: 'keys' });
      assert.deepEqual(await readdir(to), ['cred']);
      await restoreBackup(file, { directory: to, now, only: 'store' });
      assert.ok((await stat(join(to, 'db', 'state.db'))).size > 0);
    }));
});

describe('the format', () => {
  const write = async (path: string, records: BackupRecord[]): Promise<void> =>
    writeFile(path, Buffer.concat([...encodeBackup({ ...about, revision: 5 }, records)]));

  it('takes records of any size, and stays a stream', () =>
    withDirectory(async directory => {
      const path = join(directory, 'file');
      const records: BackupRecord[] = [
        { kind: 'file', name: 'tls/a.key', mode: 0o600, bytes: Buffer.alloc(0) },
        ...Array.from({ length: 300 }, (_, index): BackupRecord => {
          const value = Buffer.alloc((index * 7_919) % 60_000, index);
          return { kind: 'row', revision: index + 1, created: 1, key: `/ü/${index}`, value };
        }),
        { kind: 'row', revision: 2 ** 52, created: 2 ** 50, key: '/last', value: Buffer.alloc(3_000_000, 'x') },
      ];
      await write(path, records);
      const seen: BackupRecord[] = [];
      const { objects, files } = await readBackup(path, record => {
        seen.push(record.kind === 'row' ? { ...record, value: Buffer.from(record.value) } : record);
      });
      assert.deepEqual([objects, files], [301, ['tls/a.key']]);
      assert.deepEqual(seen, records);
    }));

  for (const name of ['/etc/passwd', '../x', 'a/../../b', 'a//b', '', '.', 'a/.', 'a\0b', 'ü']) {
    it(`refuses a file called ${JSON.stringify(name)}`, () =>
      withDirectory(async directory => {
        const path = join(directory, 'file');
        await write(path, [{ kind: 'file', name, mode: 0o600, bytes: Buffer.alloc(1) }]);
        await assert.rejects(
          readBackup(path, () => undefined),
          /no name for a file/,
        );
      }));
  }

  it('of a newer Atoll, or of something else, is said to be', () =>
    withDirectory(async directory => {
      const path = join(directory, 'file');
      for (const [text, message] of [
        ['atoll-backup 2\n{}\n', /has format 2, this version of Atoll reads 1: a newer Atoll/],
        ['SQLite format 3', /is not a backup of Atoll/],
        ['', /is not a backup of Atoll/],
        ['atoll-backup 1\n{"created":1}\n', /its header cannot be read/],
        ['atoll-backup 1\n', /its header cannot be read/],
      ] as const) {
        await writeFile(path, text);
        await assert.rejects(
          readBackup(path, () => undefined),
          message,
        );
      }
      for (const [other, code] of [
        [join(directory, 'none'), 'ENOENT'],
        [directory, 'EISDIR'],
      ] as const)
        await assert.rejects(
          readBackup(other, () => undefined),
          { name: 'BackupError', message: `${other} cannot be read: ${code}` },
        );
    }));
});

describe('the directory of snapshots', () => {
  it('keeps the newest by revision, and what has another name', () =>
    withDirectory(async directory => {
      const write = async (name: string, revision: number): Promise<void> =>
        writeFile(
          join(directory, name),
          Buffer.concat([...encodeBackup({ ...about, content: 'snapshot', revision }, [])]),
        );
      // The clock was wrong once.
      await write(backupName('snapshot', new Date('2026-01-01T00:00:00Z')), 10);
      await write(backupName('snapshot', new Date('1970-01-01T00:00:00Z')), 30);
      await write(backupName('snapshot', new Date('2026-01-02T00:00:00Z')), 20);
      await write('mine.atoll-backup', 1);
      await writeFile(join(directory, 'other'), '');
      assert.deepEqual(
        (await listBackups(directory)).map(({ header }) => header?.revision),
        [30, 20, 10, 1],
      );
      assert.equal((await pruneBackups(directory, 'snapshot', 2)).length, 1);
      assert.deepEqual(
        (await listBackups(directory)).map(({ header }) => header?.revision),
        [30, 20, 1],
      );
      assert.deepEqual(await listBackups(join(directory, 'none')), []);
    }));
});
