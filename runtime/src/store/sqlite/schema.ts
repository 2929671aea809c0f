/**
 * The database file: one table of revisions, one index, one row of bookkeeping.
 *
 * Invariants of the file:
 * - revisions grow; those missing between two rows were given to what is kept in memory only (`memory.ts`) or have been compacted
 *   (an empty store is at revision 1, as in etcd);
 * - a row is never changed after it was written, only removed by compaction;
 * - `previous` is the revision this one superseded, 0 where it created the key; so compaction needs no search: walking up the
 *   revisions, each removes the one it superseded, and a deletion removes itself too;
 * - the newest revision is max(newest row, compacted), also when the newest row was a deletion that has been compacted;
 * - no revision above `reserved` has been given to anything kept in memory, so a start that goes on from it uses none twice;
 * - `sum` is the row's CRC-32 (`sums.ts`): SQLite notices damage to its structure, this notices damage to what is in it.
 *
 * No second table of current values: it would cost the card one more page a commit. The index covers (key, revision,
 * deleted), so current and old lists, counts and compare-and-swap never touch values. docs/adr/003-store.md has the figures.
 */
import Database from 'better-sqlite3';

/** `Atol`: lets file(1) and us tell an Atoll store from any other database. */
export const APPLICATION_ID = 0x41746f6c;
/** Grows when the tables change; an older file is migrated at open, a newer one refused. */
export const SCHEMA_VERSION = 2;
/** The revision of a store nothing was ever written to; 0 means "any" in Kubernetes' resourceVersion. */
export const FIRST_REVISION = 1;

const TABLES = `
  CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    created INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    value BLOB,
    sum INTEGER
  ) STRICT;
  CREATE INDEX by_key ON revisions (key, revision, deleted);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('compacted', ${FIRST_REVISION}), ('reserved', 0);
`;

export interface ConnectionOptions {
  readonly path: string;
  /** Path of better_sqlite3.node; unset: where the package has it. */
  readonly nativeBinding?: string | undefined;
}

/** Not SQLite's 4096: an object of 1–4 KiB fills these better, and a commit writes 40 % fewer bytes to the card. */
export const PAGE_BYTES = 2048;

const WRITE_LOCK_TIMEOUT_MS = 5_000;
/** SQLite's own page cache, per connection. Small: values are cached by us, pages by the kernel. */
const CACHE_KIB = 2_048;
/** The write-ahead log is cut back to this after a burst; below it its blocks are written over again, so fsync has less to do. */
const WAL_KEEP_BYTES = 16 * 1024 * 1024;

/** Makes the tables in a new file, complete when it returns except for the fsync of the file and its directory. */
export function createDatabase(options: ConnectionOptions): void {
  const database = connect(options, {});
  try {
    // The caller syncs the whole file once.
    database.pragma('synchronous = OFF');
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.pragma('auto_vacuum = INCREMENTAL');
    database.pragma('journal_mode = WAL');
    database.exec(
      `BEGIN; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    );
  } finally {
    database.close();
  }
}

/** The one connection that writes. Checkpoints are ours to time, so SQLite's automatic ones are off. */
export function openWriter(options: ConnectionOptions): Database.Database {
  const database = connect(options, { fileMustExist: true });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma(`journal_size_limit = ${WAL_KEEP_BYTES}`);
    database.pragma('wal_autocheckpoint = 0');
    // What is deleted is overwritten where that costs no further write: a value that was replaced is gone from its page.
    database.pragma('secure_delete = FAST');
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What a file of an older version lacks. Rows written before there were sums have none and are taken as they are. */
export function migrate(database: Database.Database): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version >= SCHEMA_VERSION) return;
  database.exec(`BEGIN IMMEDIATE; ALTER TABLE revisions ADD COLUMN sum INTEGER;
    INSERT OR IGNORE INTO meta VALUES ('reserved', 0); PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/** A connection that only reads. */
export function openReader(options: ConnectionOptions): Database.Database {
  return connect(options, { readonly: true, fileMustExist: true });
}

function connect(options: ConnectionOptions, flags: Database.Options): Database.Database {
  const database = new Database(options.path, {
    timeout: WRITE_LOCK_TIMEOUT_MS,
    ...(options.nativeBinding === undefined ? {} : { nativeBinding: options.nativeBinding }),
    ...flags,
  });
  try {
    database.pragma(`cache_size = -${CACHE_KIB}`);
    // Never memory-mapped: a read error of the card would be a SIGBUS instead of an error.
    database.pragma('mmap_size = 0');
    database.pragma('temp_store = MEMORY');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The newest revision of the file as this connection sees it. What memory was given may be newer: see `reserved`. */
export const NEWEST_REVISION = `SELECT max((SELECT ifnull(max(revision), 0) FROM revisions),
  (SELECT value FROM meta WHERE name = 'compacted'))`;
