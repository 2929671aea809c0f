/** What is current in a store's file, read out for a backup, and a store's file made of it. */
import type Database from 'better-sqlite3';
import { FileCheckError } from '../sqlite/errors.ts';
import { type ConnectionOptions, createDatabase, NEWEST_REVISION, openReader, openWriter } from '../sqlite/schema.ts';
import { rowSum, sumHolds, sumProblem } from '../sqlite/sums.ts';
import type { BackupRow } from './format.ts';

/**
 * How far a restored store's revisions are ahead of the newest in its backup, as etcd's `--bump-revision` is used: more than
 * can have been written since, so no revision means two things, and whoever watches from an old one is told that it is gone.
 */
export const RESTORED_BUMP = 1_000_000_000;

const SLICE = 500;

/** A store's file, held at one moment until it is closed. Writers are not held up; the log grows by what they write. */
export class StoreReading {
  readonly #database: Database.Database;
  readonly revision: number;

  constructor(options: ConnectionOptions) {
    this.#database = openReader(options);
    try {
      this.#database.exec('BEGIN');
      const newest = this.#database.prepare<[], number>(NEWEST_REVISION).pluck().get() ?? 0;
      const reserved = this.#database
        .prepare<[], number>("SELECT value FROM meta WHERE name = 'reserved'")
        .pluck()
        .get();
      this.revision = Math.max(newest, reserved ?? 0);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Every current object, by key. @throws FileCheckError when one is not what was written */
  *rows(): Generator<BackupRow> {
    const newest = this.#database
      .prepare<[string, number], [revision: number, key: string, deleted: number]>(
        `SELECT max(revision), key, deleted FROM revisions INDEXED BY by_key WHERE key > ? GROUP BY key LIMIT ?`,
      )
      .raw();
    const row = this.#database
      .prepare<[number], [key: string, created: number, previous: number, value: Buffer, sum: number | null]>(
        'SELECT key, created, previous, value, sum FROM revisions WHERE revision = ?',
      )
      .raw();
    for (let after = ''; ; ) {
      const slice = newest.all(after, SLICE);
      for (const [revision, indexed, deleted] of slice) {
        after = indexed;
        if (deleted !== 0) continue;
        const found = row.get(revision);
        if (found === undefined) throw new FileCheckError([`the index names revision ${revision}, the table lacks it`]);
        const [key, created, previous, value, sum] = found;
        if (key !== indexed || !sumHolds({ revision, key, created, previous, deleted, value }, sum))
          throw new FileCheckError([sumProblem(revision, indexed)]);
        yield { kind: 'row', revision, created, key, value };
      }
      if (slice.length < SLICE) return;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** A new store's file, filled row by row. Durable only after the caller's fsync. */
export class StoreFilling {
  readonly #database: Database.Database;
  readonly #insert: Database.Statement<[number, string, number, number, number, Buffer | null, number]>;
  readonly #path: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    createDatabase(options);
    this.#path = options;
    this.#database = openWriter(options);
    this.#database.pragma('synchronous = OFF');
    this.#insert = this.#database.prepare('INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#database.exec('BEGIN');
  }

  get path(): string {
    return this.#path.path;
  }

  add({ revision, key, created, value }: BackupRow): void {
    const row = { revision, key, created, previous: 0, deleted: 0, value };
    this.#insert.run(revision, key, created, 0, 0, value, rowSum(row));
  }

  /** @param revision the store's from now on; everything before it is gone. */
  finish(revision: number): void {
    this.#database.prepare("UPDATE meta SET value = ? WHERE name IN ('compacted', 'reserved')").run(revision);
    this.#database.exec('COMMIT');
    this.close();
  }

  close(): void {
    this.#database.close();
  }
}
