/**
 * Manifests that are applied by themselves, as K3s does (https://docs.k3s.io/installation/packaged-components#auto-deploying-manifests-addons):
 * files in folders of the server. A file that changes is applied again; what it no longer has, and all of it when the file goes or is
 * disabled, is removed. `NAME.yaml.skip` beside a file: nothing is done about it.
 *
 * Always true: what was applied is recorded in the cluster before anything of it can be forgotten, so a crash at any moment leaves
 * nothing that is not known; an unchanged file costs nothing at a start. A manifest that cannot be applied does not hold up others and
 * is tried again, ever more seldom; nothing runs while nothing changes.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../client/client.ts';
import type { Clock } from '../../lib/clock.ts';
import { hasCode } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import { type Applied, type AppliedObject, forgetApplied, readApplied, writeApplied } from './applied.ts';
import { Deployer } from './deploy.ts';
import { objectsOf } from './documents.ts';
import { changesOf } from './folders.ts';

export interface ManifestsOptions {
  readonly client: Client;
  /** Of two files of one name the later folder's counts. */
  readonly folders: readonly string[];
  /** Names that are not applied, and removed where they were. */
  readonly disabled: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of every change: why a manifest is not applied, by its path; empty when all are. */
  readonly onProblems?: (problems: Readonly<Record<string, string>>) => void;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

interface File {
  readonly name: string;
  readonly path: string;
  readonly skipped: boolean;
}

/** Runs until `signal` aborts; never rejects. */
export async function deployManifests(options: ManifestsOptions, signal: AbortSignal): Promise<void> {
  const { folders, clock, logger } = options;
  const changes = changesOf(folders, clock, signal);
  const manifests = new Manifests(options);
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    let again = false;
    try {
      again = await manifests.look(signal);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ err: error }, 'the manifests were not looked at; trying again');
      again = true;
    }
    if (again) {
      await changes.next(retryMs);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    } else {
      retryMs = FIRST_RETRY_MS;
      await changes.next();
    }
  }
}

class Manifests {
  readonly #options: ManifestsOptions;
  readonly #deployer: Deployer;
  #applied: Map<string, Applied> | undefined;
  #problems: Record<string, string> = {};

  constructor(options: ManifestsOptions) {
    this.#options = options;
    this.#deployer = new Deployer(options.client);
  }

  /** One pass over all files. @returns whether something is to be tried again */
  async look(signal: AbortSignal): Promise<boolean> {
    const { client, folders, disabled, onProblems, logger } = this.#options;
    this.#applied ??= await readApplied(client, signal);
    this.#deployer.forget();
    const files = await filesIn(folders);
    const problems: Record<string, string> = {};
    for (const file of files.values()) {
      if (file.skipped || disabled.includes(file.name)) continue;
      try {
        await this.#apply(file, signal);
      } catch (error) {
        signal.throwIfAborted();
        problems[file.path] = textOf(error);
        if (this.#problems[file.path] !== problems[file.path])
          logger.error({ manifest: file.path, reason: problems[file.path] }, 'a manifest is not applied');
      }
    }
    for (const applied of [...this.#applied.values()]) {
      const file = files.get(applied.name);
      if (file && !(disabled.includes(applied.name) && !file.skipped)) continue;
      try {
        await this.#remove(applied, signal);
      } catch (error) {
        signal.throwIfAborted();
        problems[applied.source] = `cannot be removed: ${textOf(error)}`;
      }
    }
    if (JSON.stringify(problems) !== JSON.stringify(this.#problems)) onProblems?.(problems);
    this.#problems = problems;
    return Object.keys(problems).length > 0;
  }

  async #apply({ name, path }: File, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const content = await readFile(path);
    const checksum = createHash('sha256').update(content).digest('hex');
    const before = this.#applied?.get(name);
    if (before?.checksum === checksum) return;
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 200)
      throw new Error('its name must be of lower-case letters, digits, "-" and "."');
    const objects = objectsOf(content.toString('utf8'));
    const known = [...(before?.objects ?? [])];
    const done: AppliedObject[] = [];
    const failed: string[] = [];
    for (const object of objects) {
      try {
        done.push(await this.#deployer.apply(object, signal));
      } catch (error) {
        signal.throwIfAborted();
        failed.push(`${object.kind} ${object.metadata.name}: ${textOf(error)}`);
      }
    }
    const gone = failed.length > 0 ? [] : known.filter(old => !done.some(now => sameObject(old, now)));
    if (failed.length > 0) {
      // What was applied is known, whatever comes; what was before is not removed for a file that is half applied.
      const all = [...done, ...known.filter(old => !done.some(now => sameObject(old, now)))];
      if (all.length > 0) await this.#keep({ name, source: path, checksum: '', objects: all }, signal);
      throw new Error(failed.join('; '));
    }
    if (gone.length > 0) await this.#keep({ name, source: path, checksum: '', objects: [...done, ...gone] }, signal);
    for (const object of gone) await this.#deployer.remove(object, signal);
    await this.#keep({ name, source: path, checksum, objects: done }, signal);
    logger.info({ manifest: path, objects: done.length, removed: gone.length }, 'a manifest is applied');
  }

  async #remove(applied: Applied, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#options;
    // The last first: what was made in a namespace goes before it.
    for (const object of applied.objects.toReversed()) await this.#deployer.remove(object, signal);
    await forgetApplied(client, applied.name, signal);
    this.#applied?.delete(applied.name);
    logger.info({ manifest: applied.source, objects: applied.objects.length }, 'what a manifest had made is removed');
  }

  async #keep(applied: Applied, signal: AbortSignal): Promise<void> {
    const before = this.#applied?.get(applied.name);
    if (before && JSON.stringify(before) === JSON.stringify(applied)) return;
    await writeApplied(this.#options.client, applied, signal);
    this.#applied?.set(applied.name, applied);
  }
}

const sameObject = (a: AppliedObject, b: AppliedObject): boolean =>
  a.kind === b.kind &&
  a.name === b.name &&
  a.namespace === b.namespace &&
  // Another version of one group is the same object.
  a.apiVersion.split('/').slice(0, -1).join() === b.apiVersion.split('/').slice(0, -1).join();

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** By name. */
async function filesIn(folders: readonly string[]): Promise<Map<string, File>> {
  const files = new Map<string, File>();
  for (const folder of folders) {
    let entries: string[];
    try {
      entries = (await readdir(folder)).sort();
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue;
      throw error;
    }
    for (const entry of entries) {
      const name = /^([^.].*)\.(yaml|yml|json)$/.exec(entry)?.[1];
      if (name === undefined) continue;
      files.set(name, { name, path: join(folder, entry), skipped: entries.includes(`${entry}.skip`) });
    }
  }
  return files;
}
