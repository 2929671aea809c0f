/**
 * Looks until the machine is as well as it was, or the time is over. Gently: at once when a daemon says something new, else every few
 * seconds. What is well must stay so for {@link STEADY_SECONDS}, without a unit that was started again: a server that crashes every ten seconds
 * answers in between. Where one was started again in this boot, for longer than systemd takes between two starts and a server that crashes late lives.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { Before, HealthReport } from '../upgrade/types.ts';
import { atDeadline, check, verdictOf } from './check.ts';
import type { Observation } from './observation.ts';

const STEADY_SECONDS = 15;
const STEADY_SECONDS_RESTARTED = 90; // and no more than a third of the time there is
const FIRST_MS = 2_000;
const LAST_MS = 5_000;
/** Of what is excused, where no deadline is given. */
const PATIENCE_SECONDS = 600;

export interface JudgeOptions {
  readonly version: string;
  readonly before: Before;
  /** From the start of the kernel; 0: there is none, nothing else could be started. */
  readonly deadlineSeconds: number;
  readonly observe: () => Promise<Observation>;
  readonly uptimeSeconds: () => number;
  readonly onReport: (report: HealthReport, now: Observation) => Promise<void> | void;
  /** A change in there is a reason to look: `/run/atoll/state`. */
  readonly watched: string;
  /** Between two looks at first; tests do not wait. */
  readonly pauseMs?: number;
  readonly signal: AbortSignal;
}

/** @returns the last report: `healthy` or `failed`; undefined when `signal` came first */
export async function judge(options: JudgeOptions): Promise<HealthReport | undefined> {
  const { deadlineSeconds, observe, uptimeSeconds, onReport, signal } = options;
  const limit = deadlineSeconds === 0 ? Number.POSITIVE_INFINITY : deadlineSeconds;
  const waker = new Waker(options.watched);
  let steadySince: number | undefined;
  let restarts = '';
  try {
    for (let waitMs = options.pauseMs ?? FIRST_MS; !signal.aborted; waitMs = Math.min(waitMs * 1.2, LAST_MS)) {
      const now = await observe();
      const uptime = uptimeSeconds();
      const checks = check(options.before, now);
      const wants = verdictOf(checks, uptime, Number.isFinite(limit) ? limit : Math.max(PATIENCE_SECONDS, uptime + 1));
      const started = now.units.wanted.map(({ name, restarts: count }) => `${name} ${count}`).join();
      if (wants !== 'healthy' || started !== restarts) steadySince = undefined;
      restarts = started;
      if (wants === 'healthy') steadySince ??= uptime;
      const wasRestarted = now.units.wanted.some(({ restarts: count }) => count > 0);
      const wanted = wasRestarted
        ? Math.max(STEADY_SECONDS, Math.min(STEADY_SECONDS_RESTARTED, limit / 3))
        : STEADY_SECONDS;
      const steady = steadySince !== undefined && uptime - steadySince >= wanted;
      const verdict = steady ? 'healthy' : uptime >= limit && wants !== 'healthy' ? 'failed' : 'waiting';
      const report: HealthReport = {
        at: now.at,
        version: options.version,
        uptimeSeconds: uptime,
        deadlineSeconds,
        verdict,
        checks: verdict === 'failed' ? atDeadline(checks) : checks,
      };
      await onReport(report, now);
      if (verdict !== 'waiting') return report;
      await waker.sleep(Math.min(waitMs, Math.max(200, (limit - uptime) * 1000)), signal);
    }
    return undefined;
  } finally {
    waker.close();
  }
}

/** A nap that ends when a file of the folder changes. */
class Waker {
  readonly #watcher: FSWatcher | undefined;
  #wake: () => void = () => undefined;

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, () => this.#wake());
      this.#watcher.on('error', () => undefined);
    } catch {
      // Nobody has said anything yet: it is looked often enough.
    }
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      // Not at once: several files change together.
      this.#wake = () => {
        this.#wake = () => undefined;
        setTimeout(done, 300);
      };
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  close(): void {
    this.#watcher?.close();
  }
}
