/**
 * All open watches of the server: their bookmarks, their end, and the bytes they share.
 *
 * Invariants:
 * - an event is serialized (and parsed, for selectors) once, however many watch it: the store hands the same event to all of
 *   them in one go, so the forms of the events of one turn of the event loop are kept until that turn is over;
 * - one timer serves all bookmarks, and there is none while nobody wants bookmarks.
 */
import type { KubeObject } from '../../api/object.ts';
import type { Clock } from '../../lib/clock.ts';
import type { StoreEvent } from '../../store/store.ts';
import { deserialize, splicedEvent } from '../serialized.ts';

const BOOKMARK_INTERVAL_MS = 60_000;

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface OpenWatch {
  /** Under what it is counted. */
  readonly counted: WatchCount;
  readonly wantsBookmarks: boolean;
  bookmark(): void;
  /** The server is closing. */
  end(): void;
}

/** The watches of one resource and reach, for the metrics. */
export interface WatchCount {
  /** Prometheus labels. */
  readonly longRunningLabels: string;
  readonly eventLabels: string;
  open: number;
  /** Events sent, to all of them together. */
  events: number;
}

/** The forms of one event that several watches can share. */
export class EventForms {
  readonly #event: StoreEvent;
  readonly #lines = new Map<EventType, Buffer>();
  #object: KubeObject | undefined;
  #previous: KubeObject | undefined;

  constructor(event: StoreEvent) {
    this.#event = event;
  }

  /** The JSON line, for what is sent as it is stored. */
  line(type: EventType): Buffer {
    let line = this.#lines.get(type);
    if (!line) {
      line = splicedEvent(type, this.#event.value, this.#event.revision);
      this.#lines.set(type, line);
    }
    return line;
  }

  /** After the event; of a deletion, as it was last. Shared: nobody may change it. */
  object(): KubeObject {
    this.#object ??= deserialize(this.#event.value, this.#event.revision);
    return this.#object;
  }

  /** Before the event. */
  previous(): KubeObject | undefined {
    const { previous, revision } = this.#event;
    if (previous !== undefined) this.#previous ??= deserialize(previous, revision);
    return this.#previous;
  }
}

export class WatchHub {
  readonly #clock: Clock;
  readonly #open = new Set<OpenWatch>();
  readonly #forms = new Map<StoreEvent, EventForms>();
  readonly #counts = new Map<string, WatchCount>();
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The count of watches with these labels; few, since only served resources can be watched. */
  counted(longRunningLabels: string, eventLabels: string): WatchCount {
    let count = this.#counts.get(longRunningLabels);
    if (!count) {
      count = { longRunningLabels, eventLabels, open: 0, events: 0 };
      this.#counts.set(longRunningLabels, count);
    }
    return count;
  }

  /** What these labels speak of can be watched no more; the watches there are end. */
  forget(eventLabels: string): void {
    for (const [key, count] of this.#counts) if (count.eventLabels === eventLabels) this.#counts.delete(key);
  }

  /** `apiserver_longrunning_requests` by its labels. */
  *longRunning(): Generator<readonly [labels: string, open: number]> {
    for (const { longRunningLabels, open } of this.#counts.values()) yield [longRunningLabels, open];
  }

  /** `apiserver_watch_events_total` by its labels. */
  eventsSent(): ReadonlyMap<string, number> {
    const sent = new Map<string, number>();
    for (const { eventLabels, events } of this.#counts.values())
      sent.set(eventLabels, (sent.get(eventLabels) ?? 0) + events);
    return sent;
  }

  add(watch: OpenWatch): void {
    this.#open.add(watch);
    watch.counted.open++;
    if (watch.wantsBookmarks) this.#arm();
  }

  remove(watch: OpenWatch): void {
    if (this.#open.delete(watch)) watch.counted.open--;
    if (this.#open.size > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  forms(event: StoreEvent): EventForms {
    let forms = this.#forms.get(event);
    if (!forms) {
      if (this.#forms.size === 0) setImmediate(() => this.#forms.clear());
      forms = new EventForms(event);
      this.#forms.set(event, forms);
    }
    return forms;
  }

  close(): void {
    for (const watch of [...this.#open]) watch.end();
    this.#cancelTimer?.();
  }

  #arm(): void {
    this.#cancelTimer ??= this.#clock.after(BOOKMARK_INTERVAL_MS, () => {
      this.#cancelTimer = undefined;
      let wanted = false;
      for (const watch of this.#open) {
        if (!watch.wantsBookmarks) continue;
        wanted = true;
        watch.bookmark();
      }
      if (wanted) this.#arm();
    });
  }
}
