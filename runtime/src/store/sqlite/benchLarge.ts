/**
 * The store with many objects: `node --import tsx runtime/src/store/sqlite/benchLarge.ts [--json] [--objects N] [directory]`.
 * What one must not feel of the others: p99 of reads and writes while everything is listed, compacted, vacuumed, copied.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keptInMemory } from '../kept.ts';
import type { BenchRow } from './bench.ts';
import { openSqliteStore } from './open.ts';
import type { SqliteStore } from './store.ts';

const PREFIX = '/registry/core/configmaps/';
const keyOf = (index: number): string => `${PREFIX}namespace-${index % 50}/configmap-${index}-7d4b9c-x2x9q`;
const LEASE = '/registry/coordination.k8s.io/leases/kube-node-lease/node-1';

/** 2,000 bytes that are no two alike. */
const bytesOf = (index: number): Buffer =>
  Buffer.from(
    JSON.stringify({ kind: 'ConfigMap', metadata: { uid: `${index}-${index * 7919}` } }).padEnd(2_000, `${index} `),
  );

export async function benchLarge(directory: string, objects: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const row = (name: string, value: number, unit: string): void => void rows.push({ name, value, unit });
  const many = objects.toLocaleString('en');
  const path = join(directory, 'large.db');
  const open = () => openSqliteStore({ path, compaction: false, memory: keptInMemory });

  let store = await open();
  for (let index = 0; index < objects; index += 500) {
    const group = Array.from({ length: Math.min(500, objects - index) }, (_, offset) => index + offset);
    await Promise.all(group.map(each => store.commit({ key: keyOf(each), value: bytesOf(each) })));
  }
  await store.close();

  const rssBefore = await rss();
  const began = performance.now();
  store = await open();
  row(`open, ${many} objects`, performance.now() - began, 'ms');
  row(`file, ${many} objects`, (await stat(path)).size / 1024 / 1024, 'MiB');

  for (let after = ''; ; ) {
    const { items, more } = await store.range({ prefix: PREFIX, after, limit: 500 });
    after = items.at(-1)?.key ?? after;
    if (!more) break;
  }
  row(
    'resident memory, open and listed page by page, per 1,000 objects',
    ((await rss()) - rssBefore) / (objects / 1_000) / 1024,
    'KiB each',
  );

  const during = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    let running = true;
    const others = Promise.all([
      loop(
        () => running,
        index => store.get(keyOf((index * 7919) % objects)),
      ),
      loop(
        () => running,
        index => store.commit({ key: keyOf((index * 31) % objects), value: bytesOf(index) }),
      ),
    ]);
    const workMs = performance.now();
    await work();
    row(`${what}, with reads and writes beside it`, performance.now() - workMs, 'ms');
    running = false;
    const [reads, writes] = await others;
    row(`${what}: reads beside it, p99`, at(reads, 0.99), 'ms');
    row(`${what}: writes beside it, p99`, at(writes, 0.99), 'ms');
    row(`${what}: writes beside it, longest`, at(writes, 1), 'ms');
  };
  await during(`list of ${many}`, () => store.range({ prefix: PREFIX }));
  await during('first 500, with count', () => store.range({ prefix: PREFIX, limit: 500 }));
  await during('snapshot', () => store.snapshot(join(directory, 'copy')));
  row('snapshot, size', (await stat(join(directory, 'copy'))).size / 1024 / 1024, 'MiB');
  for (let index = 0; index < objects / 2; index += 500) {
    const group = Array.from({ length: 500 }, (_, offset) => index + offset);
    await Promise.all(group.map(each => store.commit({ key: keyOf(each), value: null })));
  }
  await during('compaction', () => store.compact(store.revision()));
  await during('vacuum', () => store.scrub());
  await idleHour(store, row);
  await store.close();
  return rows;
}

/** What a node that does nothing sends to the card in an hour: 360 renewals of its Lease, 12 states, 10 Events; as they come, one by one. */
async function idleHour(store: SqliteStore, row: (name: string, value: number, unit: string) => void): Promise<void> {
  const lease = (renewTime: number): Buffer =>
    Buffer.from(JSON.stringify({ kind: 'Lease', spec: { holderIdentity: 'node-1', renewTime } }).padEnd(700));
  await store.commit({ key: LEASE, value: lease(0) });
  const before = await writtenBytes();
  for (let index = 1; index <= 360; index++) {
    await store.commit({ key: LEASE, value: lease(index) });
    if (index % 30 === 0)
      await store.commit({ key: '/registry/core/nodes/node-1', value: Buffer.alloc(6_000, `${index}`) });
    if (index % 36 === 0)
      await store.commit({ key: `/registry/core/events/a/${index}`, value: Buffer.alloc(900, 'x') });
  }
  row('written in an idle hour', ((await writtenBytes()) - before) / 1024, 'KiB each');
}

async function loop(running: () => boolean, operation: (index: number) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  for (let index = 0; running(); index++) {
    const began = performance.now();
    await operation(index);
    tookMs.push(performance.now() - began);
    // As if each came over the network.
    await new Promise(resolve => setImmediate(resolve));
  }
  return tookMs.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

async function rss(): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
}

async function writtenBytes(): Promise<number> {
  return Number(/^write_bytes: (\d+)/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1] ?? 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false }, objects: { type: 'string', default: '50000' } },
    allowPositionals: true,
  });
  const directory = await mkdtemp(join(positionals[0] ?? tmpdir(), 'atoll-store-'));
  try {
    const rows = await benchLarge(directory, Number(values.objects));
    if (values.json) console.log(JSON.stringify(rows, null, 2));
    else
      for (const { name, value, unit } of rows)
        console.log(`${name.padEnd(72)} ${value.toFixed(2).padStart(12)} ${unit}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
