/** What was written to a store's file after a revision, as far as compaction has left it. */
import { type ConnectionOptions, NEWEST_REVISION, openReader } from '../sqlite/schema.ts';

export interface Change {
  readonly revision: number;
  readonly key: string;
  readonly what: 'created' | 'changed' | 'deleted';
}

/** The newest revision with something in it: of what memory was given nothing is in the file. */
export function newestRevision(options: ConnectionOptions): number {
  const database = openReader(options);
  try {
    return database.prepare<[], number>(NEWEST_REVISION).pluck().get() ?? 0;
  } finally {
    database.close();
  }
}

/** In order. @throws SqliteError when it is no store of ours, or of another time */
export function changesSince(options: ConnectionOptions, revision: number): Change[] {
  const database = openReader(options);
  try {
    return database
      .prepare<[number], { revision: number; key: string; created: number; deleted: number }>(
        'SELECT revision, key, created, deleted FROM revisions WHERE revision > ? ORDER BY revision',
      )
      .all(revision)
      .map(row => ({
        revision: row.revision,
        key: row.key,
        what: row.deleted !== 0 ? 'deleted' : row.created === row.revision ? 'created' : 'changed',
      }));
  } finally {
    database.close();
  }
}
