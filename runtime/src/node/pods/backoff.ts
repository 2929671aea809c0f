/**
 * Restart back-off as upstream's (client-go `flowcontrol.Backoff`, kubelet `doBackOff`): the first restart is at once, then
 * 10 s after the exit, 20 s, 40 s … 5 min; forgotten when a container has run for 10 minutes past its last restart.
 */
export interface BackoffEntry {
  readonly delayMs: number;
  /** When the last restart was granted. */
  readonly lastUpdate: number;
}

export const INITIAL_BACKOFF_MS = 10_000;
export const MAX_BACKOFF_MS = 300_000;

function expired(entry: BackoffEntry, exitedAt: number): boolean {
  return exitedAt - entry.lastUpdate > 2 * MAX_BACKOFF_MS;
}

/**
 * When a container that exited at `exitedAt` may start again; `undefined`: at once. Also at once when the exit lies in the future:
 * the clock was set back since, and its word is not worth waiting for.
 */
export function backoffUntil(entry: BackoffEntry | undefined, exitedAt: number, now: number): number | undefined {
  if (!entry || expired(entry, exitedAt) || exitedAt > now + entry.delayMs) return undefined;
  const until = exitedAt + entry.delayMs;
  return now < until ? until : undefined;
}

/** The entry after a restart at `now` of a container that exited at `exitedAt`. */
export function nextBackoff(entry: BackoffEntry | undefined, exitedAt: number, now: number): BackoffEntry {
  if (!entry || expired(entry, exitedAt)) return { delayMs: INITIAL_BACKOFF_MS, lastUpdate: now };
  return { delayMs: Math.min(entry.delayMs * 2, MAX_BACKOFF_MS), lastUpdate: now };
}

/** Doubling from `firstMs` to `maxMs`, for attempts to make a thing (sandbox, volume, image). */
export function nextRetryDelay(previousMs: number | undefined, firstMs: number, maxMs: number): number {
  return previousMs === undefined ? firstMs : Math.min(previousMs * 2, maxMs);
}

/** `5m0s`, `10s`: as Go prints a duration of whole seconds. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
