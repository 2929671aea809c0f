/**
 * What this machine knows of the time, and word of its jumps.
 *
 * Many boards have no clock that runs while they are off. systemd starts none behind the newest of two files: `/usr/lib/clock-epoch`, which
 * has the image's build date, and timesyncd's, which is touched while the machine runs (systemd-timesyncd.service(8)). So time never
 * runs backwards from boot to boot; when NTP answers, it may jump forward by years.
 */
import { type FSWatcher, statSync, utimesSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Clock, systemClock } from '../lib/clock.ts';

export interface TimePaths {
  readonly imageEpoch: string;
  readonly lastSeen: string;
  /** Touched by timesyncd whenever it has set the clock by a server. */
  readonly synchronized: string;
  /** Written when the hypervisor has set the clock of a machine that slept (rootfs: atoll-clock-port.service). */
  readonly setFromOutside: string;
}

export const timePaths: TimePaths = {
  imageEpoch: '/usr/lib/clock-epoch',
  lastSeen: '/var/lib/systemd/timesync/clock',
  synchronized: '/run/systemd/timesync/synchronized',
  setFromOutside: '/run/atoll/clock-set',
};

export interface TimeReport {
  /** ISO 8601. */
  readonly now: string;
  /** By a time server, in this boot. */
  readonly synchronized: boolean;
  /** When it last was, ISO 8601. */
  readonly lastSync?: string;
  /** The clock does not start behind this, ISO 8601; absent outside of an image. */
  readonly floor?: string;
}

const changedAt = (path: string): number | undefined => {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
};

export function timeReport(paths: TimePaths = timePaths, clock: Clock = systemClock): TimeReport {
  const text = (ms: number): string => new Date(ms).toISOString();
  const lastSync = changedAt(paths.synchronized);
  const floors = [changedAt(paths.imageEpoch), changedAt(paths.lastSeen)].filter(ms => ms !== undefined);
  return {
    now: text(clock.now()),
    synchronized: lastSync !== undefined,
    ...(lastSync === undefined ? {} : { lastSync: text(lastSync) }),
    ...(floors.length > 0 ? { floor: text(Math.max(...floors)) } : {}),
  };
}

const SEEN_MS = 15 * 60_000;

/**
 * Keeps the last time seen on the disk, by timesyncd's own file: timesyncd does so only once a server has answered, and a machine that never
 * reaches one must not live through the same days again at every boot. A write of one inode every quarter of an hour, and one at
 * the end; none where timesyncd does it. Ends with `signal`.
 */
export function keepLastSeen(
  signal: AbortSignal,
  { clock = systemClock, paths = timePaths }: Pick<JumpOptions, 'clock' | 'paths'> = {},
): void {
  let cancel = (): void => undefined;
  const keep = (olderThanMs: number): void => {
    const seen = changedAt(paths.lastSeen);
    const now = clock.now();
    if (seen === undefined || now - seen < olderThanMs) return;
    try {
      utimesSync(paths.lastSeen, now / 1000, now / 1000);
    } catch {
      // A disk that takes nothing now: the next time.
    }
  };
  const arm = (): void => {
    cancel = clock.after(SEEN_MS, () => {
      keep(SEEN_MS / 2);
      arm();
    });
  };
  arm();
  const stop = (): void => {
    cancel();
    keep(1000);
  };
  signal.addEventListener('abort', stop, { once: true });
}

/** A clock that went wrong by less than this only drifted. */
const JUMP_MS = 60_000;
/** Somebody may set the clock by hand, of which nothing tells. */
const LOOK_MS = 60_000;

export interface JumpOptions {
  readonly clock?: Clock;
  /** Milliseconds that only go forward, whatever is done to the clock. */
  readonly monotonic?: () => number;
  readonly paths?: TimePaths;
}

/**
 * Calls back, with how far, after the clock has been set by more than a minute: at once when timesyncd did, within a minute otherwise.
 * The hypervisor's word is told whatever it is, as a machine has slept then.
 * What has a date (certificates, tokens) must be looked at then; timers do not notice. Ends with `signal`.
 */
export function onClockJump(
  callback: (byMs: number) => void,
  signal: AbortSignal,
  { clock = systemClock, monotonic = () => performance.now(), paths = timePaths }: JumpOptions = {},
): void {
  const offset = (): number => clock.now() - monotonic();
  let known = offset();
  const look = (leastMs = JUMP_MS): void => {
    const by = offset() - known;
    if (Math.abs(by) < leastMs) return;
    known += by;
    callback(by);
  };
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.after(LOOK_MS, () => {
      look();
      arm();
    });
  };
  arm();
  const watchers: FSWatcher[] = [];
  const follow = (path: string, leastMs: number): void => {
    try {
      const watcher = watch(dirname(path), (_, file) => {
        if (file === basename(path)) look(leastMs);
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // Who would write it does not run here: the look once a minute is what there is.
    }
  };
  follow(paths.synchronized, JUMP_MS);
  follow(paths.setFromOutside, 0);
  const stop = (): void => {
    cancel();
    for (const watcher of watchers) watcher.close();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
}
