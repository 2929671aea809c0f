/** Opening a SQLite store: its options, their defaults, and what can go wrong. */
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type Logger, silentLogger } from '../../lib/log.ts';
import { StoreKeyError } from '../store.ts';
import { COMPACTION_DEFAULTS, type CompactionOptions, CompactionPolicy } from './compaction.ts';
import { storeError, threadError } from './errors.ts';
import { ThreadFailure, threadUrl, WriterLink } from './link.ts';
import { type MemoryRule, MemoryTables } from './memory.ts';
import { Reader, type ValueCodec } from './reader.ts';
import { recoveryText } from './recoveryText.ts';
import type { SpaceLevel } from './space.ts';
import { SqliteStore } from './store.ts';

export interface SqliteStoreOptions {
  /** The database file; `-wal` and `-shm` stand beside it. Made, with its directory (mode 700), if there is none. */
  readonly path: string;
  /** Only this for now: every commit is on the disk before it is acknowledged. */
  readonly synchronous?: 'FULL';
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** How many events are kept in memory for watches, at most. Default 4,096. */
  readonly windowRevisions?: number;
  /** Bytes of keys and values of these, at most. Default 4 MiB. */
  readonly windowBytes?: number;
  /** Bytes of values kept in memory for reads. Default 12 MiB: half of it must hold what is listed again and again. */
  readonly cacheBytes?: number;
  /** Size of the data, without free pages and log, from which creations are refused (updates: a tenth later). Default 512 MiB. */
  readonly quotaBytes?: number;
  /** Space set aside in `<path>-reserve` so that deletions work on a full disk. Default 8 MiB; 0: none. */
  readonly reserveBytes?: number;
  /** What is kept in memory instead of in the file; default: nothing. */
  readonly memory?: readonly MemoryRule[];
  /** How values are in the file; default: as they are given. */
  readonly codec?: ValueCodec & CheckedValues;
  /** Milliseconds since some moment, for what expires. Default: `performance.now()`, which nobody sets. */
  readonly elapsedMs?: () => number;
  /** Where snapshots are that a damaged file is replaced from, and those of a schedule go. Default: none. */
  readonly snapshots?: string;
  /** Of this process, for the headers of snapshots. */
  readonly atollVersion?: string;
  /** Automatic compaction; `false`: only by {@link SqliteStore.compact}. Defaults in `compaction.ts`. */
  readonly compaction?: Partial<CompactionOptions> | false;
  /** Called once when the disk has failed and the store takes no more writes: the server should end and be started again. */
  readonly onFailure?: (error: Error) => void;
  /** Told when the store gets full, and when it has room again. */
  readonly onSpace?: (level: SpaceLevel) => void;
  /** Path of better_sqlite3.node, in a bundle. */
  readonly nativeBinding?: string;
  /** The code of the store's threads; default: beside this module, see `link.ts`. */
  readonly threadUrl?: URL;
}

/** What the codec wants looked at before anything is served. */
export interface CheckedValues {
  /** The keys there are. */
  readonly keyNames: readonly string[];
  /** Where values are that must be readable. */
  readonly prefixes: readonly string[];
  /** Whatever of a stored value says how it is read; undefined: nothing to check. */
  kindOf(stored: Buffer): string | undefined;
}

const MIB = 1024 * 1024;

/**
 * Opens the store, making it if it is not there; replays the log after a crash and checks the file.
 * A damaged file is replaced by the last good snapshot (`recover.ts`): see {@link SqliteStore.recovery}.
 * @throws StoreCorruptError when the file is damaged and there is no snapshot, StoreKeyError, StoreFailedError, StoreFullError,
 * RangeError for options
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, logger = silentLogger, clock = systemClock, nativeBinding } = options;
  const quotaBytes = positive('quotaBytes', options.quotaBytes ?? 512 * MIB);
  const reserveBytes = options.reserveBytes ?? 8 * MIB;
  const limits = {
    revisions: positive('windowRevisions', options.windowRevisions ?? 4_096),
    bytes: positive('windowBytes', options.windowBytes ?? 4 * MIB),
  };
  const compaction = options.compaction === false ? undefined : { ...COMPACTION_DEFAULTS, ...options.compaction };
  const policy = compaction && new CompactionPolicy(compaction, 0, clock.now());
  const binding = nativeBinding === undefined ? {} : { nativeBinding };
  const url = options.threadUrl ?? threadUrl();

  const startedMs = performance.now();
  let started: Awaited<ReturnType<typeof WriterLink.start>>;
  try {
    const snapshots = {
      ...(options.snapshots === undefined ? {} : { snapshots: options.snapshots }),
      ...(options.codec === undefined ? {} : { keyNames: options.codec.keyNames }),
    };
    started = await WriterLink.start({ role: 'writer', path, quotaBytes, reserveBytes, ...snapshots, ...binding }, url);
  } catch (error) {
    throw storeError(path, 'opening', error instanceof ThreadFailure ? error.error : threadError(error));
  }
  const { writer, reply } = started;
  let reader: Reader;
  try {
    reader = new Reader({ path, cacheBytes: options.cacheBytes ?? 12 * MIB, codec: options.codec, ...binding });
  } catch (error) {
    await writer.close();
    throw storeError(path, 'opening for reading', threadError(error));
  }
  const revision = Math.max(reply.state.revision, reply.state.reserved);
  policy?.note(revision, clock.now());
  const elapsedMs = options.elapsedMs ?? (() => performance.now());
  const memory = new MemoryTables(options.memory ?? [], revision);
  try {
    const { codec } = options;
    if (codec) reader.checkReadable(codec.prefixes, stored => codec.kindOf(stored));
    for (const { prefix, lasting } of memory.rules) {
      const all = lasting === undefined ? [] : reader.range(prefix, undefined, revision, Number.MAX_SAFE_INTEGER);
      memory.adopt(all, elapsedMs());
    }
  } catch (error) {
    reader.close();
    await writer.close();
    throw error instanceof StoreKeyError
      ? error
      : storeError(path, 'reading it for the first time', threadError(error));
  }
  const store = new SqliteStore({
    revision,
    recovery: reply.recovery,
    atollVersion: options.atollVersion ?? '',
    memory,
    codec: options.codec,
    elapsedMs,
    path,
    quotaBytes,
    writer,
    reader,
    file: reply.state,
    limits,
    policy,
    clock,
    logger,
    nativeBinding,
    threadUrl: url,
    onFailure: options.onFailure,
    onSpace: options.onSpace,
  });
  const { recovery } = reply;
  if (recovery) logger[recovery.how === 'snapshot' ? 'error' : 'warn']({ path, ...recovery }, recoveryText(recovery));
  const tookMs = Math.round(performance.now() - startedMs);
  logger.info({ path, revision: store.revision(), compacted: store.compactedRevision(), tookMs }, 'store opened');
  return store;
}

function positive(name: string, value: number): number {
  if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`${name} must be more than 0, not ${value}`);
  return value;
}
