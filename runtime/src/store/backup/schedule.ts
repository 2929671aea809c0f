/**
 * Snapshots of the store by itself, for its own repair (`sqlite/recover.ts`), and backups with the keys to another disk.
 *
 * Invariants: at most one is being made; none is made when nothing durable was written since the last; the newest `keep` stay. They
 * are made in a thread of low priority, and cost the card their compressed size.
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { makeDirectory } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import { backupName, listBackups, pruneBackups } from './files.ts';

/** The first one of a new store comes early: until then damage cannot be repaired. */
const FIRST_MS = 60_000;
/** After a failure. */
const RETRY_MS = 10 * 60_000;
/** A snapshot must not be what fills the disk: so many times its size must be free. */
const FREE_FACTOR = 3;
const FREE_BYTES = 16 * 1024 * 1024;

export interface ScheduleOptions {
  /** Makes one: the store's own `snapshot`. */
  readonly snapshot: (
    path: string,
    keysOf?: string,
  ) => Promise<{ readonly revision: number; readonly sizeBytes: number }>;
  /** Grows with every durable write. */
  readonly writes: () => number;
  /** Where snapshots go: `server/db/snapshots`. */
  readonly snapshots: string;
  /** Where backups with keys go, too, and the server's directory they are of. */
  readonly backups?: { readonly directory: string; readonly keysOf: string };
  readonly intervalMs: number;
  readonly keep: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onSnapshot?: (made: { readonly path: string; readonly revision: number; readonly at: string }) => void;
}

/**
 * A snapshot in place of all that were made on schedule before: those hold what was encrypted with keys that are to go, or was not.
 * @throws what prevents it; the old ones are still there then
 */
export async function replaceSnapshots(
  options: Pick<ScheduleOptions, 'snapshot' | 'snapshots' | 'clock' | 'logger'>,
): Promise<void> {
  if ((await listBackups(options.snapshots)).length === 0) return;
  await makeOne({ ...options, keep: 1 }, options.snapshots, undefined);
}

/** Starts the schedule. The function returned ends it and resolves when none is being made any more. */
export function scheduleSnapshots(options: ScheduleOptions): () => Promise<void> {
  const { clock, logger, intervalMs, snapshots } = options;
  let cancel = (): void => undefined;
  let making: Promise<void> = Promise.resolve();
  let ended = false;
  let writesThen = -1;
  const arm = (delayMs: number): void => {
    if (ended) return;
    cancel = clock.after(delayMs, () => {
      making = make().then(arm);
    });
  };
  /** @returns when to look again */
  const make = async (): Promise<number> => {
    const writes = options.writes();
    if (writes === writesThen) return intervalMs;
    try {
      await makeDirectory(snapshots, 0o700);
      await makeOne(options, snapshots, undefined);
      // What is mounted there may be away: then there are snapshots still.
      if (options.backups) await makeOne(options, options.backups.directory, options.backups.keysOf);
      writesThen = writes;
      return intervalMs;
    } catch (error) {
      logger.warn({ err: error }, 'no snapshot of the store could be made; trying again in 10 minutes');
      return RETRY_MS;
    }
  };
  making = listBackups(snapshots).then(
    ([newest]) => {
      const madeMs = Date.parse(newest?.header?.created ?? '');
      const ageMs = clock.now() - madeMs;
      arm(Number.isNaN(ageMs) || ageMs < 0 ? FIRST_MS : Math.max(FIRST_MS, intervalMs - ageMs));
    },
    () => arm(FIRST_MS),
  );
  return async () => {
    ended = true;
    cancel();
    await making;
  };
}

type Making = Pick<ScheduleOptions, 'snapshot' | 'clock' | 'logger' | 'keep' | 'onSnapshot'>;

async function makeOne(options: Making, directory: string, keysOf: string | undefined): Promise<void> {
  const { clock, logger, keep } = options;
  const content = keysOf === undefined ? 'snapshot' : 'backup';
  const [last] = await listBackups(directory);
  const { bavail, bsize } = await statfs(directory);
  const needed = Math.max(FREE_BYTES, FREE_FACTOR * (last?.sizeBytes ?? 0));
  if (bavail * bsize < needed) throw new Error(`${directory} has only ${bavail * bsize} bytes free, not ${needed}`);
  const now = new Date(clock.now());
  const path = join(directory, backupName(content, now));
  const { revision, sizeBytes } = await options.snapshot(path, keysOf);
  const removed = await pruneBackups(directory, content, keep);
  logger.info({ path, revision, sizeBytes, removed: removed.length }, `${content} made`);
  if (keysOf === undefined) options.onSnapshot?.({ path, revision, at: now.toISOString() });
}
