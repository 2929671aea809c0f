/** The control plane on this machine: the image's bundle, made from the sources as they are now. */
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileRef, treeRef } from '../../../builder/src/files.ts';
import { cacheDirectory, repositoryRoot } from '../../../builder/src/paths.ts';
import { run } from '../../../builder/src/process.ts';
import { bundleRuntime } from '../../../builder/src/steps/runtime.ts';
import { serverSettings } from '../../../runtime/bench/device.ts';
import { measureServer, serverPeer } from '../../../runtime/bench/server.ts';
import type { Section } from '../section.ts';

const READY_AIM_MS = 1000;
const RSS_AIM_BYTES = 130 * 1024 ** 2;

export function serverSection(): Section {
  let bundle: string | undefined;
  return {
    name: 'server',
    title: 'The control plane on this machine (peer: kube-apiserver 1.36 with etcd, measured elsewhere)',
    notes: [
      'API, store, controllers and scheduler in one process, as in the image: the bundle, its code cache, its flags.',
    ],
    async prepare({ signal }) {
      bundle = await mkdtemp(join(tmpdir(), 'atoll-bench-bundle-'));
      await mkdir(join(bundle, 'scratch'));
      const manifest = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };
      const inputs = {
        sources: await treeRef(join(repositoryRoot, 'runtime/src')),
        lock: await fileRef(join(repositoryRoot, 'package-lock.json')),
        version: manifest.version,
      };
      const scratch = join(bundle, 'scratch');
      await bundleRuntime.run(inputs, {
        directory: bundle,
        scratch,
        cache: cacheDirectory(),
        signal,
        note: () => {},
        warn: () => {},
      });
      const native = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
      await copyFile(join(repositoryRoot, native), join(bundle, 'better_sqlite3.node'));
      // As the image has it, but of this machine's Node.js: V8 refuses another's.
      const codeCache = createWriteStream(join(bundle, 'runtime.cache'));
      const { flags } = serverSettings();
      await run([process.execPath, ...flags, join(bundle, 'atoll.js'), '--write-code-cache'], {
        output: codeCache,
        signal,
        title: 'the code cache',
      });
    },
    async run({ signal }) {
      const { firstReadyMs, readyMs, idleRssBytes } = await measureServer(bundle ?? '', signal);
      const peer = serverPeer.readyMs;
      return {
        figures: [
          {
            ...{ id: 'firstReady', label: 'exec → ready, first start (makes keys and store)', unit: 'ms' },
            ...{ value: firstReadyMs, peer, atMost: READY_AIM_MS },
          },
          { id: 'ready', label: 'exec → ready', unit: 'ms', value: readyMs, peer, atMost: READY_AIM_MS },
          {
            ...{ id: 'idleRss', label: 'RSS when idle', unit: 'bytes' },
            ...{ value: idleRssBytes, peer: serverPeer.idleRssBytes, atMost: RSS_AIM_BYTES },
          },
        ],
      };
    },
    async close() {
      if (bundle !== undefined) await rm(bundle, { recursive: true, force: true });
    },
  };
}
