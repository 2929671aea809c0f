/** How many objects are in the store's file with which key: read beside a running server, without its keys. */
import { type ConnectionOptions, openReader } from '../sqlite/schema.ts';
import { HEAD_BYTES, keyNameOf } from './sealer.ts';

/** By key name; `''`: Secrets that are not encrypted. What is of no encrypted kind is not counted. */
export function countByKey(options: ConnectionOptions): ReadonlyMap<string, number> {
  const database = openReader(options);
  try {
    const counts = new Map<string, number>();
    const rows = database
      .prepare<[number], { key: string; head: Buffer }>(
        `SELECT r.key, substr(r.value, 1, ?) AS head FROM revisions r
         JOIN (SELECT max(revision) AS revision, deleted FROM revisions INDEXED BY by_key GROUP BY key) n
         ON n.revision = r.revision WHERE n.deleted = 0`,
      )
      .iterate(HEAD_BYTES);
    for (const { key, head } of rows) {
      const name = keyNameOf(head) ?? '';
      if (name === '' && !key.startsWith('/registry/core/secrets/')) continue;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  } finally {
    database.close();
  }
}
