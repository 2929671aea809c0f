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
import { BULK_COLUMNS, bulkEntries } from './bulk.ts';
import { ValueCache } from './cache.ts';
import { FileCheckError } from './errors.ts';
import { endOfPrefix } from './keys.ts';
import { type ConnectionOptions, NEWEST_REVISION, openReader } from './schema.ts';
import { type SummedRow, sumHolds, sumProblem } from './sums.ts';

/** Above every code point a key can begin with. */
const NO_END = '\u{10FFFF}\u{10FFFF}';

type Row = [key: string, created: number, previous: number, value: Buffer, sum: number | null];
type EventRow = [
  revision: number,
  key: string,
  created: number,
  previous: number,
  deleted: number,
  value: Buffer | null,
  sum: number | null,
  previousCreated: number | null,
  previousPrevious: number | null,
  previousDeleted: number | null,
  previousValue: Buffer | null,
  previousSum: number | null,
];

/** What values are in the file: encrypted, or as they are. */
export interface ValueCodec {
  /** @throws when there is no key to write with */
  seal(key: string, value: Buffer): Buffer;
  /** @throws when the key it was written with is not there, or is another one. */
  open(key: string, stored: Buffer): Buffer;
}

export interface Passing {
  readonly entries: KeyValue[];
  /** Where their values are, and nothing else. */
  readonly memory?: ArrayBuffer;
}

export class Reader {
  readonly cache: ValueCache;
  readonly #codec: ValueCodec | undefined;
  readonly #database: Database.Database;
  readonly #begin: Database.Statement<[]>;
  readonly #end: Database.Statement<[]>;
  readonly #newest: Database.Statement<[], number>;
  readonly #latest: Database.Statement<[string, number], [revision: number, deleted: number]>;
  readonly #row: Database.Statement<[number], Row>;
  readonly #range: Database.Statement<[string, string, number, number], number>;
  readonly #bulk: Database.Statement<[string, string, number, number], [keys: number, rows: Buffer | null]>;
  readonly #count: Database.Statement<
    [string, string, number, number],
    [live: number, keys: number, last: string | null]
  >;
  readonly #events: Database.Statement<[number, number, string, string], EventRow>;
  #revision = 0;

