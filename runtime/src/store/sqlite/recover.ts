/**
 * What a start does about a damaged store, by itself: puts the last good snapshot in its place, and says what was lost.
 *
 * Invariants:
 * - nothing damaged is deleted before a whole store is in its place; it is set aside as `state.db.damaged-<time>` (the last two are kept);
 * - what replaces it is complete and durable before the damaged file is moved, so a power cut in between leaves one or the other,
 *   and the next start goes on;
 * - revisions never go back: the restored store begins far after anything the lost one gave out, its past is called compacted,
 *   so every watch and every list of an old revision is told to begin anew (410).
 */
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode, syncDirectory, writeFileAtomic } from '../../lib/files.ts';
import { listBackups } from '../backup/files.ts';
import { readBackup } from '../backup/format.ts';
import { RESTORED_BUMP, StoreFilling, StoreReading } from '../backup/rows.ts';
import { keyNameOf } from '../encryption/sealer.ts';
import { checkStore } from './check.ts';
import { CORRUPT_CHECK, FileCheckError, threadError } from './errors.ts';
import { inspectLog } from './log.ts';
import { type ConnectionOptions, openReader, openWriter } from './schema.ts';
import { sumHolds } from './sums.ts';

const KEPT_DAMAGED = 2;
const SLICE_ROWS = 500;

/** What became of a damaged store. */
export interface Recovery {
  /** ISO 8601. */
  readonly at: string;
  readonly problems: readonly string[];
  /**
   * `log`: the log ended early, what follows in it is lost; `rebuilt`: every object could be read, nothing is lost;
   * `snapshot`: what was written after the snapshot is lost.
   */
  readonly how: 'log' | 'rebuilt' | 'snapshot';
  /** Where the damaged file is now; undefined: it was repaired in place, or was gone. */
  readonly damaged: string | undefined;
  /** The snapshot that was restored, and when it was made. */
  readonly snapshot?: { readonly path: string; readonly created: string; readonly revision: number };
  /** What was written after this revision may be lost; undefined: nothing is. */
  readonly lostAfter: number | undefined;
  /** The revision the store goes on from. */
  readonly revision: number;
}

export interface RecoverOptions extends ConnectionOptions {
  /** Where the server's snapshots are; unset: there are none. */
  readonly snapshots?: string | undefined;
  /** A snapshot that needs another key than these cannot be used; unset: all can. */
  readonly keyNames?: readonly string[] | undefined;
}

/** Left by a server that read something wrong: the next start looks at everything. */
export const suspectPath = (path: string): string => `${path}-suspect`;
const rebuiltPath = (path: string): string => `${path}.recovered`;

/**
 * Looks at the store's files before they are opened, and repairs or replaces them. Afterwards the file is whole, or is not there
 * and never was. @throws FileCheckError when it is damaged and there is nothing to restore, NewerFormatError
 */
export async function ensureWholeStore(options: RecoverOptions): Promise<Recovery | undefined> {
  const { path } = options;
  if ((await sizeOf(path)) === undefined && (await sizeOf(rebuiltPath(path))) !== undefined) {
    // Killed between setting the damaged one aside and this; its log may still be there.
    await putInPlace(path, new Date().toISOString());
  }
  await rm(rebuiltPath(path), { force: true });
  const suspect = (await sizeOf(suspectPath(path))) !== undefined;
  const log = await inspectLog(`${path}-wal`);
  let problems: readonly string[];
  try {
    const size = await sizeOf(path);
    if (size === undefined) {
      if (((await sizeOf(`${path}-wal`)) ?? 0) > 0)
        throw new FileCheckError([`the file is missing, but its write-ahead log ${path}-wal is there`]);
      if (options.snapshots === undefined || (await listBackups(options.snapshots)).length === 0) return undefined;
      throw new FileCheckError(['the file is missing, but there are snapshots of it']);
    }
    // We rename complete files into place, so an empty one is one that lost its content; SQLite would call it a new database.
    if (size === 0) throw new FileCheckError(['the file is empty']);
    await checkStore(options, { thorough: suspect || log.damage !== undefined });
    await rm(suspectPath(path), { force: true });
    if (log.damage === undefined && !log.torn) return undefined;
    return await withoutTheEnd(options, log.damage);
  } catch (error) {
    const { code, message, problems: found } = threadError(error);
    if (code !== CORRUPT_CHECK && !code.startsWith('SQLITE_CORRUPT') && code !== 'SQLITE_NOTADB') throw error;
    problems = found ?? [message];
  }
  const recovery = await replaced(options, problems, log.damage === undefined);
  await rm(suspectPath(path), { force: true });
  await writeFileAtomic(`${path}.recovery`, `${JSON.stringify(recovery)}\n`, { mode: 0o600 });
  return recovery;
}

