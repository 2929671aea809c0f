import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { keepRenewed } from './renewal.ts';

/** Time that passes when the test says so. */
class TestClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; run: () => void }>();
  now(): number {
    return this.#now;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  get waiting(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now);
  }
  async pass(ms: number): Promise<void> {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.run();
    }
    await setImmediate();
  }
}

describe('the certificate of the node', () => {
  const world = () => {
    const clock = new TestClock();
    const stop = new AbortController();
    const told: string[] = [];
    const answers: (string | Error)[] = [];
    let looks = 0;
    const now = keepRenewed<string>({
      ensure: async () => {
        looks++;
        const answer = answers.shift() ?? 'kept';
        if (answer instanceof Error) throw answer;
        return answer;
      },
      onCurrent: current => told.push(current),
      onFailure: error => told.push(String(error)),
      clock,
      signal: stop.signal,
    });
    return { clock, stop, told, answers, now, looks: () => looks };
  };
  const HOUR_MS = 3_600_000;

  it('is looked at twice a day, and no more', async () => {
    const { clock, looks, stop } = world();
    for (let hours = 0; hours < 48; hours++) await clock.pass(HOUR_MS);
    assert.equal(looks(), 4);
    assert.equal(clock.waiting.length, 1);
    stop.abort();
    assert.equal(clock.waiting.length, 0);
  });

  it('that cannot be renewed is tried again soon, then more seldom, and said once', async () => {
    const { clock, told, answers, now, looks } = world();
    answers.push(...Array.from({ length: 20 }, () => new Error('certificate has expired')), 'new');
    now();
    await setImmediate();
    assert.deepEqual(clock.waiting, [2000]);
    await clock.pass(2000);
    assert.deepEqual(clock.waiting, [4000]);
    for (let hours = 0; hours < 24; hours++) await clock.pass(HOUR_MS);
    assert.deepEqual(told.slice(0, 2), ['Error: certificate has expired', 'new']);
    assert.ok(looks() >= 21);
  });

  it('is looked at once more when that is asked for while it is', async () => {
    const { clock, told, now, looks } = world();
    now();
    now();
    now();
    await setImmediate();
    await clock.pass(0);
    assert.equal(looks(), 2);
    assert.deepEqual(told, ['kept', 'kept']);
  });
});
