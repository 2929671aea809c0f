/**
 * The server's store around a trial. `/usr/lib/atoll/trial` copies it, byte for byte, before the trial's server opens it first; after a
 * fall-back it is put back here, before the old version's server starts, and what the trial wrote is kept.
 *
 * Always true:
 * - the copy (`<upgrade>/store-copy`, with the trial's root hash in `of`) is whole or not there, and goes last; where it could not be put back it is
 *   kept under another name, and that is told;
 * - what the trial wrote is renamed, never copied or deleted: `<upgrade>/set-aside/<id>-<time>/`, a name that is the same at every attempt,
 *   so that after a power cut nothing is set aside twice;
 * - the store put back goes on {@link RESTORED_BUMP} revisions later (`store/backup/restore.ts`), so no client takes it for the trial's.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { rename, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { makeDirectory, readFileIfExists, syncDirectory, writeFileAtomic } from '../../lib/files.ts';
import { changesSince, newestRevision } from '../../store/backup/changes.ts';
import { backedUp, serverFiles, writeBackup } from '../../store/backup/create.ts';
import { finishRestore, restoreBackup } from '../../store/backup/restore.ts';
import { release } from '../release.ts';
import type { Trial } from '../upgrade/types.ts';
import { UpgradeError } from '../upgrade/upgradeError.ts';

/** `about.json` of what was set aside. */
export interface SetAside {
  /** The folder. */
  readonly path: string;
  /** ISO 8601. */
  readonly at: string;
  /** The store's newest revision before the trial. */
  readonly revision: number;
  /** What was written after it, in `changes.txt`; absent: the file could not be read, and `unread` says why. */
  readonly changes?: number;
  readonly unread?: string;
}

export interface StoreCopyOptions {
  /** `/var/lib/atoll` */
  readonly dataDir: string;
  readonly trial: Trial;
  readonly now: Date;
  readonly nativeBinding?: string;
  /** For tests: called before each step that changes something. */
  readonly step?: (name: string) => void;
}

const upgradeDir = (dataDir: string): string => join(dataDir, 'upgrade');
const copyDir = (dataDir: string): string => join(upgradeDir(dataDir), 'store-copy');
const database = (directory: string): string => join(directory, 'db', 'state.db');
/** What makes a store another one than its copy. */
const databaseFiles = ['db/state.db', 'db/state.db-wal'] as const;

/** Free bytes a trial needs for the copy: `atoll upgrade` looks beforehand. 0 where there is no server. */
export function storeCopyBytes(dataDir: string): number {
  const server = join(dataDir, 'server');
  return [...databaseFiles, ...backedUp].reduce((sum, name) => sum + bytesOf(join(server, name)), 0);
}

/** The copy; and while it is put back a backup made of it, and the store made of that. */
const COPIES = 3;

/** Besides them: the journal of the trial, and some air. */
const MORE_BYTES = 48 * 1024 * 1024;

