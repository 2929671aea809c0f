/** Starts what applies manifests when there is one, or was: nothing of it is loaded before. */
import { mkdirSync, readdirSync, watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../client/client.ts';
import { ConfigMaps } from '../client/resources.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** Of what has been applied (controllers/manifests/applied.ts, which is not loaded for it). */
const APPLIED = { namespace: 'kube-system', labelSelector: 'atoll.dev/manifest', limit: 1 };

export interface ServerManifests {
  readonly client: Client;
  readonly folders: readonly string[];
  readonly disabled: readonly string[];
  readonly runDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs until `signal` aborts; never rejects. */
export async function keepManifests(options: ServerManifests, signal: AbortSignal): Promise<void> {
  const { client, logger, runDir, folders } = options;
  try {
    const applied = await client.list(ConfigMaps, { ...APPLIED, signal });
    if (applied.items.length === 0) await firstFile(folders, signal);
    if (signal.aborted) return;
    const { deployManifests } = await import('../controllers/manifests/index.ts');
    const onProblems = (problems: Readonly<Record<string, string>>): void => {
      writeFile(join(runDir, 'manifests.json'), `${JSON.stringify(problems)}\n`).catch(() => undefined);
    };
    await deployManifests({ ...options, onProblems }, signal);
  } catch (error) {
    if (!signal.aborted) logger.error({ err: error }, 'manifests are not applied until the server starts again');
  }
}

/** Resolves when one of the folders, which are made where they can be, holds something. */
function firstFile(folders: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const watchers = folders.flatMap(folder => {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        return [watch(folder, () => look())];
      } catch {
        return []; // nothing can come there
      }
    });
    const done = (): void => {
      signal.removeEventListener('abort', done);
      for (const watcher of watchers) watcher.close();
      resolve();
    };
    const look = (): void => {
      if (folders.some(holdsFiles)) done();
    };
    for (const watcher of watchers) watcher.on('error', () => watcher.close());
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    else look();
  });
}

function holdsFiles(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
