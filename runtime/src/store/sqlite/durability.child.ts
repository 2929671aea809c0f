/**
 * What `durability.test.ts` kills: writes as fast as it can, and prints each commit when it has been acknowledged.
 * Arguments: database, native binding, thread code, number of the run.
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { openSqliteStore } from './open.ts';

const WRITERS = 8;

async function main([path = '', nativeBinding = '', threadCode = '', run = '']: string[]): Promise<void> {
  const store = await openSqliteStore({
    path,
    nativeBinding,
    threadUrl: pathToFileURL(threadCode),
    // Compaction is to be in the middle of things, too.
    compaction: { keepMs: 0, keepRevisions: 200, maxRevisions: 400, minBatch: 100 },
  });
  writeSync(1, 'open\n');
  const write = async (writer: number): Promise<void> => {
    for (let index = 0; ; index++) {
      const key = `/${writer}/${index % 23}`;
      const deletion = index % 9 === 8;
      const text = deletion ? '-' : `${run}.${writer}.${index}`;
      const value = deletion ? null : Buffer.from(text.padEnd((index * 997) % 6_000));
      const result = await store.commit({ key, value });
      if (result.ok) writeSync(1, `${result.revision} ${key} ${text}\n`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
}

void main(process.argv.slice(2));
