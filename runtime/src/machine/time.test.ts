import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { keepLastSeen, onClockJump, type TimePaths, timeReport } from './time.ts';

describe('time', () => {
  let folder: string;
  let paths: TimePaths;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-time-'));
    paths = {
      imageEpoch: join(folder, 'epoch'),
      lastSeen: join(folder, 'clock'),
      synchronized: join(folder, 'synchronized'),
      setFromOutside: join(folder, 'clock-set'),
    };
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('does not start behind the later of the build date and the last time seen', async () => {
    assert.equal(timeReport(paths).floor, undefined);
    for (const [path, date] of [
      [paths.imageEpoch, '2026-10-01T00:00:00Z'],
      [paths.lastSeen, '2027-01-02T03:04:05Z'],
    ] as const) {
      await writeFile(path, '');
      await utimes(path, new Date(date), new Date(date));
    }
    assert.deepEqual(timeReport(paths, { now: () => 0, after: () => () => undefined }), {
      now: '1970-01-01T00:00:00.000Z',
      synchronized: false,
      floor: '2027-01-02T03:04:05.000Z',
    });
  });

  /** A clock that is set by hand, and time that passes. */
  const world = (): { clock: Clock; monotonic: () => number; set(by: number): void; pass(ms: number): void } => {
    let passed = 0;
    let set = 0;
    const timers = new Set<{ at: number; run: () => void }>();
    return {
      clock: {
        now: () => Date.parse('2026-11-01T00:00:00Z') + set + passed,
        after: (delayMs, run) => {
          const timer = { at: passed + delayMs, run };
          timers.add(timer);
          return () => timers.delete(timer);
        },
      },
      monotonic: () => passed,
      set: by => {
        set += by;
      },
      pass: ms => {
        passed += ms;
        for (const timer of [...timers]) {
          if (timer.at > passed) continue;
          timers.delete(timer);
          timer.run();
        }
      },
    };
  };
  const YEAR_MS = 365 * 86_400_000;

  it('that jumps is told within a minute, once, with how far; time that passes is no jump', () => {
    const { clock, monotonic, set, pass } = world();
    const told: number[] = [];
    const stop = new AbortController();
    onClockJump(by => told.push(by), stop.signal, { clock, monotonic, paths });
    for (let minutes = 0; minutes < 100; minutes++) pass(60_000);
    set(30_000); // NTP's ordinary work
    pass(60_000);
    assert.deepEqual(told, []);
    set(3 * YEAR_MS);
    pass(60_000);
    pass(60_000);
    assert.deepEqual(told, [3 * YEAR_MS + 30_000]);
    set(-YEAR_MS);
    pass(60_000);
    assert.deepEqual(told.slice(1), [-YEAR_MS]);
    stop.abort();
    set(YEAR_MS);
    pass(60_000);
    assert.equal(told.length, 2);
  });

  it('that was last seen is kept, now and then and at the end, never backwards', async () => {
    const { clock, set, pass } = world();
    const seen = (): number => statSync(paths.lastSeen).mtimeMs;
    const stop = new AbortController();
    keepLastSeen(stop.signal, { clock, paths });
    for (let minutes = 0; minutes < 20; minutes++) pass(60_000);
    // timesyncd has not made its file: it does not run here.
    assert.equal(timeReport(paths, clock).floor, undefined);
    await writeFile(paths.lastSeen, '');
    const start = clock.now();
    await utimes(paths.lastSeen, start / 1000, start / 1000);
    for (let minutes = 0; minutes < 61; minutes++) pass(60_000);
    assert.ok(clock.now() - seen() < 16 * 60_000 && seen() > start, new Date(seen()).toISOString());
    pass(5 * 60_000);
    stop.abort();
    assert.equal(Math.round(seen()), Math.round(clock.now()));
    const kept = seen();
    set(-YEAR_MS);
    const again = new AbortController();
    keepLastSeen(again.signal, { clock, paths });
    for (let minutes = 0; minutes < 61; minutes++) pass(60_000);
    again.abort();
    assert.equal(seen(), kept);
  });

  it('that a server has set is told at once', async () => {
    const { clock, monotonic, set } = world();
    const stop = new AbortController();
    const told = new Promise<number>(resolve => onClockJump(resolve, stop.signal, { clock, monotonic, paths }));
    set(2 * YEAR_MS);
    await writeFile(paths.synchronized, '');
    const limit = new AbortController();
    const byMs = await Promise.race([told, setTimeout(10_000, 'never', { signal: limit.signal })]);
    limit.abort();
    assert.equal(byMs, 2 * YEAR_MS);
    assert.equal(timeReport(paths).synchronized, true);
    stop.abort();
  });

  it('that the hypervisor has set is told at once, be it by seconds', async () => {
    const { clock, monotonic, set } = world();
    const stop = new AbortController();
    const told = new Promise<number>(resolve => onClockJump(resolve, stop.signal, { clock, monotonic, paths }));
    set(20_000);
    await writeFile(paths.setFromOutside, '');
    const limit = new AbortController();
    const byMs = await Promise.race([told, setTimeout(10_000, 'never', { signal: limit.signal })]);
    limit.abort();
    assert.equal(byMs, 20_000);
    stop.abort();
  });
});
