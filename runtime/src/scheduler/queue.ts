/**
 * Pods that wait for a node.
 *
 * Invariants: a pod waits in exactly one place: active (to be tried now, by priority and then by age), back-off (to be
 * tried when its time has come) or unschedulable (to be tried when something changes that its refusals depend on). Back-off
 * grows from 1 s to 10 s with every failed try and is forgotten with the pod. No timer runs while nothing waits.
 */
import type { Pod } from '../api/generated/types/core.v1.ts';
import { keyOf, keyText } from '../client/resources.ts';
import type { Clock } from '../lib/clock.ts';
import type { SchedulerMetrics } from './metrics.ts';

export interface QueuedPod {
  readonly pod: Pod;
  readonly attempts: number;
  /** When it first asked. */
  readonly sinceMs: number;
}

const FIRST_BACK_OFF_MS = 1000;
const LAST_BACK_OFF_MS = 10_000;
/** A net under the events: what an event should have moved and did not is tried again after this. */
const FLUSH_MS = 300_000;

export const priorityOf = (pod: Pod): number => pod.spec?.priority ?? 0;

interface Parked extends QueuedPod {
  readonly failedAtMs: number;
  readonly plugins: ReadonlySet<string>;
}

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #onReady: () => void;
  readonly #metrics: Pick<SchedulerMetrics, 'incoming'> | undefined;
  readonly #active = new Map<string, QueuedPod>();
  readonly #backOff = new Map<string, { readonly entry: QueuedPod; readonly cancel: () => void }>();
  readonly #parked = new Map<string, Parked>();
  #cancelFlush: (() => void) | undefined;

  /** @param onReady called whenever there is something to pop. */
  constructor(clock: Clock, onReady: () => void, metrics?: Pick<SchedulerMetrics, 'incoming'>) {
    this.#clock = clock;
    this.#onReady = onReady;
    this.#metrics = metrics;
  }

  /** Pods by where they wait. */
  get sizes(): { readonly active: number; readonly backoff: number; readonly unschedulable: number } {
    return { active: this.#active.size, backoff: this.#backOff.size, unschedulable: this.#parked.size };
  }

  get size(): number {
    return this.#active.size + this.#backOff.size + this.#parked.size;
  }

  /** A pod that asks for the first time, or has changed so that another try is worth while. */
  add(pod: Pod): void {
    const key = keyText(keyOf(pod));
    const known = this.#take(key);
    this.#metrics?.incoming('PodAdd', 'active');
    this.#activate(key, { pod, attempts: known?.attempts ?? 0, sinceMs: known?.sinceMs ?? this.#clock.now() });
  }

  /** A change that makes no difference to where the pod can go. */
  refresh(pod: Pod): void {
    const key = keyText(keyOf(pod));
    const active = this.#active.get(key);
    if (active) this.#active.set(key, { ...active, pod });
    const parked = this.#parked.get(key);
    if (parked) this.#parked.set(key, { ...parked, pod });
    const waiting = this.#backOff.get(key);
    if (waiting) this.#backOff.set(key, { ...waiting, entry: { ...waiting.entry, pod } });
  }

  delete(pod: Pod): void {
    this.#take(keyText(keyOf(pod)));
  }

  /** The pod to try next: highest priority, then longest waiting. */
  pop(): QueuedPod | undefined {
    let best: QueuedPod | undefined;
    for (const entry of this.#active.values()) {
      if (!best || before(entry, best)) best = entry;
    }
    if (best) this.#active.delete(keyText(keyOf(best.pod)));
    return best;
  }

  /** No node could take it. Until one of `plugins` may say otherwise, there is no use in trying. */
  park(entry: QueuedPod, plugins: ReadonlySet<string>): void {
    const parked = { ...entry, attempts: entry.attempts + 1, failedAtMs: this.#clock.now(), plugins };
    this.#parked.set(keyText(keyOf(entry.pod)), parked);
    this.#metrics?.incoming('ScheduleAttemptFailure', 'unschedulable');
    this.#cancelFlush ??= this.#clock.after(FLUSH_MS, () => {
      this.#cancelFlush = undefined;
      this.moved(undefined);
    });
  }

  /** Something failed that may work the next time. */
  retry(entry: QueuedPod): void {
    this.#metrics?.incoming('ScheduleAttemptFailure', 'backoff');
    this.#wait({ ...entry, attempts: entry.attempts + 1 }, this.#clock.now());
  }

  /** Something changed that these plugins look at; `undefined`: anything. */
  moved(plugins: readonly string[] | undefined): void {
    for (const [key, entry] of this.#parked) {
      if (plugins && !plugins.some(plugin => entry.plugins.has(plugin))) continue;
      this.#parked.delete(key);
      this.#wait(entry, entry.failedAtMs);
    }
    if (this.#parked.size === 0) {
      this.#cancelFlush?.();
      this.#cancelFlush = undefined;
    }
  }

  close(): void {
    for (const { cancel } of this.#backOff.values()) cancel();
    this.#cancelFlush?.();
    this.#backOff.clear();
    this.#active.clear();
    this.#parked.clear();
  }

  #wait(entry: QueuedPod, failedAtMs: number): void {
    const key = keyText(keyOf(entry.pod));
    const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** Math.max(0, entry.attempts - 1), LAST_BACK_OFF_MS);
    const leftMs = failedAtMs + backOffMs - this.#clock.now();
    this.#take(key);
    if (leftMs <= 0) {
      this.#activate(key, entry);
      return;
    }
    const cancel = this.#clock.after(leftMs, () => {
      const waiting = this.#backOff.get(key);
      this.#backOff.delete(key);
      if (!waiting) return;
      this.#metrics?.incoming('BackoffComplete', 'active');
      this.#activate(key, waiting.entry);
    });
    this.#backOff.set(key, { entry, cancel });
  }

  #activate(key: string, { pod, attempts, sinceMs }: QueuedPod): void {
    this.#active.set(key, { pod, attempts, sinceMs });
    this.#onReady();
  }

  /** Removes the pod from wherever it waits. */
  #take(key: string): QueuedPod | undefined {
    const waiting = this.#backOff.get(key);
    waiting?.cancel();
    const entry = this.#active.get(key) ?? waiting?.entry ?? this.#parked.get(key);
    this.#active.delete(key);
    this.#backOff.delete(key);
    this.#parked.delete(key);
    return entry;
  }
}

function before(a: QueuedPod, b: QueuedPod): boolean {
  const difference = priorityOf(a.pod) - priorityOf(b.pod);
  return difference !== 0 ? difference > 0 : a.sinceMs < b.sinceMs;
}
