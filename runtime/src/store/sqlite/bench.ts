/**
 * How fast the store is on this machine's disk: `node --import tsx runtime/src/store/sqlite/bench.ts [--json] [directory]`.
 * The directory (default: a new one under the system's temporary directory) decides which disk is measured.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSqliteStore } from './open.ts';
import type { SqliteStore } from './store.ts';

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const VALUE_BYTES = 2_000;
const OBJECTS = 2_000;
const RUN_MS = 1_500;

const keyOf = (index: number): string => `/registry/core/pods/namespace-${index % 20}/pod-${index}-7d4b9c-x2x9q`;

export async function benchStore(directory: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const row = (name: string, value: number, unit: string): void => void rows.push({ name, value, unit });
  const value = Buffer.alloc(VALUE_BYTES, 'x');
  const path = join(directory, 'bench.db');

  let startedMs = performance.now();
  let store = await openSqliteStore({ path, compaction: { keepMs: 0, minBatch: 2_000 } });
  row('open, new', performance.now() - startedMs, 'ms');

  await Promise.all(Array.from({ length: OBJECTS }, (_, index) => store.commit({ key: keyOf(index), value })));

  for (const writers of [1, 8, 64]) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const before = store.stats();
    const cpuBefore = process.cpuUsage();
    const writtenBefore = await writtenBytes();
    delay.enable();
    const { perSecond, p50Ms, p99Ms } = await measure(writers, RUN_MS, async index => {
      await store.commit({ key: keyOf(index % OBJECTS), value });
    });
    delay.disable();
    const cpu = process.cpuUsage(cpuBefore);
    const after = store.stats();
    const commits = after.commits - before.commits;
    row(`durable commits, ${writers} writers`, perSecond, '/s');
    row(`durable commits, ${writers} writers, p50`, p50Ms, 'ms');
    row(`durable commits, ${writers} writers, p99`, p99Ms, 'ms');
    row(`durable commits, ${writers} writers, in a group`, commits / (after.groups - before.groups), 'commits');
    row(
      `durable commits, ${writers} writers, CPU of both threads`,
      (cpu.user + cpu.system) / 1000 / commits,
      'ms each',
    );
    row(
      `durable commits, ${writers} writers, written to disk`,
      ((await writtenBytes()) - writtenBefore) / commits / 1024,
      'KiB each',
    );
    row(`a timer of 1 ms fires after, ${writers} writers, p99`, delay.percentile(99) / 1e6, 'ms');
  }

  row(
    'point reads, cached',
    (await measure(1, 500, index => store.get(keyOf((index * 31) % OBJECTS)))).perSecond,
    '/s',
  );
  row('list of 2,000, cached', (await measure(1, 500, () => listAll(store))).p50Ms, 'ms');
  row(
    'first 500 of 2,000, with count',
    (await measure(1, 500, () => store.range({ prefix: '/registry/core/pods/', limit: 500 }))).p50Ms,
    'ms',
  );
  await watchFanOut(store, value, row);

  startedMs = performance.now();
  await store.compact(store.revision());
  row('compaction of what the background left', performance.now() - startedMs, 'ms');
  startedMs = performance.now();
  await store.snapshot(join(directory, 'copy.db'));
  row('snapshot', performance.now() - startedMs, 'ms');
  await store.close();
  row('file', (await stat(path)).size / 1024 / 1024, 'MiB');

  startedMs = performance.now();
  store = await openSqliteStore({ path, cacheBytes: 1 });
  row('open, 2,000 objects', performance.now() - startedMs, 'ms');
  row(
    'point reads, from SQLite',
    (await measure(1, 500, index => store.get(keyOf((index * 31) % OBJECTS)))).perSecond,
    '/s',
  );
  row('list of 2,000, from SQLite', (await measure(1, 500, () => listAll(store))).p50Ms, 'ms');
  await store.close();
  return rows;
}

/** What this process has sent towards the disk so far (proc(5), `io`), checkpoints included. */
async function writtenBytes(): Promise<number> {
  return Number(/^write_bytes: (\d+)/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1] ?? 0);
}

const listAll = (store: SqliteStore) => store.range({ prefix: '/registry/core/pods/' });

async function watchFanOut(
  store: SqliteStore,
  value: Buffer,
  row: (name: string, value: number, unit: string) => void,
): Promise<void> {
  const watchers = 500;
  let delivered = 0;
  let lastMs = 0;
  const stops = Array.from({ length: watchers }, () =>
    store.watch(
      { prefix: '/registry/core/pods/', afterRevision: store.revision() },
      {
        onEvents: events => {
          delivered += events.length;
          lastMs = performance.now();
        },
        onEnd: () => {},
      },
    ),
  );
  const startedMs = performance.now();
  const { perSecond } = await measure(64, RUN_MS, async index => {
    await store.commit({ key: keyOf(index % OBJECTS), value });
  });
  row(`durable commits, 64 writers and ${watchers} watches`, perSecond, '/s');
  row(`watch deliveries, ${watchers} watches`, delivered / ((lastMs - startedMs) / 1000), '/s');
  for (const stop of stops) stop();
}

/** `parallel` loops of `operation` for `runMs`. */
async function measure(
  parallel: number,
  runMs: number,
  operation: (index: number) => Promise<unknown>,
): Promise<{ perSecond: number; p50Ms: number; p99Ms: number }> {
  const tookMs: number[] = [];
  let index = 0;
  const startedMs = performance.now();
  const loop = async (): Promise<void> => {
    for (let now = startedMs; now - startedMs < runMs; ) {
      await operation(index++);
      const doneMs = performance.now();
      tookMs.push(doneMs - now);
      now = doneMs;
    }
  };
  await Promise.all(Array.from({ length: parallel }, loop));
  const perSecond = tookMs.length / ((performance.now() - startedMs) / 1000);
  tookMs.sort((a, b) => a - b);
  const at = (part: number): number => tookMs[Math.floor(tookMs.length * part)] ?? 0;
  return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const directory = await mkdtemp(join(positionals[0] ?? tmpdir(), 'atoll-store-'));
  try {
    const rows = await benchStore(directory);
    if (values.json) console.log(JSON.stringify(rows, null, 2));
    else
      for (const { name, value, unit } of rows)
        console.log(`${name.padEnd(60)} ${value.toFixed(2).padStart(12)} ${unit}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
