/**
 * Which events are written, and as what: pure bookkeeping, time comes in.
 * The numbers are upstream's (client-go tools/record/events_cache): aggregate after 10 similar in 600 s, burst 25, refill one in 300 s.
 */
import type { ObjectReference } from '../api/generated/types/core.v1.ts';

export interface Occurrence {
  readonly involvedObject: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** What is known of an event written before. */
export interface EventMemory {
  count: number;
  written: { readonly namespace: string | undefined; readonly name: string } | undefined;
}

export interface Decision {
  readonly message: string;
  /** Shared by all occurrences that are one event. */
  readonly memory: EventMemory;
}

const MAX_REMEMBERED = 512;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_MS = 600_000;
const BURST = 25;
const REFILL_MS = 300_000;

export class EventCorrelator {
  readonly #events = new Recent<EventMemory>();
  readonly #similar = new Recent<{ readonly messages: Set<string>; lastMs: number }>();
  readonly #tokens = new Recent<{ left: number; atMs: number }>();

  /** `undefined`: too many about this object, drop it. */
  decide(event: Occurrence, nowMs: number): Decision | undefined {
    const { kind, namespace, name, uid, apiVersion, fieldPath } = event.involvedObject;
    const object = JSON.stringify([apiVersion, kind, namespace, name, uid]);
    const group = JSON.stringify([object, event.type, event.reason]);

    const similar = this.#similar.get(group, () => ({ messages: new Set<string>(), lastMs: nowMs }));
    if (nowMs - similar.lastMs > SIMILAR_WINDOW_MS) similar.messages.clear();
    similar.lastMs = nowMs;
    if (similar.messages.size < SIMILAR_MAX) similar.messages.add(event.message);
    const combined = similar.messages.size >= SIMILAR_MAX;

    const bucket = this.#tokens.get(object, () => ({ left: BURST, atMs: nowMs }));
    const refilled = Math.floor((nowMs - bucket.atMs) / REFILL_MS);
    bucket.left = Math.min(BURST, bucket.left + refilled);
    bucket.atMs = bucket.left === BURST ? nowMs : bucket.atMs + refilled * REFILL_MS;
    if (bucket.left === 0) return undefined;
    bucket.left -= 1;

    const identity = combined ? group : JSON.stringify([group, fieldPath, event.message]);
    return {
      message: combined ? `(combined from similar events): ${event.message}` : event.message,
      memory: this.#events.get(identity, () => ({ count: 0, written: undefined })),
    };
  }
}

/** The entries used last. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  get(key: string, make: () => V): V {
    const value = this.#entries.get(key) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > MAX_REMEMBERED) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    return value;
  }
}
