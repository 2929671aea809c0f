/** The database file from outside: made whole or not at all, checked before it is trusted, copied whole. */
import { open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { hasCode, makeDirectory, renameDurably, temporaryPath } from '../../lib/files.ts';
import { FileCheckError } from './errors.ts';
import {
  APPLICATION_ID,
  type ConnectionOptions,
  createDatabase,
  NEWEST_REVISION,
  openReader,
  openWriter,
  SCHEMA_VERSION,
} from './schema.ts';

/** How many problems an error names. */
const MAX_PROBLEMS = 5;

/**
 * Opens the store's file for writing, making it first where there is none. SQLite itself replays the log after a crash.
 * The check reads every page (`PRAGMA quick_check`): about 0.1 s for 100 MB in memory, as long as the card takes otherwise.
 * @throws FileCheckError, SqliteError
 */
export async function openStoreFile(options: ConnectionOptions): Promise<Database.Database> {
  const sizeBytes = await sizeOf(options.path);
  if (sizeBytes === undefined) await createStoreFile(options);
  // We rename complete files into place, so an empty one is one that lost its content; SQLite would call it a new database.
  else if (sizeBytes === 0) throw new FileCheckError(['the file is empty']);
  checkStoreFile(options);
  return openWriter(options);
}

async function createStoreFile(options: ConnectionOptions): Promise<void> {
  const { path } = options;
  if ((await sizeOf(`${path}-wal`)) ?? 0) {
    // SQLite would replay this log into whatever file stands here.
    throw new FileCheckError([`the file is missing, but its write-ahead log ${path}-wal is there`]);
  }
  await makeDirectory(dirname(path), 0o700);
  const temporary = temporaryPath(path);
  try {
    await inPlace(temporary, path, () => createDatabase({ ...options, path: temporary }));
  } finally {
    await removeDatabase(temporary);
  }
}

/** On a connection that cannot write: closing a writer brings the log home, and a damaged file is to stay as it was found. */
function checkStoreFile(options: ConnectionOptions): void {
  const database = openReader(options);
  try {
    const number = (name: string): number => Number(database.pragma(name, { simple: true }));
    if (number('application_id') !== APPLICATION_ID) {
      throw new FileCheckError(['it is a database, but not an Atoll store']);
    }
    const version = number('user_version');
    if (version > SCHEMA_VERSION) {
      throw new Error(
        `its format is ${version}, this version of Atoll reads ${SCHEMA_VERSION}; start the newer Atoll again`,
      );
    }
    const rows = database.pragma(`quick_check(${MAX_PROBLEMS})`) as { quick_check: string }[];
    const problems = rows.map(row => row.quick_check).filter(problem => problem !== 'ok');
    if (problems.length > 0) throw new FileCheckError(problems);
  } finally {
    database.close();
  }
}

/**
 * A compact copy of the store as of one moment, durable and mode 600; writers are not held up.
 * The log cannot be written over while this runs, so it grows by what is written meanwhile.
 */
export async function copyStoreFile(
  options: ConnectionOptions,
  target: string,
): Promise<{ revision: number; sizeBytes: number }> {
  const temporary = temporaryPath(target);
  try {
    await inPlace(temporary, target, () => {
      const source = openReader(options);
      try {
        source.prepare('VACUUM INTO ?').run(temporary);
      } finally {
        source.close();
      }
    });
    const { size: sizeBytes } = await stat(target);
    return { revision: revisionOf({ ...options, path: target }), sizeBytes };
  } finally {
    await removeDatabase(temporary);
  }
}

function revisionOf(options: ConnectionOptions): number {
  const copy = openReader(options);
  try {
    return copy.prepare<[], number>(NEWEST_REVISION).pluck().get() ?? 0;
  } finally {
    copy.close();
  }
}

async function inPlace(temporary: string, path: string, make: () => void): Promise<void> {
  // Made before SQLite sees it, so that its content is never readable by others; the log inherits the mode.
  const file = await open(temporary, 'a', 0o600);
  try {
    make();
    await file.sync();
  } finally {
    await file.close();
  }
  await renameDurably(temporary, path);
}

async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(path + suffix, { force: true });
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
