/**
 * A work queue for reconcilers, as client-go's.
 *
 * Invariants: a key is worked on by at most one worker at a time; a key added while it is worked on is worked on once
 * more afterwards; a key waits at most once (added ten times, it runs once); a failed key comes back after an
 * exponential back-off of its own, and any success ends that back-off. Nothing runs and no timer ticks while it is empty.
 */
import { type Clock, systemClock } from '../lib/clock.ts';
import type { QueueMetrics, WorkQueueMetrics } from './metrics.ts';

export interface WorkQueueOptions {
  readonly clock?: Clock | undefined;
  /** First back-off; doubles with every failure. Default 5 ms. */
  readonly baseDelayMs?: number | undefined;
  /** Default 60 s. */
  readonly maxDelayMs?: number | undefined;
  /** Where it tells how it does, and under which name. */
  readonly measured?: { readonly name: string; readonly metrics: WorkQueueMetrics } | undefined;
}

export interface WorkerOptions {
  /** Keys worked on at once. Default 2. */
  readonly concurrency?: number | undefined;
  /** Each failure, before its retry; `retries` counts from 1. */
  readonly onError: (error: unknown, key: string, retries: number) => void;
}

/** Work on one key. Throwing means: again, later. A number means: again after so many ms, without blame. */
export type Worker = (key: string, signal: AbortSignal) => Promise<number | undefined>;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #metrics: QueueMetrics | undefined;
  /** Since when, in ms of `performance.now()`; insertion order is the order of work. */
  readonly #waiting = new Map<string, number>();
  /** Since when. */
  readonly #working = new Map<string, number>();
  /** Added while worked on. */
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { readonly atMs: number; readonly cancel: () => void }>();
  #pump: () => void = () => {};
  #closed = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 60_000;
    const { measured } = options;
    this.#metrics = measured?.metrics.of(measured.name, { begun: () => this.#working.values() });
  }

  /** Keys waiting, delayed or worked on. */
  get size(): number {
    return this.#waiting.size + this.#working.size + this.#delayed.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#working.has(key)) this.#again.add(key);
    else if (!this.#waiting.has(key)) {
      this.#waiting.set(key, performance.now());
      this.#metrics?.added(this.#waiting.size);
      this.#pump();
    }
  }

  /** Adds the key after `delayMs`; of several such calls the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const atMs = this.#clock.now() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier && earlier.atMs <= atMs) return;
    earlier?.cancel();
    const cancel = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { atMs, cancel });
  }

  /** Adds the key after its own back-off, which grows with every call until {@link forget}. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics?.retried();
    this.addAfter(key, Math.min(this.#baseDelayMs * 2 ** Math.min(failures, 40), this.#maxDelayMs));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Works until `signal` aborts; resolves when the last worker has ended. */
  run(work: Worker, options: WorkerOptions, signal: AbortSignal): Promise<void> {
    const concurrency = options.concurrency ?? 2;
    return new Promise(resolve => {
      const one = async (key: string): Promise<void> => {
        // Never in the stack of who added the key: listeners add while their cache is half through a change.
        await Promise.resolve();
        try {
          const again = await work(key, signal);
          this.forget(key);
          if (again !== undefined) this.addAfter(key, again);
        } catch (error) {
          if (!signal.aborted) {
            this.addRateLimited(key);
            options.onError(error, key, this.#failures.get(key) ?? 0);
          }
        } finally {
          this.#metrics?.done(performance.now() - (this.#working.get(key) ?? 0));
          this.#working.delete(key);
          if (this.#again.delete(key)) this.add(key);
        }
      };
      this.#pump = () => {
        if (signal.aborted) {
          if (this.#working.size === 0) resolve();
          return;
        }
        for (const [key, sinceMs] of this.#waiting) {
          if (this.#working.size >= concurrency) return;
          this.#waiting.delete(key);
          const nowMs = performance.now();
          this.#working.set(key, nowMs);
          this.#metrics?.began(this.#waiting.size, nowMs - sinceMs);
          one(key).finally(() => this.#pump());
        }
      };
      const stop = (): void => {
        this.#closed = true;
        for (const { cancel } of this.#delayed.values()) cancel();
        this.#delayed.clear();
        this.#waiting.clear();
        this.#pump();
      };
      if (signal.aborted) stop();
      else {
        signal.addEventListener('abort', stop, { once: true });
        this.#pump();
      }
    });
  }
}
