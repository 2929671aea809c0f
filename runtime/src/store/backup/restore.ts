/**
 * Restoring a backup: all of it or nothing, whenever the power goes.
 *
 * Always true of the server's directory:
 * - until `restored/` is there nothing of what is in use has been touched; from then on the restore is a fact, and
 *   {@link finishRestore}, which every start calls first, brings it to its end, however often it is broken off;
 * - what it replaces is moved to `before-restore-<time>/`, or where the caller says, never deleted;
 * - the store's revisions go on {@link RESTORED_BUMP} after the backup's: no resourceVersion goes back, old watches get 410.
 */
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory, readFileIfExists, syncDirectory, writeFileAtomic } from '../../lib/files.ts';
import { readKeyRing } from '../encryption/keyRing.ts';
import { keyNameOf } from '../encryption/sealer.ts';
import { checkStore } from '../sqlite/check.ts';
import { BackupError, type BackupSummary, readBackup } from './format.ts';
import { RESTORED_BUMP, StoreFilling } from './rows.ts';

const STAGED = 'restored';
const PLAN = 'restore.json';

export interface RestoreOptions {
  /** The server's directory: `/var/lib/atoll/server`. */
  readonly directory: string;
  readonly now: Date;
  /** Only the store, or only the keys of encryption at rest; unset: everything in the backup. */
  readonly only?: 'store' | 'keys';
  readonly nativeBinding?: string;
  /** Where what it replaces is moved, relative to the directory and on its file system; unset: `before-restore-<time>`. */
  readonly before?: string;
  /** For tests: called before each step that changes something. */
  readonly step?: (name: string) => void;
}

export interface Restored {
  readonly summary: BackupSummary;
  /** The store's newest revision now. */
  readonly revision: number;
  /** Where what was there before is now; undefined: there was nothing. */
  readonly before: string | undefined;
}

interface Plan {
  readonly before: string;
  /** What is moved into place: `db/state.db`, `tls`… */
  readonly entries: readonly string[];
}

/** @throws BackupError, before anything is touched, when the file is not a whole backup */
export async function restoreBackup(path: string, options: RestoreOptions): Promise<Restored> {
  const { directory, now, only, step = () => undefined } = options;
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const staging = join(directory, `.restoring-${stamp}`);
  await removeLeftovers(directory);
  step('stage');
  await makeDirectory(join(staging, 'db'), 0o700);
  let filling: StoreFilling | undefined;
  try {
    const database = join(staging, 'db', 'state.db');
    const binding = options.nativeBinding === undefined ? {} : { nativeBinding: options.nativeBinding };
    if (only !== 'keys') {
      // Made before SQLite sees it, so that its content is never readable by others.
      await (await open(database, 'wx', 0o600)).close();
      filling = new StoreFilling({ path: database, ...binding });
    }
    const needed = new Set<string>();
    const entries = new Set<string>(filling ? ['db/state.db'] : []);
    const summary = await readBackup(path, async record => {
      if (record.kind === 'row') {
        const key = filling && keyNameOf(record.value);
        if (key !== undefined) needed.add(key);
        return filling?.add(record);
      }
      const [top = ''] = record.name.split('/');
      if (only === 'store' || (only === 'keys' && top !== 'cred')) return;
      entries.add(top);
      const target = join(staging, record.name);
      await makeDirectory(dirname(target), 0o700);
      await writeFileAtomic(target, record.bytes, { mode: record.mode });
    });
    if (entries.size === 0) throw new BackupError(`${path} has no keys in it: it is a snapshot of the store only`);
    await requireKeys(path, needed, entries.has('cred') ? staging : directory);
    const revision = summary.header.revision + RESTORED_BUMP;
    if (filling) {
      filling.finish(revision);
      await checkStore({ path: database, ...binding }, { thorough: true });
      // A look at it may leave an empty log.
      for (const suffix of ['-wal', '-shm']) await rm(database + suffix, { force: true });
      await syncFile(database);
    }
    const plan: Plan = { before: options.before ?? `before-restore-${stamp}`, entries: [...entries] };
    await writeFileAtomic(join(staging, PLAN), JSON.stringify(plan), { mode: 0o600 });
    for (const folder of ['', 'db', ...entries].map(name => join(staging, name))) await syncIfDirectory(folder);
    step('commit');
    await rename(staging, join(directory, STAGED));
    await syncDirectory(directory);
    const before = await finishRestore(directory, step);
    return { summary, revision, before };
  } finally {
    filling?.close();
    await rm(staging, { recursive: true, force: true });
  }
}

/** What is restored can be read with the keys that will be there. */
async function requireKeys(path: string, needed: ReadonlySet<string>, directory: string): Promise<void> {
  if (needed.size === 0) return;
  const ring = await readKeyRing(join(directory, 'cred', 'encryption-config.json'));
  const missing = [...needed].filter(name => !ring?.keys.some(key => key.name === name));
  if (missing.length === 0) return;
  throw new BackupError(
    `${path} has Secrets encrypted with ${missing.join(', ')}, which would not be there`,
    'Restore a backup whole, with its keys (without --only); a snapshot has none, it needs those of its time. Nothing has been changed.',
  );
}

/** Brings a restore to its end that was broken off after it had become a fact. Returns where what was there before is. */
export async function finishRestore(
  directory: string,
  step: (name: string) => void = () => undefined,
): Promise<string | undefined> {
  const staged = join(directory, STAGED);
  const text = await readFileIfExists(join(staged, PLAN));
  if (text === undefined) {
    await removeLeftovers(directory);
    return undefined;
  }
  const plan = JSON.parse(text.toString('utf8')) as Plan;
  const before = join(directory, plan.before);
  for (const entry of plan.entries) {
    if (!(await exists(join(staged, entry)))) continue; // it is in its place already
    const old = entry === 'db/state.db' ? ['', '-wal', '-shm', '-suspect'].map(suffix => entry + suffix) : [entry];
    for (const name of old) {
      if (!(await exists(join(directory, name)))) continue;
      step(`set ${name} aside`);
      await move(join(directory, name), join(before, name));
    }
    step(`put ${entry} in place`);
    await move(join(staged, entry), join(directory, entry));
  }
  const kept = await exists(before);
  step('finish');
  // The plan goes last of what counts: without it there is nothing to finish.
  await rm(join(staged, PLAN), { force: true });
  await rm(staged, { recursive: true, force: true });
  await syncDirectory(directory);
  return kept ? before : undefined;
}

async function move(from: string, to: string): Promise<void> {
  await makeDirectory(dirname(to), 0o700);
  await rename(from, to);
  await syncDirectory(dirname(to));
  await syncDirectory(dirname(from));
}

async function removeLeftovers(directory: string): Promise<void> {
  const names: string[] = await readdir(directory).catch(() => []);
  const planned = names.includes(STAGED) && (await exists(join(directory, STAGED, PLAN)));
  for (const name of names) {
    if (name.startsWith('.restoring-') || (name === STAGED && !planned))
      await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  await file?.close();
  return file !== undefined;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncIfDirectory(path: string): Promise<void> {
  await syncDirectory(path).catch(error => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTDIR')) throw error;
  });
}
