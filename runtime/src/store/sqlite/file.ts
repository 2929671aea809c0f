/** The database file from outside: made whole or not at all, checked and repaired before it is trusted. */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { makeDirectory, renameDurably, temporaryPath } from '../../lib/files.ts';
import { ensureWholeStore, type RecoverOptions, type Recovery, removeDatabase, sizeOf } from './recover.ts';
import { createDatabase, openWriter } from './schema.ts';

export interface OpenedFile {
  readonly database: Database.Database;
  /** What had to be done before it could be opened; undefined: nothing. */
  readonly recovery: Recovery | undefined;
}

/**
 * Opens the store's file for writing, making it first where there is none. SQLite itself replays the log after a crash; what is
 * damaged is replaced by the last snapshot (`recover.ts`).
 * @throws FileCheckError, SqliteError, NewerFormatError
 */
export async function openStoreFile(options: RecoverOptions): Promise<OpenedFile> {
  const recovery = await ensureWholeStore(options);
  if ((await sizeOf(options.path)) === undefined) await createStoreFile(options);
  return { database: openWriter(options), recovery };
}

async function createStoreFile(options: RecoverOptions): Promise<void> {
  const { path } = options;
  await makeDirectory(dirname(path), 0o700);
  const temporary = temporaryPath(path);
  try {
    // Made before SQLite sees it, so that its content is never readable by others; the log inherits the mode.
    const file = await open(temporary, 'a', 0o600);
    try {
      createDatabase({ ...options, path: temporary });
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } finally {
    await removeDatabase(temporary);
  }
}
