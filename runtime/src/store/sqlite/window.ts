/**
 * The newest events, in memory: watches start and go on from here without touching the disk.
 *
 * Invariant: holds exactly the events with floor < revision ≤ newest, in order and without gaps
 * (each commit makes one revision), so a revision's place is an offset.
 */
import type { StoreEvent } from '../store.ts';

/** What an event costs beside its bytes. */
const EVENT_OVERHEAD_BYTES = 200;

export interface WindowLimits {
  readonly revisions: number;
  readonly bytes: number;
}

export class EventWindow {
  readonly #limits: WindowLimits;
  #events: (StoreEvent | undefined)[] = [];
  /** Entries before this index have been evicted. */
  #head = 0;
  #bytes = 0;
  #newest: number;

  constructor(newest: number, limits: WindowLimits) {
    this.#newest = newest;
    this.#limits = limits;
  }

  get newest(): number {
    return this.#newest;
  }

  /** Every later revision up to the newest is in the window. */
  get floor(): number {
    return this.#newest - (this.#events.length - this.#head);
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(event: StoreEvent): void {
    this.#events.push(event);
    this.#newest = event.revision;
    this.#bytes += costOf(event);
    const { revisions, bytes } = this.#limits;
    while (this.#events.length - this.#head > revisions || this.#bytes > bytes) this.#evict();
    // Evicted places are given back in bulk.
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }

  #evict(): void {
    const event = this.#events[this.#head];
    if (event !== undefined) this.#bytes -= costOf(event);
    this.#events[this.#head] = undefined;
    this.#head++;
  }

  at(revision: number): StoreEvent | undefined {
    return this.#events[this.#head + revision - this.floor - 1];
  }

  /** Events after `revision` whose key begins with `prefix`; `revision` must not be before the floor. */
  after(revision: number, prefix: string): StoreEvent[] {
    const found: StoreEvent[] = [];
    for (let index = this.#head + revision - this.floor; index < this.#events.length; index++) {
      const event = this.#events[index];
      if (event?.key.startsWith(prefix)) found.push(event);
    }
    return found;
  }
}

/** `previous` is the value of an earlier event or comes with this one; counted once, here. */
const costOf = (event: StoreEvent): number => event.value.length + event.key.length + EVENT_OVERHEAD_BYTES;