/** The file is whole up to some commit, and the log had more: revisions after that may have been given out. */
async function withoutTheEnd(options: RecoverOptions, damage: string | undefined): Promise<Recovery | undefined> {
  const reading = new StoreReading(options);
  const lostAfter = reading.revision;
  reading.close();
  const revision = lostAfter + RESTORED_BUMP;
  const database = openWriter(options);
  try {
    database.exec(`BEGIN IMMEDIATE;
      DELETE FROM revisions WHERE revision IN (SELECT previous FROM revisions WHERE previous > 0);
      DELETE FROM revisions WHERE deleted = 1;
      UPDATE meta SET value = ${revision} WHERE name IN ('compacted', 'reserved'); COMMIT`);
  } finally {
    database.close();
  }
  const at = new Date().toISOString();
  const problem = damage ?? 'the end of its log was torn off, as by a power cut';
  const recovery: Recovery = { at, problems: [problem], how: 'log', damaged: undefined, lostAfter, revision };
  // A torn end is what power cuts leave: the last write had not been acknowledged.
  if (damage !== undefined)
    await writeFileAtomic(`${options.path}.recovery`, `${JSON.stringify(recovery)}\n`, { mode: 0o600 });
  return recovery;
}

async function replaced(options: RecoverOptions, problems: readonly string[], logGood: boolean): Promise<Recovery> {
  const { path } = options;
  const at = new Date().toISOString();
  const target: ConnectionOptions = { ...options, path: rebuiltPath(path) };
  const rebuilt = logGood ? await rebuild(options, target) : undefined;
  if (rebuilt !== undefined) {
    const damaged = await putInPlace(path, at);
    return { at, problems, how: 'rebuilt', damaged, lostAfter: undefined, revision: rebuilt };
  }
  const tried: string[] = [];
  for (const snapshot of options.snapshots === undefined ? [] : await listBackups(options.snapshots)) {
    try {
      const revision = await fill(snapshot.path, target, options.keyNames);
      const damaged = await putInPlace(path, at);
      const { created, revision: lostAfter } = snapshot.header ?? { created: '', revision: 0 };
      return {
        at,
        problems,
        how: 'snapshot',
        damaged,
        snapshot: { path: snapshot.path, created, revision: lostAfter },
        lostAfter,
        revision,
      };
    } catch (error) {
      // That one is no good either; an older one may be.
      tried.push(error instanceof Error ? error.message : String(error));
    } finally {
      await removeDatabase(target.path);
    }
  }
  throw new FileCheckError([...problems, ...tried]);
}

/** @returns the restored store's revision */
async function fill(snapshot: string, target: ConnectionOptions, keyNames?: readonly string[]): Promise<number> {
  await removeDatabase(target.path);
  await (await open(target.path, 'wx', 0o600)).close();
  const filling = new StoreFilling(target);
  try {
    const { header } = await readBackup(snapshot, record => {
      if (record.kind !== 'row') return;
      const key = keyNames && keyNameOf(record.value);
      if (key !== undefined && !keyNames?.includes(key))
        throw new Error(`${snapshot} needs the key ${key}, which is gone`);
      filling.add(record);
    });
    const revision = header.revision + RESTORED_BUMP;
    filling.finish(revision);
    await settle(target);
    return revision;
  } finally {
    filling.close();
  }
}

