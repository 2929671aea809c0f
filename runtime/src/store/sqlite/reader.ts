/**
 * Reads, on the event loop's own thread.
 *
 * Invariants:
 * - the connection stays inside one read transaction, moved on only by `refresh`; so what is read belongs to exactly one
 *   revision, the one watchers have been told everything up to, although the writer may be ahead;
 * - whoever holds a log page makes the log grow: `refresh` must follow every request to the writer, also checkpoints.
 */
import type Database from 'better-sqlite3';
import type { KeyValue, StoreEvent } from '../store.ts';
import { ValueCache } from './cache.ts';
import { FileCheckError } from './errors.ts';
import { endOfPrefix } from './keys.ts';
import { type ConnectionOptions, NEWEST_REVISION, openReader } from './schema.ts';

/** Above every code point a key can begin with. */
const NO_END = '\u{10FFFF}\u{10FFFF}';

type Row = [key: string, created: number, value: Buffer];
type EventRow = [
  revision: number,
  key: string,
  created: number,
  deleted: number,
  value: Buffer | null,
  previous: Buffer | null,
];

export class Reader {
  readonly cache: ValueCache;
  readonly #database: Database.Database;
  readonly #begin: Database.Statement<[]>;
  readonly #end: Database.Statement<[]>;
  readonly #newest: Database.Statement<[], number>;
  readonly #latest: Database.Statement<[string, number], [revision: number, deleted: number]>;
  readonly #row: Database.Statement<[number], Row>;
  readonly #range: Database.Statement<[string, string, number, number], number>;
  readonly #count: Database.Statement<[string, string, number], number>;
  readonly #events: Database.Statement<[number, number, string, string], EventRow>;
  #revision = 0;

  constructor(options: ConnectionOptions & { readonly cacheBytes: number }) {
    this.cache = new ValueCache(options.cacheBytes);
    const database = openReader(options);
    this.#database = database;
    this.#begin = database.prepare('BEGIN');
    this.#end = database.prepare('COMMIT');
    this.#newest = database.prepare<[], number>(NEWEST_REVISION).pluck();
    this.#latest = database
      .prepare<[string, number], [number, number]>(
        'SELECT revision, deleted FROM revisions WHERE key = ? AND revision <= ? ORDER BY revision DESC LIMIT 1',
      )
      .raw();
    this.#row = database.prepare<[number], Row>('SELECT key, created, value FROM revisions WHERE revision = ?').raw();
    // SQLite takes `deleted` from the row that has the maximum (https://www.sqlite.org/lang_select.html#bareagg).
    const live = `FROM (SELECT max(revision) AS revision, deleted FROM revisions INDEXED BY by_key
      WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key) WHERE deleted = 0`;
    this.#range = database.prepare<[string, string, number, number], number>(`SELECT revision ${live} LIMIT ?`).pluck();
    this.#count = database.prepare<[string, string, number], number>(`SELECT count(*) ${live}`).pluck();
    this.#events = database
      .prepare<[number, number, string, string], EventRow>(
        `SELECT e.revision, e.key, e.created, e.deleted, e.value, p.value
         FROM revisions e NOT INDEXED LEFT JOIN revisions p ON p.revision = e.previous
         WHERE e.revision > ? AND e.revision <= ? AND e.key >= ? AND e.key < ? ORDER BY e.revision`,
      )
      .raw();
    this.#begin.run();
    this.#revision = this.#newest.get() ?? 0;
  }

  /** The revision reads see. */
  get revision(): number {
    return this.#revision;
  }

  /** Moves on to what is durable now. */
  refresh(): number {
    this.#end.run();
    this.#begin.run();
    // The first read is what takes the snapshot.
    this.#revision = this.#newest.get() ?? 0;
    return this.#revision;
  }

  get(key: string, revision: number): KeyValue | undefined {
    const latest = this.#latest.get(key, revision);
    return latest === undefined || latest[1] !== 0 ? undefined : this.#value(latest[0]);
  }

  /** Up to `limit` live keys after `after` (exclusive; unset: from the prefix on) as of `revision`, in order. */
  range(prefix: string, after: string | undefined, revision: number, limit: number): KeyValue[] {
    const revisions = this.#range.all(startOf(prefix, after), endOfPrefix(prefix) ?? NO_END, revision, limit);
    return revisions.map(found => this.#value(found));
  }

  count(prefix: string, after: string | undefined, revision: number): number {
    return this.#count.get(startOf(prefix, after), endOfPrefix(prefix) ?? NO_END, revision) ?? 0;
  }

  /** Events with after < revision ≤ upTo, in order. Nothing in between may have been compacted. */
  events(prefix: string, after: number, upTo: number): StoreEvent[] {
    return this.#events.all(after, upTo, prefix, endOfPrefix(prefix) ?? NO_END).map(toEvent);
  }

  #value(revision: number): KeyValue {
    const cached = this.cache.get(revision);
    if (cached !== undefined) return cached;
    const row = this.#row.get(revision);
    if (row === undefined) throw new FileCheckError([`the index names revision ${revision}, the table lacks it`]);
    const entry = { key: row[0], value: row[2], modRevision: revision, createRevision: row[1] };
    this.cache.add(entry);
    return entry;
  }

  close(): void {
    this.#database.close();
  }
}

/** The least key a range can hold. Nothing lies between a key and itself followed by U+0000. */
function startOf(prefix: string, after: string | undefined): string {
  if (after === undefined) return prefix;
  const next = `${after}\0`;
  return after.startsWith(prefix) || Buffer.compare(Buffer.from(after), Buffer.from(prefix)) > 0 ? next : prefix;
}

function toEvent([revision, key, createRevision, deleted, value, previous]: EventRow): StoreEvent {
  const type = deleted === 0 ? 'put' : 'delete';
  const shown = type === 'put' ? value : previous;
  if (shown === null) throw new FileCheckError([`revision ${revision} of ${key} lacks its value`]);
  return { type, key, revision, value: shown, createRevision, ...(previous === null ? {} : { previous }) };
}
