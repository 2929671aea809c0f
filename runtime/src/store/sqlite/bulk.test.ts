import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { BULK_COLUMNS, bulkEntries } from './bulk.ts';
import { rowSum } from './sums.ts';

interface Row {
  readonly revision: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly sum?: number | null;
}

/** What the rows with these revisions are read as. */
function read(rows: readonly Row[], asked: readonly number[], prefix: string): string[] {
  const database = new Database(':memory:');
  try {
    database.exec(
      'CREATE TABLE revisions (revision INTEGER PRIMARY KEY, key TEXT, created INTEGER, previous INTEGER, deleted INTEGER, value BLOB, sum INTEGER) STRICT',
    );
    const insert = database.prepare('INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (const { revision, key, value, sum } of rows) {
      const row = { revision, key, created: revision - 1, previous: 0, deleted: value === null ? 1 : 0, value };
      insert.run(revision, key, row.created, 0, row.deleted, value, sum === undefined ? rowSum(row) : sum);
    }
    const [keys, bytes] = database
      .prepare<[string], [number, Buffer | null]>(
        `SELECT ${BULK_COLUMNS} FROM json_each(?) k LEFT JOIN revisions r ON r.revision = k.value`,
      )
      .raw()
      .get(JSON.stringify(asked)) ?? [0, null];
    const entries = bulkEntries(bytes ?? Buffer.alloc(0), prefix);
    const said = entries.map(
      entry => `${entry.key}=${entry.value.toString('latin1')}@${entry.modRevision} since ${entry.createRevision}`,
    );
    return keys === entries.length ? said : [...said, `of ${keys}`];
  } finally {
    database.close();
  }
}

const row = (revision: number, key: string, value: string | null, sum?: number | null): Row => ({
  revision,
  key,
  value: value === null ? null : Buffer.from(value, 'latin1'),
  ...(sum === undefined ? {} : { sum }),
});

describe('rows read as one Buffer', () => {
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
  const good: readonly { what: string; rows: Row[]; asked: number[]; says: string[] }[] = [
    { what: 'one', rows: [row(7, '/a', '{}')], asked: [7], says: ['/a={}@7 since 6'] },
    {
      what: 'in the order asked for',
      rows: [row(7, '/a', 'x'), row(8, '/b', 'y'), row(12_345_678_901, '/c', 'z')],
      asked: [12_345_678_901, 7],
      says: ['/c=z@12345678901 since 12345678900', '/a=x@7 since 6'],
    },
    {
      what: 'any bytes and none',
      rows: [row(3, '/a', bytes), row(4, '/b', ''), row(5, '/c', ' 1 2 3 ')],
      asked: [3, 4, 5],
      says: [`/a=${bytes}@3 since 2`, '/b=@4 since 3', '/c= 1 2 3 @5 since 4'],
    },
    { what: 'odd keys', rows: [row(3, '/ü 😀 1 2', '5 6')], asked: [3], says: ['/ü 😀 1 2=5 6@3 since 2'] },
    {
      what: 'without sums',
      rows: [row(3, '/a', 'x', null), row(4, '/b', 'y')],
      asked: [3, 4],
      says: ['/a=x@3 since 2', '/b=y@4 since 3'],
    },
    { what: 'fewer than the index has', rows: [row(3, '/a', 'x')], asked: [3, 4], says: ['/a=x@3 since 2', 'of 2'] },
    { what: 'fewer, before others', rows: [row(4, '/a', 'x')], asked: [3, 4], says: ['/a=x@4 since 3', 'of 2'] },
    { what: 'nothing at all', rows: [], asked: [3], says: ['of 1'] },
    { what: 'nothing asked', rows: [], asked: [], says: [] },
    { what: 'no deletion', rows: [row(3, '/a', null)], asked: [3], says: ['of 1'] },
  ];
  for (const { what, rows, asked, says } of good) it(what, () => assert.deepEqual(read(rows, asked, '/'), says));

  const damaged: readonly { what: string; rows: Row[]; asked: number[]; prefix?: string; says: RegExp }[] = [
    {
      what: 'a sum that does not hold',
      rows: [row(3, '/a', 'x', 12)],
      asked: [3],
      says: /revision 3 \(\/a\) is not what was written/,
    },
    { what: 'a sum of 0', rows: [row(3, '/a', 'x', 0)], asked: [3], says: /its checksum does not hold/ },
    {
      what: 'another key',
      rows: [row(3, '/b', 'x')],
      asked: [3],
      prefix: '/a/',
      says: /has revision 3 at \/a\/, not \/b/,
    },
  ];
  for (const { what, rows, asked, prefix = '/', says } of damaged) {
    it(`notices ${what}`, () =>
      assert.throws(() => read(rows, asked, prefix), { name: 'FileCheckError', message: says }));
  }
});