  constructor(options: ConnectionOptions & { readonly cacheBytes: number; readonly codec?: ValueCodec | undefined }) {
    this.#codec = options.codec;
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
    this.#row = database
      .prepare<[number], Row>('SELECT key, created, previous, value, sum FROM revisions WHERE revision = ?')
      .raw();
    // SQLite takes `deleted` from the row that has the maximum (https://www.sqlite.org/lang_select.html#bareagg).
    const live = `FROM (SELECT max(revision) AS revision, deleted FROM revisions INDEXED BY by_key
      WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key) WHERE deleted = 0`;
    this.#range = database.prepare<[string, string, number, number], number>(`SELECT revision ${live} LIMIT ?`).pluck();
    this.#bulk = database
      .prepare<[string, string, number, number], [number, Buffer | null]>(
        `SELECT ${BULK_COLUMNS} FROM (SELECT revision ${live} LIMIT ?) k LEFT JOIN revisions r ON r.revision = k.revision`,
      )
      .raw();
    this.#count = database
      .prepare<[string, string, number, number], [number, number, string | null]>(
        `SELECT count(*) FILTER (WHERE deleted = 0), count(*), max(key) FROM (
          SELECT key, max(revision) AS revision, deleted FROM revisions INDEXED BY by_key
          WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key LIMIT ?)`,
      )
      .raw();
    this.#events = database
      .prepare<[number, number, string, string], EventRow>(
        `SELECT e.revision, e.key, e.created, e.previous, e.deleted, e.value, e.sum,
           p.created, p.previous, p.deleted, p.value, p.sum
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
    return latest === undefined || latest[1] !== 0 ? undefined : this.#value(latest[0], key);
  }

  /** Up to `limit` live keys after `after` (exclusive; unset: from the prefix on) as of `revision`, in order. */
  range(prefix: string, after: string | undefined, revision: number, limit: number): KeyValue[] {
    const revisions = this.#range.all(startOf(prefix, after), endOfPrefix(prefix) ?? NO_END, revision, limit);
    return revisions.map(found => this.#value(found, prefix));
  }

  /** As {@link range}, of what will not be asked for again soon: all from the file, in one Buffer, and nothing is kept. */
  passing(prefix: string, after: string | undefined, revision: number, limit: number): Passing {
    const end = endOfPrefix(prefix) ?? NO_END;
    const [keys, rows] = this.#bulk.get(startOf(prefix, after), end, revision, limit) ?? [0, null];
    const entries = rows === null ? [] : bulkEntries(rows, prefix);
    // One by one it is said which of them is wrong.
    if (entries.length !== keys) return { entries: this.range(prefix, after, revision, limit) };
    const codec = this.#codec;
    return {
      entries: codec ? entries.map(entry => ({ ...entry, value: codec.open(entry.key, entry.value) })) : entries,
      ...(rows?.buffer instanceof ArrayBuffer && rows.byteLength === rows.buffer.byteLength
        ? { memory: rows.buffer }
        : {}),
    };
  }

  /** How many of the next `limit` keys after `after` are live, and the last of them; undefined: there are no more. */
  countSlice(
    prefix: string,
    after: string | undefined,
    revision: number,
    limit: number,
  ): { readonly live: number; readonly last: string | undefined } {
    const end = endOfPrefix(prefix) ?? NO_END;
    const [live = 0, keys = 0, last = null] = this.#count.get(startOf(prefix, after), end, revision, limit) ?? [];
    return { live, last: last === null || keys < limit ? undefined : last };
  }

  /** Events with after < revision ≤ upTo, in order. Nothing in between may have been compacted. */
  events(prefix: string, after: number, upTo: number): StoreEvent[] {
    return this.#events.all(after, upTo, prefix, endOfPrefix(prefix) ?? NO_END).map(row => this.#event(row));
  }

  /** Rows after `revision` in order, with how their values begin in the file. Deletions have none and are left out. */
  storedRows(after: number, limit: number, headBytes: number): { revision: number; key: string; head: Buffer }[] {
    return this.#database
      .prepare<[number, number, number], { revision: number; key: string; head: Buffer }>(
        `SELECT revision, key, substr(value, 1, ?) AS head FROM revisions NOT INDEXED
         WHERE revision > ? AND deleted = 0 ORDER BY revision LIMIT ?`,
      )
      .all(headBytes, after, limit);
  }

  /** One value for each way values with the prefixes begin (`headOf`), opened: throws what reading the others would. */
  checkReadable(prefixes: readonly string[], headOf: (stored: Buffer) => string | undefined): void {
    const seen = new Set<string>();
    for (const prefix of prefixes) {
      const revisions = this.#range.all(prefix, endOfPrefix(prefix) ?? NO_END, this.#revision, Number.MAX_SAFE_INTEGER);
      for (const revision of revisions) {
        const row = this.#row.get(revision);
        const head = row && headOf(row[3]);
        if (row === undefined || head === undefined || seen.has(head)) continue;
        seen.add(head);
        this.#codec?.open(row[0], row[3]);
      }
    }
  }

  #value(revision: number, prefix: string): KeyValue {
    const cached = this.cache.get(revision);
    if (cached !== undefined) return cached;
    const row = this.#row.get(revision);
    if (row === undefined) throw new FileCheckError([`the index names revision ${revision}, the table lacks it`]);
    const [key, created, previous, stored, sum] = row;
    if (!key.startsWith(prefix))
      throw new FileCheckError([`the index has revision ${revision} at ${prefix}, not ${key}`]);
    const value = this.#read({ revision, key, created, previous, deleted: 0, value: stored }, sum);
    const entry = { key, value, modRevision: revision, createRevision: created };
    this.cache.add(entry);
    return entry;
  }

  /** The value as it was given to us. @throws FileCheckError when it is not what was written */
  #read(row: SummedRow & { readonly value: Buffer }, sum: number | null): Buffer {
    if (!sumHolds(row, sum)) throw new FileCheckError([sumProblem(row.revision, row.key)]);
    return this.#codec === undefined ? row.value : this.#codec.open(row.key, row.value);
  }

  #event(row: EventRow): StoreEvent {
    const [revision, key, created, previous, deleted, value, sum] = row;
    const [, , , , , , , beforeCreated, beforePrevious, beforeDeleted, beforeValue, beforeSum] = row;
    let before: Buffer | undefined;
    if (beforeValue !== null) {
      const [created, earlier, deleted] = [beforeCreated ?? 0, beforePrevious ?? 0, beforeDeleted ?? 0];
      before = this.#read(
        { revision: previous, key, created, previous: earlier, deleted, value: beforeValue },
        beforeSum,
      );
    }
    const base = { key, revision, createRevision: created, ...(before === undefined ? {} : { previous: before }) };
    if (deleted === 0 && value !== null) {
      return { type: 'put', value: this.#read({ revision, key, created, previous, deleted, value }, sum), ...base };
    }
    if (deleted === 0 || before === undefined || !sumHolds({ revision, key, created, previous, deleted, value }, sum)) {
      throw new FileCheckError([sumProblem(revision, key)]);
    }
    return { type: 'delete', value: before, ...base };
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
