/** What `space.test.ts` runs on a small file system of its own: fills it, deletes, makes space, looks what is there. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteStore } from './open.ts';

async function main(directory: string): Promise<void> {
  const path = join(directory, 'state.db');
  // Somebody else's file fills the disk.
  const other = join(directory, 'other');
  await writeFile(other, Buffer.alloc(14 * 1024 * 1024));
  const open = () =>
    openSqliteStore({ path, compaction: { keepMs: 0, keepRevisions: 0, maxRevisions: 100, minBatch: 20 } });
  let store = await open();
  const there = new Map<string, Buffer>();
  let refusal = '';
  for (let index = 0; refusal === ''; index++) {
    const key = `/k/${index}`;
    const value = Buffer.from(`${index} `.padEnd(50_000, 'abc'));
    try {
      const result = await store.commit({ key, value });
      if (result.ok) there.set(key, value);
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
    }
  }
  const acknowledged = there.size;
  const alarm = store.stats().space;
  const lostOf = async (): Promise<string[]> => {
    const lost: string[] = [];
    for (const [key, value] of there) if (!(await store.get(key))?.value.equals(value)) lost.push(key);
    return lost;
  };
  const lost = await lostOf();
  let deleted = 0;
  for (const key of [...there.keys()].slice(0, Math.floor(acknowledged / 3))) {
    const result = await store.commit({ key, value: null });
    if (!result.ok) continue;
    there.delete(key);
    deleted++;
  }
  await rm(other);
  // Nobody writes: it looks for itself.
  for (const end = Date.now() + 60_000; store.stats().space !== 'ok' && Date.now() < end; ) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  const alarmAfter = store.stats().space;
  const created = await store.commit({ key: '/k/after', value: Buffer.alloc(50_000) }).catch(() => ({ ok: false }));
  lost.push(...(await lostOf()));
  await store.close();
  store = await open();
  const lostAfterReopen = await lostOf();
  await store.close();
  const result = { refusal, acknowledged, alarm, lost, deleted, alarmAfter, createdAfter: created.ok, lostAfterReopen };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

void main(process.argv[2] ?? '');
