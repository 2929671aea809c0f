/** The store around a trial: copied by the script of the image, put back by the version before, cut at every step. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RESTORED_BUMP } from '../../store/backup/rows.ts';
import { openSqliteStore } from '../../store/sqlite/open.ts';
import { put, withDirectory } from '../../store/sqlite/testing.ts';
import { CompactedError } from '../../store/store.ts';
import type { Trial } from '../upgrade/types.ts';
import { putBack, type SetAside, setAsideDir, setAsideOf, storeCopyBytes } from './storeCopy.ts';

const script = fileURLToPath(new URL('../../../../rootfs/overlay/usr/lib/atoll/trial', import.meta.url));
const hash = (digit: string): string => digit.repeat(64);
const trial: Trial = {
  id: '0.2.0-bbbbbbbb',
  version: '0.2.0',
  roothash: hash('b'),
  slot: 'b',
  from: { version: '0.1.0', roothash: hash('a'), slot: 'a' },
  armedAt: '2026-11-22T05:00:00.000Z',
  deadlineSeconds: 600,
  before: { role: 'server', takenAt: '', nodeReady: true, serverReachable: true, pods: [], failedUnits: [] },
};
const now = new Date('2026-11-22T06:00:00Z');

const open = (server: string) =>
  openSqliteStore({ path: join(server, 'db', 'state.db'), compaction: false, reserveBytes: 0 });

/** As the server leaves its directory: `closed` with nothing in the log, else as a power cut does. */
async function serverOf(var_: string): Promise<string> {
  const server = join(var_, 'lib/atoll/server');
  await mkdir(join(server, 'tls'), { recursive: true, mode: 0o700 });
  await writeFile(join(server, 'tls', 'server-ca.key'), 'old', { mode: 0o600 });
  await writeFile(join(server, 'node-token'), 'old', { mode: 0o600 });
  await mkdir(join(var_, 'lib/atoll/upgrade'), { recursive: true });
  await writeFile(join(var_, 'lib/atoll/upgrade/trial'), `${trial.roothash}\n`);
  const store = await open(server);
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => store.commit(put(`/registry/core/configmaps/d/${n}`, `old ${n}`))),
  );
  await store.close();
  // Long ago: the trial's server opens it after a restart.
  for (const name of await readdir(join(server, 'db')))
    if (name.startsWith('state.db')) await utimes(join(server, 'db', name), 1, 1);
  return server;
}

/** `trial boot` of a version, in a boot that the initrd has marked. */
function booted(var_: string, running = trial.roothash): void {
  const run = join(var_, 'run');
  execFileSync('mkdir', ['-p', join(run, 'atoll')]);
  execFileSync('sh', [
    '-c',
    'echo x > "$1/atoll/trial"; echo "quiet atoll.roothash=$2" > "$1/cmdline"',
    '-',
    run,
    running,
  ]);
  execFileSync('sh', [script, 'boot'], {
    env: {
      PATH: process.env.PATH,
      ATOLL_VAR: var_,
      ATOLL_RUN: run,
      ATOLL_CMDLINE: join(run, 'cmdline'),
      ATOLL_KMSG: join(run, 'kmsg'),
    },
  });
}

async function trialWrites(server: string): Promise<void> {
  const store = await open(server);
  await store.commit(put('/registry/core/configmaps/d/0', 'new'));
  await store.commit(put('/registry/core/configmaps/d/later', 'new'));
  await store.commit({ key: '/registry/core/configmaps/d/1', value: null });
  await store.close();
  await writeFile(join(server, 'tls', 'server-ca.key'), 'new', { mode: 0o600 });
}

async function valuesOf(server: string): Promise<{ texts: string; count: number; revision: number }> {
  const store = await open(server);
  try {
    const { items, revision } = await store.range({ prefix: '' });
    return {
      texts: [...new Set(items.map(({ value }) => String(value).split(' ')[0]))].join(),
      count: items.length,
      revision,
    };
  } finally {
    await store.close();
  }
}

