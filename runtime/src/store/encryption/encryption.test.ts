import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '../../lib/log.ts';
import { openSqliteStore } from '../sqlite/open.ts';
import type { SqliteStore } from '../sqlite/store.ts';
import { Recorder, withDirectory } from '../sqlite/testing.ts';
import { StoreKeyError } from '../store.ts';
import { Encryption } from './encryption.ts';
import { afterAction, type KeyRing, type RotationAction, readKeyRing, writeKeyRing } from './keyRing.ts';
import { keyNameOf } from './sealer.ts';

const secretKey = (index: number): string => `/registry/core/secrets/default/s${index}`;
/** As an API server writes it; nothing of it may be found in a file. */
const MARK = 'bm9ib2R5IG1heSBmaW5kIHRoaXM';
const secret = (index: number): Buffer => Buffer.from(`{"kind":"Secret","data":{"password":"${MARK}${index}"}}`);

interface Opened {
  readonly store: SqliteStore;
  readonly encryption: Encryption;
  close(): Promise<void>;
}

const ringPath = (directory: string): string => join(directory, 'cred', 'encryption-config.json');

async function open(directory: string, enabled = true): Promise<Opened> {
  const encryption = await Encryption.load({
    path: ringPath(directory),
    enabled,
    resources: ['secrets'],
    logger: silentLogger,
    now: () => new Date(),
  });
  const store = await openSqliteStore({
    path: join(directory, 'state.db'),
    codec: encryption.codec,
    reserveBytes: 0,
    compaction: false,
    cacheBytes: 1,
    windowRevisions: 1,
  });
  await encryption.start(store);
  return {
    store,
    encryption,
    async close() {
      await encryption.close();
      await store.close();
    },
  };
}

async function ringOf(directory: string): Promise<KeyRing> {
  const ring = await readKeyRing(ringPath(directory));
  assert.ok(ring);
  return ring;
}

/** As the command line does it. */
async function act(directory: string, action: RotationAction): Promise<void> {
  await writeKeyRing(ringPath(directory), afterAction(await ringOf(directory), action, new Date()));
}