/** Before anything is downloaded. @throws UpgradeError (`NO_SPACE`): there is no room for what a trial needs on the data partition */
export async function requireRoom(dataDir: string): Promise<void> {
  const needed = COPIES * storeCopyBytes(dataDir) + MORE_BYTES;
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  if (free >= needed) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / (1024 * 1024))} MiB`;
  throw new UpgradeError(
    'NO_SPACE',
    `the data partition has ${mib(free)} free; a trial needs ${mib(needed)} for a copy of the store, for putting that back, and for its journal`,
    'Remove what is not needed below /var/lib/atoll (backups, upgrade/set-aside), or images and logs.',
  );
}

function bytesOf(path: string): number {
  try {
    const found = statSync(path);
    if (!found.isDirectory()) return Math.ceil(found.size / 4096) * 4096;
    return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
  } catch {
    return 0;
  }
}

/** The name is the trial's and of its arming: one trial sets aside once. */
export const setAsideDir = (dataDir: string, { id, armedAt }: Trial): string =>
  join(upgradeDir(dataDir), 'set-aside', `${id}-${armedAt.replace(/[-:]|\.\d+/g, '')}`);

/** What {@link putBack} has set aside for this trial, if it has. */
export async function setAsideOf(dataDir: string, trial: Trial): Promise<SetAside | undefined> {
  const text = await readFileIfExists(join(setAsideDir(dataDir, trial), 'about.json'));
  return text === undefined ? undefined : (JSON.parse(text.toString('utf8')) as SetAside);
}

/** `/run/atoll/store-problem`: why {@link putBack} did not come to its end in this boot. */
export const storeProblemPath = (runDir: string): string => join(runDir, 'store-problem');

/** The store as it was before a trial, where it could not be put back: kept, and where. */
export interface NotPutBack {
  readonly path: string;
  readonly why: string;
}

/** Called when the trial is over: nobody will try to put its copy back again. @returns undefined: there is none that was left */
export async function keepCopy(dataDir: string, runDir: string, trial: Trial): Promise<NotPutBack | undefined> {
  const copy = copyDir(dataDir);
  const path = `${setAsideDir(dataDir, trial)}-before`;
  const of = (await readFileIfExists(join(copy, 'of')))?.toString('utf8').trim();
  if (of === trial.roothash) {
    await makeDirectory(dirname(path), 0o700);
    await rename(copy, path);
    await syncDirectory(dirname(path));
    await rm(join(upgradeDir(dataDir), 'store-copy.atoll-backup'), { force: true });
  } else if (!existsSync(path)) return undefined;
  const why = (await readFileIfExists(storeProblemPath(runDir)))?.toString('utf8').trim();
  return { path, why: why || 'for a reason that is not known any more' };
}

/** @returns what was set aside; undefined: the trial's server had never opened the store. May be called again after a cut. */
export async function putBack(options: StoreCopyOptions): Promise<SetAside | undefined> {
  const { dataDir, trial, now, step = () => undefined } = options;
  const [server, copy, aside] = [join(dataDir, 'server'), copyDir(dataDir), setAsideDir(dataDir, trial)];
  const binding = options.nativeBinding === undefined ? {} : { nativeBinding: options.nativeBinding };
  // One that was broken off has set aside already.
  await finishRestore(server, step);
  const of = (await readFileIfExists(join(copy, 'of')))?.toString('utf8').trim();
  if (of !== trial.roothash) return setAsideOf(dataDir, trial);
  const backup = join(upgradeDir(dataDir), 'store-copy.atoll-backup');
  const done = statSync(database(aside), { throwIfNoEntry: false }) !== undefined;
  if (!done) {
    if (sameFiles(server, copy)) {
      await dropCopy(dataDir, step);
      return undefined;
    }
    step('read the copy');
    const about = {
      atoll: release().version,
      host: hostname(),
      created: now.toISOString(),
      content: 'backup' as const,
    };
    await writeBackup(backup, { path: database(copy), ...binding }, await serverFiles(copy), about);
    await restoreBackup(backup, { directory: server, now, before: relative(server, aside), step, ...binding });
  }
  const found = await told(aside, newestRevision({ path: database(copy), ...binding }), now, binding);
  step('tell');
  await writeFileAtomic(join(aside, 'about.json'), `${JSON.stringify(found, undefined, 1)}\n`, { mode: 0o600 });
  await dropCopy(dataDir, step);
  return found;
}

/** A list of what was written in between, beside it. */
async function told(
  aside: string,
  revision: number,
  now: Date,
  binding: { nativeBinding?: string },
): Promise<SetAside> {
  const base = { path: aside, at: now.toISOString(), revision };
  try {
    const changes = changesSince({ path: database(aside), ...binding }, revision);
    const lines = changes.map(change => `${change.revision} ${change.what} ${change.key}\n`).join('');
    await writeFileAtomic(join(aside, 'changes.txt'), lines, { mode: 0o600 });
    return { ...base, changes: changes.length };
  } catch (error) {
    return { ...base, unread: error instanceof Error ? error.message : String(error) };
  }
}

/** The trial is blessed, or its copy is back in place. */
export async function dropCopy(dataDir: string, step: (name: string) => void = () => undefined): Promise<void> {
  step('drop the copy');
  // Without `of` it is no copy any more.
  await rm(join(copyDir(dataDir), 'of'), { force: true });
  await rm(copyDir(dataDir), { recursive: true, force: true });
  await rm(join(upgradeDir(dataDir), 'store-copy.atoll-backup'), { force: true });
}

/** Opening a store for writing touches its files: the same size and time is the same store. */
function sameFiles(a: string, b: string): boolean {
  const mark = (path: string): string => {
    const found = statSync(path, { throwIfNoEntry: false });
    // cp keeps times to the nanosecond, busybox' to the second.
    return found ? `${found.size} ${Math.floor(found.mtimeMs / 1000)}` : 'none';
  };
  return databaseFiles.every(name => mark(join(a, name)) === mark(join(b, name)));
}