describe('the store of a trial', () => {
  it('is copied once, whole, before the trial opens it', () =>
    withDirectory(async directory => {
      const server = await serverOf(directory);
      booted(directory);
      const copy = join(directory, 'lib/atoll/upgrade/store-copy');
      assert.equal((await readFile(join(copy, 'of'), 'utf8')).trim(), trial.roothash);
      assert.deepEqual(await readFile(join(copy, 'db/state.db')), await readFile(join(server, 'db/state.db')));
      assert.equal(await readFile(join(copy, 'tls/server-ca.key'), 'utf8'), 'old');
      assert.ok(storeCopyBytes(join(directory, 'lib/atoll')) >= (await readFile(join(copy, 'db/state.db'))).length);
      await trialWrites(server);
      booted(directory);
      assert.equal(
        await readFile(join(copy, 'tls/server-ca.key'), 'utf8'),
        'old',
        'the second boot of the trial leaves it',
      );
      assert.ok(existsSync(join(directory, 'run/atoll/health-wanted')));
    }));

  it('of another trial is replaced', () =>
    withDirectory(async directory => {
      await serverOf(directory);
      const copy = join(directory, 'lib/atoll/upgrade/store-copy');
      await mkdir(copy, { recursive: true });
      await writeFile(join(copy, 'of'), `${hash('c')}\n`);
      await writeFile(join(copy, 'rest'), '');
      booted(directory);
      assert.equal((await readFile(join(copy, 'of'), 'utf8')).trim(), trial.roothash);
      assert.ok(!existsSync(join(copy, 'rest')));
    }));

  it('is not copied where there is no trial, or no server', () =>
    withDirectory(async directory => {
      await serverOf(directory);
      await writeFile(join(directory, 'lib/atoll/upgrade/blessed'), `${hash('a')}\n`);
      await writeFile(join(directory, 'lib/atoll/upgrade/trial'), '');
      booted(directory, hash('a'));
      assert.ok(!existsSync(join(directory, 'lib/atoll/upgrade/store-copy')));
      assert.ok(!existsSync(join(directory, 'run/atoll/health-wanted')), 'a blessed version has nothing to prove');
    }));

  it('is left alone after a fall-back when the trial had never opened it', () =>
    withDirectory(async directory => {
      const server = await serverOf(directory);
      booted(directory);
      assert.equal(await putBack({ dataDir: join(directory, 'lib/atoll'), trial, now }), undefined);
      assert.deepEqual((await readdir(join(directory, 'lib/atoll/upgrade'))).sort(), ['journal', 'trial']);
      assert.equal((await valuesOf(server)).texts, 'old');
    }));

  it('comes back after a fall-back; what the trial wrote is kept, listed and counted', () =>
    withDirectory(async directory => {
      const server = await serverOf(directory);
      const dataDir = join(directory, 'lib/atoll');
      booted(directory);
      const { revision } = await valuesOf(join(dataDir, 'upgrade/store-copy'));
      await trialWrites(server);
      const found = await putBack({ dataDir, trial, now });
      assert.equal(found?.changes, 3);
      assert.equal(found.path, join(dataDir, 'upgrade/set-aside/0.2.0-bbbbbbbb-20261122T050000Z'));
      assert.deepEqual((await readFile(join(found.path, 'changes.txt'), 'utf8')).trim().split('\n'), [
        `${revision + 1} changed /registry/core/configmaps/d/0`,
        `${revision + 2} created /registry/core/configmaps/d/later`,
        `${revision + 3} deleted /registry/core/configmaps/d/1`,
      ]);
      const back = await valuesOf(server);
      assert.deepEqual([back.texts, back.count], ['old', 20]);
      assert.ok(back.revision >= revision + RESTORED_BUMP, 'no revision means two things');
      assert.equal(await readFile(join(server, 'tls/server-ca.key'), 'utf8'), 'old');
      assert.equal(await readFile(join(found.path, 'tls/server-ca.key'), 'utf8'), 'new');
      assert.deepEqual(await valuesOf(found.path), { texts: 'new,old', count: 20, revision: revision + 3 });
      assert.deepEqual(await setAsideOf(dataDir, trial), found);
      const store = await open(server);
      try {
        await assert.rejects(store.range({ prefix: '', revision: revision + 3 }), CompactedError);
      } finally {
        await store.close();
      }
      assert.deepEqual((await readdir(join(dataDir, 'upgrade'))).sort(), ['journal', 'set-aside', 'trial']);
      // Whoever asks again is told the same.
      assert.deepEqual(await putBack({ dataDir, trial, now }), found);
      assert.equal((await valuesOf(server)).texts, 'old');
    }));

  it('comes back once, whenever the power goes', () =>
    withDirectory(async directory => {
      const cut = new Error('cut');
      let steps = 0;
      for (let at = 0; at === 0 || at <= steps; at++) {
        const var_ = join(directory, String(at));
        const server = await serverOf(var_);
        const dataDir = join(var_, 'lib/atoll');
        booted(var_);
        await trialWrites(server);
        const names: string[] = [];
        const stepOf = (last: number) => (name: string) => {
          names.push(name);
          if (names.length === last) throw cut;
        };
        let found: SetAside | undefined;
        if (at === 0) found = await putBack({ dataDir, trial, now, step: stepOf(0) });
        else {
          await assert.rejects(putBack({ dataDir, trial, now, step: stepOf(at) }), cut);
          found = await putBack({ dataDir, trial, now: new Date(now.getTime() + 60_000) });
        }
        if (at === 0) steps = names.length;
        const where = `cut before "${names.at(-1)}"`;
        assert.equal(found?.changes, 3, where);
        assert.deepEqual(
          await readdir(join(dataDir, 'upgrade/set-aside')),
          [setAsideDir(dataDir, trial).split('/').at(-1)],
          where,
        );
        assert.deepEqual(
          [(await valuesOf(server)).texts, (await valuesOf(found.path)).texts],
          ['old', 'new,old'],
          where,
        );
        assert.deepEqual((await readdir(server)).sort(), ['db', 'node-token', 'tls'], where);
        assert.deepEqual((await readdir(join(dataDir, 'upgrade'))).sort(), ['journal', 'set-aside', 'trial'], where);
      }
      assert.ok(steps >= 9, `${steps} steps`);
    }));

  it('that cannot be read any more is set aside all the same, and that is said', () =>
    withDirectory(async directory => {
      const server = await serverOf(directory);
      booted(directory);
      await writeFile(join(server, 'db/state.db'), 'of another kind altogether');
      const found = await putBack({ dataDir: join(directory, 'lib/atoll'), trial, now });
      assert.equal(found?.changes, undefined);
      assert.match(found?.unread ?? '', /not a database/);
      assert.equal((await valuesOf(server)).texts, 'old');
    }));
});