async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); ) {
    assert.ok(Date.now() < deadline, `${what} within ${timeoutMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const done = (directory: string): Promise<void> =>
  until('reencrypted', async () => (await ringOf(directory)).stage === 'reencrypt_finished');

/** Everything in the directory but the keys, as text. */
async function bytesOf(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter(name => name !== 'cred');
  return (await Promise.all(names.map(name => readFile(join(directory, name), 'latin1')))).join('');
}

async function readable(store: SqliteStore, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    assert.equal(String((await store.get(secretKey(index)))?.value), String(secret(index)), String(index));
}

describe('encryption at rest', () => {
  it('hides secrets from the file, the log and snapshots; reads, lists and watches show them', () =>
    withDirectory(async directory => {
      const { store, encryption, close } = await open(directory);
      try {
        for (let index = 0; index < 30; index++) await store.commit({ key: secretKey(index), value: secret(index) });
        await store.commit({ key: '/registry/core/configmaps/default/c', value: Buffer.from('{"plain":"here"}') });
        await store.commit({ key: secretKey(0), value: Buffer.from('{"changed":1}') });
        await store.commit({ key: secretKey(0), value: null });
        await store.snapshot(join(directory, 'snapshot'));
        const bytes = await bytesOf(directory);
        assert.equal(bytes.includes('bm9ib2R5'), false);
        assert.equal(bytes.includes('password'), false);
        assert.ok(bytes.includes(`k8s:enc:aesgcm:v1:${encryption.codec.ring.write}:`));
        assert.equal((await stat(ringPath(directory))).mode & 0o777, 0o600);
        assert.equal((await stat(join(directory, 'cred'))).mode & 0o777, 0o700);
        const { items } = await store.range({ prefix: '/registry/core/secrets/' });
        assert.deepEqual(
          items.map(({ value }) => String(value)).sort(),
          Array.from({ length: 29 }, (_, index) => String(secret(index + 1))).sort(),
        );
        const seen = new Recorder();
        store.watch({ prefix: '/registry/core/secrets/', afterRevision: 1 }, seen);
        await seen.until(({ events }) => events.length === 32);
        assert.equal(String(seen.events[1]?.value), String(secret(1)));
        assert.equal(String(seen.events.at(-1)?.previous), '{"changed":1}');
        const refused = await store.commit({ key: secretKey(1), value: null, expect: 1 });
        assert.ok(!refused.ok && String(refused.current?.value) === String(secret(1)));
      } finally {
        await close();
      }
      const again = await open(directory);
      try {
        assert.equal(String((await again.store.get(secretKey(5)))?.value), String(secret(5)));
      } finally {
        await again.close();
      }
    }));

  it('rotates step by step under the running server, and forgets the old key only at the end', () =>
    withDirectory(async directory => {
      const { store, encryption, close } = await open(directory);
      try {
        for (let index = 0; index < 300; index++) await store.commit({ key: secretKey(index), value: secret(index) });
        const first = encryption.codec.ring.write ?? '';
        await act(directory, 'prepare');
        await until('the new key is known', () => encryption.codec.ring.keys.length === 2);
        assert.equal(encryption.codec.ring.write, first);
        await act(directory, 'rotate');
        await until('the new key is used', () => encryption.codec.ring.write !== first);
        await store.commit({ key: secretKey(0), value: secret(0) });
        await readable(store, 300);
        const before = store.revision();
        await act(directory, 'reencrypt');
        await done(directory);
        await readable(store, 300);
        assert.equal(store.revision(), before + 299, 'each once, but the one that was written anew');
        assert.deepEqual(
          (await ringOf(directory)).keys.map(({ name }) => name),
          [encryption.codec.ring.write],
        );
        const rows = store.storedRows(0, 10_000, 96);
        assert.ok(rows.length >= 300 && rows.every(({ head }) => keyNameOf(head) === encryption.codec.ring.write));
      } finally {
        await close();
      }
    }));

  it('enabled late, leaves nothing plain behind; disabled, nothing encrypted', () =>
    withDirectory(async directory => {
      const { store, encryption, close } = await open(directory, false);
      try {
        assert.deepEqual(await readKeyRing(ringPath(directory)), undefined);
        for (let round = 0; round < 3; round++)
          await Promise.all(
            Array.from({ length: 200 }, (_, index) => store.commit({ key: secretKey(index), value: secret(index) })),
          );
        assert.ok((await bytesOf(directory)).includes(MARK));
        await writeKeyRing(ringPath(directory), afterAction(encryption.codec.ring, 'enable', new Date()));
        await until('enabled', () => encryption.codec.ring.write !== null);
        await act(directory, 'reencrypt');
        await done(directory);
        await readable(store, 200);
        assert.equal((await bytesOf(directory)).includes('bm9ib2R5'), false);
        await act(directory, 'disable');
        await until('disabled', () => encryption.codec.ring.write === null);
        await readable(store, 200);
        await act(directory, 'reencrypt');
        await done(directory);
        await readable(store, 200);
        assert.equal((await bytesOf(directory)).includes('k8s:enc:'), false);
        assert.deepEqual((await ringOf(directory)).keys, []);
      } finally {
        await close();
      }
    }));

  it('without its keys does not open, says which, and changes nothing', () =>
    withDirectory(async directory => {
      const { store, encryption, close } = await open(directory);
      await store.commit({ key: secretKey(0), value: secret(0) });
      const name = encryption.codec.ring.write ?? '';
      await close();
      const kept = await ringOf(directory);
      const database = await readFile(join(directory, 'state.db'));
      const other = afterAction({ ...kept, write: null, keys: [] }, 'enable', new Date());
      const wrong = { ...kept, keys: [{ name, created: '', secret: other.keys[0]?.secret ?? '' }] };
      for (const ring of [undefined, other, wrong]) {
        await rm(ringPath(directory));
        if (ring) await writeKeyRing(ringPath(directory), ring);
        await assert.rejects(open(directory), (error: unknown) => {
          assert.ok(error instanceof StoreKeyError, String(error));
          assert.ok(error.message.includes(name) && error.message.includes(ringPath(directory)));
          return true;
        });
        assert.ok((await readFile(join(directory, 'state.db'))).equals(database));
        assert.deepEqual(await readKeyRing(ringPath(directory)), ring);
        await writeKeyRing(ringPath(directory), kept);
      }
      const again = await open(directory);
      await readable(again.store, 1);
      // The file vanishes under the running server, or loses a key in use: it goes on with what it has.
      await writeKeyRing(ringPath(directory), other);
      await new Promise(resolve => setTimeout(resolve, 50));
      await readable(again.store, 1);
      await rm(ringPath(directory));
      await again.store.commit({ key: secretKey(1), value: secret(1) });
      await writeKeyRing(ringPath(directory), kept);
      await readable(again.store, 2);
      await again.close();
    }));

  it('killed anywhere in a rotation, goes on and loses nothing', { timeout: 180_000 }, () =>
    withDirectory(async directory => {
      const SECRETS = 1_500;
      const first = await open(directory);
      await Promise.all(
        Array.from({ length: SECRETS }, (_, index) =>
          first.store.commit({ key: secretKey(index), value: secret(index) }),
        ),
      );
      const firstKey = first.encryption.codec.ring.write ?? '';
      await first.close();
      const child = fileURLToPath(new URL('./encryption.child.ts', import.meta.url));
      let finishedAfter = -1;
      for (let life = 0; life < 40 && finishedAfter < 0; life++) {
        const process_ = spawn(process.execPath, ['--import', 'tsx', child, directory], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await opened(process_);
        if (life === 0) await act(directory, 'prepare');
        if (life === 1) await act(directory, 'rotate');
        if (life === 2) await act(directory, 'reencrypt');
        // A little later each time: every part of the work is cut somewhere.
        await new Promise(resolve => setTimeout(resolve, life * 12));
        process_.kill('SIGKILL');
        await once(process_, 'exit');
        const { stage } = await ringOf(directory);
        if (stage === 'reencrypt_finished') finishedAfter = life;
        else if (life >= 2) assert.match(stage, /^reencrypt_(request|active)$/);
      }
      assert.ok(finishedAfter > 3, `finished after ${finishedAfter} kills`);
      const last = await open(directory);
      try {
        await readable(last.store, SECRETS);
        const { ring } = last.encryption.codec;
        assert.equal(ring.keys.length, 1);
        assert.notEqual(ring.write, firstKey);
        for (const { key, head } of last.store.storedRows(0, 10_000, 96))
          assert.equal(keyNameOf(head), ring.write, key);
      } finally {
        await last.close();
      }
    }),
  );
});

async function opened(child: ChildProcess): Promise<void> {
  assert.ok(child.stdout);
  const said = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.match(String(said[0]), /open/);
}
