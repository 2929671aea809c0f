/** The server's store, opened as its options say: restored, repaired, decrypted, snapshotted. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthCheck } from '../apiserver/endpoints/health.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { release } from '../machine/release.ts';
import { finishRestore } from '../store/backup/restore.ts';
import { replaceSnapshots, scheduleSnapshots } from '../store/backup/schedule.ts';
import { Encryption } from '../store/encryption/encryption.ts';
import { keptInMemory } from '../store/kept.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Recovery } from '../store/sqlite/recover.ts';
import { type SpaceLevel, spaceText } from '../store/sqlite/space.ts';
import type { SqliteStore } from '../store/sqlite/store.ts';
import type { Values } from './command.ts';

/** Where things are under the server's directory. */
export const atRestPaths = (directory: string): Record<'database' | 'snapshots' | 'keys', string> => ({
  database: join(directory, 'db', 'state.db'),
  snapshots: join(directory, 'db', 'snapshots'),
  keys: join(directory, 'cred', 'encryption-config.json'),
});

/** What `atoll status` and `atoll secrets-encrypt` read of the running server, in `/run/atoll/store.json`. */
export interface StoreReport {
  readonly space: SpaceLevel;
  readonly usedBytes: number;
  readonly quotaBytes: number;
  readonly diskFull: boolean;
  /** Which ring of keys is in use. */
  readonly keyRing?: string;
  readonly snapshot?: { readonly path: string; readonly revision: number; readonly at: string };
  readonly recovery?: Recovery;
}

export interface AtRestOptions {
  readonly values: Values;
  /** `/var/lib/atoll/server` */
  readonly directory: string;
  readonly runDir: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onFailure: (error: Error) => void;
}

export interface AtRest {
  readonly store: SqliteStore;
  readonly check: HealthCheck;
  readonly metrics: () => string;
  close(): Promise<void>;
}

/** Brings a restore that was broken off to its end. First of all: it may replace keys and certificates. */
export async function settleRestore(directory: string, logger: Logger): Promise<void> {
  const before = await finishRestore(directory);
  if (before !== undefined) logger.warn({ before }, 'a restore has been completed; what was there before is kept');
}

/** @throws StoreCorruptError, StoreKeyError, KeyRingError… with what to do */
export async function openAtRest({
  values,
  directory,
  runDir,
  logger,
  clock,
  onFailure,
}: AtRestOptions): Promise<AtRest> {
  const paths = atRestPaths(directory);
  let report: Partial<StoreReport> = {};
  let store: SqliteStore | undefined;
  const tell = (change: Partial<StoreReport>): void => {
    report = { ...report, ...change };
    if (store === undefined) return;
    const { space, usedBytes, quotaBytes, diskFull } = store.stats();
    replace(runDir, { ...report, space, usedBytes, quotaBytes, diskFull });
  };
  const encryption = await Encryption.load({
    path: paths.keys,
    enabled: values.one('secrets-encryption') === 'true',
    resources: values.many('secrets-encryption-resources'),
    logger,
    now: () => new Date(clock.now()),
    onReencrypted: async () => {
      if (store === undefined) return;
      const opened = store;
      await replaceSnapshots({ snapshot: path => opened.snapshot(path), snapshots: paths.snapshots, clock, logger });
    },
    onUse: keyRing => tell({ keyRing }),
  });
  const opened = await openSqliteStore({
    path: paths.database,
    snapshots: paths.snapshots,
    atollVersion: release().version,
    quotaBytes: values.integer('store-quota', 1, 1024 * 1024) * 1024 * 1024,
    memory: keptInMemory,
    codec: encryption.codec,
    logger,
    clock,
    onFailure,
    onSpace: () => tell({}),
  });
  store = opened;
  const { recovery } = opened;
  tell(recovery === undefined ? {} : { recovery });
  let endSchedule = async (): Promise<void> => undefined;
  try {
    await encryption.start(opened);
    const hours = values.integer('snapshot-interval', 0, 24 * 365);
    const backups = values.optional('backup-dir');
    if (hours > 0) {
      endSchedule = scheduleSnapshots({
        snapshot: (path, keysOf) => opened.snapshot(path, keysOf),
        writes: () => opened.stats().groups,
        snapshots: paths.snapshots,
        ...(backups === undefined ? {} : { backups: { directory: backups, keysOf: directory } }),
        intervalMs: hours * 3_600_000,
        keep: values.integer('snapshot-retention', 1, 1_000),
        clock,
        logger,
        onSnapshot: snapshot => tell({ snapshot }),
      });
    }
  } catch (error) {
    await encryption.close();
    await opened.close();
    throw error;
  }
  return {
    store: opened,
    // Full is not unready: reads and deletions work, and deleting needs the API.
    check: {
      name: 'store-space',
      check: () => '',
      note: () => {
        const stats = opened.stats();
        return spaceText(stats.space, stats);
      },
    },
    metrics: () => metricsOf(opened),
    async close() {
      await endSchedule();
      await encryption.close();
      await opened.close();
    },
  };
}

/** `/run` is memory: nothing is synced. A machine without it has no report. */
function replace(runDir: string, report: StoreReport): void {
  const path = join(runDir, 'store.json');
  try {
    mkdirSync(runDir, { recursive: true, mode: 0o755 });
    writeFileSync(`${path}.new`, `${JSON.stringify(report)}\n`, { mode: 0o644 });
    renameSync(`${path}.new`, path);
  } catch {
    // Only for people to read.
  }
}

function metricsOf(store: SqliteStore): string {
  const stats = store.stats();
  const gauge = (name: string, help: string, value: number, labels = ''): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${labels} ${value}\n`;
  return [
    gauge(
      'apiserver_storage_size_bytes',
      'Size of the storage database file physically allocated in bytes.',
      stats.fileBytes,
      '{storage_cluster_id="sqlite-0"}',
    ),
    gauge('atoll_store_used_bytes', 'Bytes of the store in use, what the quota is about.', stats.usedBytes),
    gauge('atoll_store_quota_bytes', 'Bytes from which only deletions are taken.', stats.quotaBytes),
    gauge('atoll_store_log_bytes', 'Bytes of the write-ahead log not yet brought home.', stats.logBytes),
    gauge(
      'atoll_store_alarm',
      'How full the store is: 0 there is room, 1 near the quota, 2 full.',
      ['ok', 'low', 'full'].indexOf(stats.space),
    ),
    gauge('atoll_store_in_memory_entries', 'Leases and Events, which are kept in memory.', stats.keptEntries),
    gauge('atoll_store_in_memory_bytes', 'Bytes of what is kept in memory.', stats.keptBytes),
    gauge(
      'atoll_store_recovered',
      'Whether the store was damaged at the last start and has been restored.',
      store.recovery ? 1 : 0,
    ),
  ].join('');
}
