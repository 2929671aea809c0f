/** Lists, long ones in slices, so that a list of 50,000 objects does not hold up everybody else for its whole length. */
import { Pace } from '../../lib/turns.ts';
import type { KeyValue, RangeOptions, RangeResult } from '../store.ts';
import { release } from './bulk.ts';
import type { Passing, Reader } from './reader.ts';

/** Keys read between looks at the clock: a millisecond, when none of their values is in memory. */
const SLICE_KEYS = 128;
/** The first keys of a piece: few, as nothing is known of the size of their values. */
const FIRST_KEYS = 16;
/** The most that are read in one go of a list that is passed on: about two milliseconds. */
const MOST_KEYS = 256;
/** Keys counted in one go: about as long. */
const SLICE_COUNTED = 1_024;
/** How many "so many remain after this key" are remembered for the next page of a list. */
const REMEMBERED = 64;

/** The reader as the store guards it: throws the store's errors, also StoreClosedError. */
export type Read = <T>(read: (reader: Reader) => T) => T;

export class Lists {
  readonly #read: Read;
  readonly #held = new Set<{ readonly revision: number }>();
  readonly #remaining = new Map<string, number>();

  constructor(read: Read) {
    this.#read = read;
  }

  /** The oldest revision a list in progress reads at; Infinity: none. */
  get heldRevision(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { revision } of this.#held) oldest = Math.min(oldest, revision);
    return oldest;
  }

  /** As of `revision`, which is held from compaction until the list is done. */
  async range(options: RangeOptions, revision: number): Promise<RangeResult> {
    const { prefix, after, limit = 0, uncounted = false, pieceBytes, readBytes = 0 } = options;
    const hold = { revision };
    this.#held.add(hold);
    try {
      const items: KeyValue[] = [];
      const passed: ArrayBuffer[] = [];
      const letGo = pieceBytes === undefined ? {} : { letGo: () => release(passed.splice(0)) };
      let bytes = 0;
      const pace = new Pace();
      for (;;) {
        const most = pieceBytes === undefined ? SLICE_KEYS : keysFor(pieceBytes - bytes, bytes, items.length);
        const wanted = limit > 0 ? Math.min(most, limit - items.length) : most;
        const from = items.at(-1)?.key ?? after;
        const { entries: found, memory }: Passing = this.#read(reader =>
          pieceBytes === undefined || readBytes + bytes <= reader.cache.listBytes
            ? { entries: reader.range(prefix, from, revision, wanted) }
            : reader.passing(prefix, from, revision, wanted),
        );
        if (memory) passed.push(memory);
        for (const item of found) {
          items.push(item);
          bytes += item.value.length;
        }
        const last = found.at(-1)?.key;
        if (last === undefined || found.length < wanted)
          return { revision, items, more: false, remaining: 0, ...letGo };
        if (pieceBytes !== undefined && bytes >= pieceBytes)
          return { revision, items, more: true, remaining: 0, ...letGo };
        if (items.length === limit) {
          if (uncounted) return { revision, items, more: true, remaining: 0 };
          const remaining = await this.#countAfter(prefix, after, last, revision, items.length);
          return { revision, items, more: remaining > 0, remaining };
        }
        if (pace.due) await pace.turn();
      }
    } finally {
      this.#held.delete(hold);
    }
  }

  /** What is read at `revision` stays readable until the function returned is called. */
  hold(revision: number): () => void {
    const hold = { revision };
    this.#held.add(hold);
    return () => void this.#held.delete(hold);
  }

  holds(revision: number): boolean {
    for (const held of this.#held) if (held.revision === revision) return true;
    return false;
  }

  /** How many keys begin with the prefix. */
  async countAll(prefix: string, revision: number): Promise<number> {
    const hold = { revision };
    this.#held.add(hold);
    try {
      return await this.#count(prefix, undefined, revision);
    } finally {
      this.#held.delete(hold);
    }
  }

  /** How many keys follow `after`, as of `revision`, which must be held. */
  async #count(prefix: string, after: string | undefined, revision: number): Promise<number> {
    let count = 0;
    const pace = new Pace();
    for (let from = after; ; ) {
      const { live, last } = this.#read(reader => reader.countSlice(prefix, from, revision, SLICE_COUNTED));
      count += live;
      if (last === undefined) return count;
      from = last;
      if (pace.due) await pace.turn();
    }
  }

  /** How many keys follow `last`. Of a list read page by page only the first page is counted, the others subtract. */
  async #countAfter(
    prefix: string,
    after: string | undefined,
    last: string,
    revision: number,
    read: number,
  ): Promise<number> {
    const name = (key: string): string => `${revision}\0${prefix}\0${key}`;
    const before = after === undefined ? undefined : this.#remaining.get(name(after));
    const remaining = before === undefined ? await this.#count(prefix, last, revision) : before - read;
    this.#remaining.set(name(last), remaining);
    for (const oldest of this.#remaining.keys()) {
      if (this.#remaining.size <= REMEMBERED) break;
      this.#remaining.delete(oldest);
    }
    return remaining;
  }
}

/** How many keys more will about fill what is left of a piece, going by those that were read. */
function keysFor(leftBytes: number, bytes: number, keys: number): number {
  if (keys === 0) return FIRST_KEYS;
  return Math.max(1, Math.min(MOST_KEYS, Math.ceil((leftBytes * keys) / Math.max(bytes, 1))));
}