/**
 * Only what lies around the rows is damaged (the index, the list of free pages): every row checks, and the index knows no other.
 * @returns the revision of a store made of all current rows; undefined: rows are damaged or missing
 */
async function rebuild(options: ConnectionOptions, target: ConnectionOptions): Promise<number | undefined> {
  let filling: StoreFilling | undefined;
  try {
    const source = openReader(options);
    try {
      const known = new Set<number>();
      const latest = new Map<string, number>();
      let newest = 0;
      const rows = source
        .prepare<[number], [number, string, number, number, number, Buffer | null, number | null]>(
          `SELECT revision, key, created, previous, deleted, value, sum FROM revisions NOT INDEXED
           WHERE revision > ? ORDER BY revision LIMIT ${SLICE_ROWS}`,
        )
        .raw();
      for (let after = 0; ; ) {
        const slice = rows.all(after);
        for (const [revision, key, created, previous, deleted, value, sum] of slice) {
          if (revision <= after || sum === null) return undefined;
          if (!sumHolds({ revision, key, created, previous, deleted, value }, sum)) return undefined;
          after = newest = revision;
          known.add(revision);
          if (deleted === 0) latest.set(key, revision);
          else latest.delete(key);
        }
        if (slice.length < SLICE_ROWS) break;
      }
      const indexed = source
        .prepare<[], number>('SELECT revision FROM revisions INDEXED BY by_key ORDER BY key')
        .pluck();
      for (const revision of indexed.iterate()) if (!known.has(revision)) return undefined;
      const meta = source.prepare<[], number>('SELECT max(value) FROM meta').pluck().get() ?? 0;
      await removeDatabase(target.path);
      await (await open(target.path, 'wx', 0o600)).close();
      filling = new StoreFilling(target);
      const one = source.prepare<[number], { key: string; created: number; value: Buffer }>(
        'SELECT key, created, value FROM revisions WHERE revision = ?',
      );
      for (const revision of [...latest.values()].sort((a, b) => a - b)) {
        const row = one.get(revision);
        if (row === undefined) return undefined;
        filling.add({ kind: 'row', revision, ...row });
      }
      // The books may be what is damaged: no revision that was given out is given out again.
      const revision = Math.max(newest, Math.min(meta, Number.MAX_SAFE_INTEGER / 4)) + RESTORED_BUMP;
      filling.finish(revision);
      await settle(target);
      return revision;
    } finally {
      source.close();
    }
  } catch (error) {
    const { code } = threadError(error);
    if (code.startsWith('SQLITE_') || code === CORRUPT_CHECK) return undefined;
    throw error;
  } finally {
    filling?.close();
  }
}

/** What has been made is whole and on the disk. */
async function settle(target: ConnectionOptions): Promise<void> {
  await checkStore(target, { thorough: true });
  for (const suffix of ['-wal', '-shm']) await rm(target.path + suffix, { force: true });
  const file = await open(target.path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(target.path));
}

/** The database before its log: a database without its log would look whole, and be older than what was acknowledged. */
async function putInPlace(path: string, at: string): Promise<string | undefined> {
  const aside = `${path}.damaged-${at.replace(/[-:]|\.\d+/g, '')}`;
  let moved: string | undefined;
  for (const suffix of ['', '-wal']) {
    try {
      await rename(path + suffix, aside + suffix);
      moved = aside;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
    await syncDirectory(dirname(path));
  }
  await rm(`${path}-shm`, { force: true });
  await rename(rebuiltPath(path), path);
  await syncDirectory(dirname(path));
  await pruneDamaged(path);
  return moved;
}

async function pruneDamaged(path: string): Promise<void> {
  const prefix = `${basename(path)}.damaged-`;
  const names = (await readdir(dirname(path))).filter(name => name.startsWith(prefix) && !name.endsWith('-wal')).sort();
  for (const name of names.slice(0, -KEPT_DAMAGED))
    for (const suffix of ['', '-wal', '-shm']) await rm(join(dirname(path), name + suffix), { force: true });
}

export async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(path + suffix, { force: true });
}

export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
