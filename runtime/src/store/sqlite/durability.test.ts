/**
 * kill -9 in the middle of it, again and again: nothing acknowledged is lost, no revision is missing or used twice.
 * The store runs bundled, as on the device: main bundle, `store-thread.js`, native binding by path.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { build } from 'esbuild';
import { readBackup } from '../backup/format.ts';
import { newKeyRing, writeKeyRing } from '../encryption/keyRing.ts';
import { Sealer } from '../encryption/sealer.ts';
import { keptInMemory } from '../kept.ts';
import type { StoreEvent } from '../store.ts';
import { openSqliteStore } from './open.ts';
import { Recorder, withDirectory } from './testing.ts';

const KILLS = 20;

const nativeBinding = join(
  dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json')),
  'build/Release/better_sqlite3.node',
);

async function bundle(directory: string): Promise<{ child: string; thread: string }> {
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  await build({
    entryPoints: { child: here('./durability.child.ts'), 'store-thread': here('./thread.ts') },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'error',
  });
  return { child: join(directory, 'child.mjs'), thread: join(directory, 'store-thread.mjs') };
}

interface Acknowledged {
  readonly revision: number;
  readonly key: string;
  readonly text: string;
}

/** One life: killed so long after its first commit, and not before `when`. Returns what it said before. */
async function live(
  args: string[],
  outputPath: string,
  killAfterMs: number,
  when: () => Promise<boolean>,
): Promise<Acknowledged[]> {
  const output = openSync(outputPath, 'w');
  let child: ChildProcess | undefined;
  try {
    child = spawn(process.execPath, args, { stdio: ['ignore', output, 'inherit'] });
    const exited = once(child, 'exit');
    for (const deadline = Date.now() + 30_000; (await readFile(outputPath)).length === 0; ) {
      assert.ok(child.exitCode === null && Date.now() < deadline, 'the child does not come up');
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    await new Promise(resolve => setTimeout(resolve, killAfterMs));
    for (const deadline = Date.now() + 60_000; !(await when()); ) {
      assert.ok(child.exitCode === null && Date.now() < deadline, 'the child makes no snapshot');
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    child.kill('SIGKILL');
    const [, signal] = await exited;
    assert.equal(signal, 'SIGKILL', 'it lived until then');
  } finally {
    child?.kill('SIGKILL');
    closeSync(output);
  }
  const lines = (await readFile(outputPath, 'utf8')).split('\n').slice(1, -1);
  return lines.map(line => {
    const [revision, key = '', text = ''] = line.split(' ');
    return { revision: Number(revision), key, text };
  });
}

it(`loses nothing acknowledged in ${KILLS} kills`, { timeout: 180_000 }, () =>
  withDirectory(async directory => {
    const { child, thread } = await bundle(directory);
    const path = join(directory, 'state.db');
    const keys = join(directory, 'keys');
    const ring = newKeyRing(['secrets'], new Date());
    await writeKeyRing(keys, ring);
    let lease = 0;
    let leased = false;
    const newest = new Map<string, Acknowledged>();
    let acknowledgedRevision = 1;
    let total = 0;
    const snapshots = async (): Promise<string[]> =>
      (await readdir(directory)).filter(name => name.endsWith('.atoll-backup'));
    for (let run = 0; run < KILLS; run++) {
      const acknowledged = await live(
        [child, path, nativeBinding, thread, String(run), keys],
        join(directory, 'output'),
        Math.random() ** 2 * 300,
        // Now and then with a snapshot made.
        async () => run % 5 !== 4 || (await snapshots()).some(name => name.includes(`.${run}-`)),
      );
      total += acknowledged.length;
      for (const commit of acknowledged) {
        assert.equal(commit.revision > acknowledgedRevision, true, `revision ${commit.revision} was given out twice`);
        newest.set(commit.key, commit);
      }
      acknowledgedRevision = Math.max(acknowledgedRevision, ...acknowledged.map(({ revision }) => revision));

      const store = await openSqliteStore({
        path,
        nativeBinding,
        threadUrl: pathToFileURL(thread),
        compaction: false,
        codec: new Sealer(ring, keys),
        memory: keptInMemory,
      });
      try {
        assert.equal(store.recovery, undefined, 'a kill is no damage');
        const held = await store.get('/registry/coordination.k8s.io/leases/a/b');
        if (held) leased = true;
        assert.equal(held !== undefined, leased, 'once there, it stays');
        assert.ok(!held || held.modRevision >= lease, 'no resourceVersion goes back');
        lease = store.revision();
        assert.equal(store.revision() >= acknowledgedRevision, true, `${store.revision()} < ${acknowledgedRevision}`);
        // What the dead one wrote and could not acknowledge any more may be there, but nothing else.
        for (const { revision, key, text } of newest.values()) {
          const found = await store.get(key);
          if (found && found.modRevision !== revision)
            assert.equal(found.modRevision > acknowledgedRevision, true, key);
          else if (store.revision() === acknowledgedRevision)
            assert.equal(found ? String(found.value).trim() : '-', text);
        }
        const seen = new Recorder();
        const from = store.compactedRevision();
        // Of the sequence some revisions were given to what is kept in memory: what is missing is looked for below.
        for (const prefix of ['/registry/core/secrets/', ...[1, 3, 5, 7].map(writer => `/${writer}/`)]) {
          await new Promise<void>((resolve, reject) => {
            const onEvents = (events: readonly StoreEvent[]): void => seen.onEvents(events);
            store.watch({ prefix, afterRevision: from }, { onEvents, onLive: resolve, onEnd: reject });
          });
        }
        seen.events.sort((a, b) => a.revision - b.revision);
        const history = new Map(seen.events.map(event => [event.revision, event]));
        assert.equal(history.size, seen.events.length, 'no revision is used twice');
        for (const { revision, key, text } of acknowledged) {
          if (revision <= from) continue;
          const event = history.get(revision);
          assert.equal(event?.key, key);
          assert.equal(event?.type === 'put' ? String(event.value).trim() : '-', text);
        }
        acknowledgedRevision = store.revision();
        for (const { revision, key, type, value } of seen.events) {
          newest.set(key, { revision, key, text: type === 'put' ? String(value).trim() : '-' });
        }
      } finally {
        await store.close();
      }
      const database = new Database(path, { readonly: true });
      try {
        assert.deepEqual(database.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
      } finally {
        database.close();
      }
    }
    assert.ok(leased, 'a Lease came to stay');
    for (const name of await snapshots()) await readBackup(join(directory, name), () => undefined);
    assert.equal(total > KILLS * 20, true, `only ${total} commits were acknowledged`);
  }),
);
