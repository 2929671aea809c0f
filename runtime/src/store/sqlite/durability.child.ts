/**
 * What `durability.test.ts` kills: writes as fast as it can, and prints each commit when it has been acknowledged. Half of what it
 * writes is encrypted; Leases are renewed meanwhile, and one snapshot is made after the other.
 * Arguments: database, native binding, thread code, number of the run, file of keys.
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { readKeyRing } from '../encryption/keyRing.ts';
import { Sealer } from '../encryption/sealer.ts';
import { keptInMemory } from '../kept.ts';
import { openSqliteStore } from './open.ts';

const WRITERS = 8;

async function main([path = '', nativeBinding = '', threadCode = '', run = '', keys = '']: string[]): Promise<void> {
  const ring = await readKeyRing(keys);
  if (ring === undefined) throw new Error(`${keys} is not there`);
  const store = await openSqliteStore({
    path,
    nativeBinding,
    codec: new Sealer(ring, keys),
    memory: keptInMemory,
    threadUrl: pathToFileURL(threadCode),
    // Compaction is to be in the middle of things, too.
    compaction: { keepMs: 0, keepRevisions: 200, maxRevisions: 400, minBatch: 100 },
  });
  writeSync(1, 'open\n');
  const write = async (writer: number): Promise<void> => {
    for (let index = 0; ; index++) {
      const key = `${writer % 2 === 0 ? '/registry/core/secrets' : ''}/${writer}/${index % 23}`;
      const deletion = index % 9 === 8;
      const text = deletion ? '-' : `${run}.${writer}.${index}`;
      const value = deletion ? null : Buffer.from(text.padEnd((index * 997) % 6_000));
      const result = await store.commit({ key, value });
      if (result.ok) writeSync(1, `${result.revision} ${key} ${text}\n`);
    }
  };
  const renew = async (): Promise<void> => {
    for (let index = 0; ; index++) {
      const value = Buffer.from(JSON.stringify({ spec: { holderIdentity: 'x', renewTime: index } }));
      await store.commit({ key: '/registry/coordination.k8s.io/leases/a/b', value });
    }
  };
  const snapshots = async (): Promise<void> => {
    for (let index = 0; ; index++) await store.snapshot(`${path}.${run}-${index % 3}.atoll-backup`);
  };
  void renew();
  void snapshots();
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
}

void main(process.argv.slice(2));
