/**
 * What is kept in memory and not written to the card: Events, and the renewals of Leases (`kept.ts` names the keys).
 *
 * Invariants:
 * - a key is here exactly when a rule covers it: reads of it never come from the file;
 * - writes take their revisions from the same sequence as all others (`writes.ts`), so lists, watches and compare-and-swap know
 *   no difference; only the past is shorter: it reaches back to `floor`, which is the event window's, never before this start;
 * - what a rule calls lasting is in the file too, as of the last write that had to last; a start begins from there. Everything
 *   found then has the revision of the start, so no object's resourceVersion ever goes back.
 */
import type { KeyValue } from '../store.ts';

export interface MemoryRule {
  /** Every key that begins with this. */
  readonly prefix: string;
  /** A key is deleted so long after its last write; unset: never. */
  readonly ttlMs?: number;
  /** More keys than this push out those not written longest. Unset: no bound. */
  readonly maxEntries?: number;
  /** The same for bytes of keys and values. */
  readonly maxBytes?: number;
  /**
   * Whether this write has to survive a restart, too; unset: none has. `before` undefined: a creation; `after` null: a deletion.
   * A deletion must last where the creation did.
   */
  readonly lasting?: (before: Buffer | undefined, after: Buffer | null) => boolean;
}

/** What an entry costs beside its bytes: object, Buffer, Map slot. */
const ENTRY_OVERHEAD_BYTES = 250;

interface Table {
  readonly rule: MemoryRule;
  /** In the order of the last writes, oldest first. */
  readonly entries: Map<string, { readonly entry: KeyValue; readonly writtenMs: number }>;
  bytes: number;
}

interface Undo {
  readonly revision: number;
  readonly key: string;
  readonly before: KeyValue | undefined;
}

const costOf = ({ key, value }: KeyValue): number => key.length + value.length + ENTRY_OVERHEAD_BYTES;

export class MemoryTables {
  readonly #tables: readonly Table[];
  readonly #startRevision: number;
  #undo: Undo[] = [];
  #undoHead = 0;

  /** @param startRevision the store's when it was opened: what happened before is not known here. */
  constructor(rules: readonly MemoryRule[], startRevision: number) {
    this.#tables = rules.map(rule => ({ rule, entries: new Map(), bytes: 0 }));
    this.#startRevision = startRevision;
  }

  get rules(): readonly MemoryRule[] {
    return this.#tables.map(({ rule }) => rule);
  }

  get stats(): { readonly entries: number; readonly bytes: number } {
    let [entries, bytes] = [0, 0];
    for (const table of this.#tables) {
      entries += table.entries.size;
      bytes += table.bytes;
    }
    return { entries, bytes };
  }

  ruleOf(key: string): MemoryRule | undefined {
    return this.#tableOf(key)?.rule;
  }

  /** Whether keys with this prefix are all here, partly, or not at all. */
  covers(prefix: string): 'all' | 'some' | 'none' {
    if (this.#tableOf(prefix)) return 'all';
    return this.#tables.some(({ rule }) => rule.prefix.startsWith(prefix)) ? 'some' : 'none';
  }

  /** The oldest revision that can be read or watched from, given the event window's. */
  floor(windowFloor: number): number {
    return Math.max(windowFloor, this.#startRevision);
  }

  get(key: string): KeyValue | undefined {
    return this.#tableOf(key)?.entries.get(key)?.entry;
  }

  /** As of a revision at or after the floor. */
  getAt(key: string, revision: number): KeyValue | undefined {
    for (const undo of this.#since(revision)) if (undo.key === key) return undo.before;
    return this.get(key);
  }

  /** All with the prefix, as of a revision at or after the floor, by key. */
  list(prefix: string, revision: number): KeyValue[] {
    const found = new Map<string, KeyValue | undefined>();
    for (const { key, before } of this.#since(revision)) {
      if (key.startsWith(prefix) && !found.has(key)) found.set(key, before);
    }
    for (const { rule, entries } of this.#tables) {
      if (!rule.prefix.startsWith(prefix) && !prefix.startsWith(rule.prefix)) continue;
      for (const [key, { entry }] of entries) if (key.startsWith(prefix) && !found.has(key)) found.set(key, entry);
    }
    const present = [...found.values()].filter(entry => entry !== undefined);
    return present.sort((a, b) => compareKeys(a.key, b.key));
  }

  /** A write has happened. `entry` undefined: a deletion. */
  apply(key: string, entry: KeyValue | undefined, revision: number, nowMs: number): void {
    const table = this.#tableOf(key);
    if (!table) return;
    const before = table.entries.get(key)?.entry;
    if (before) table.bytes -= costOf(before);
    table.entries.delete(key);
    if (entry) {
      table.entries.set(key, { entry, writtenMs: nowMs });
      table.bytes += costOf(entry);
    }
    this.#undo.push({ revision, key, before });
  }

  /** What the file still has of an earlier life. */
  adopt(found: readonly KeyValue[], nowMs: number): void {
    for (const { key, value, createRevision } of found) {
      const table = this.#tableOf(key);
      if (!table) continue;
      const entry = { key, value, createRevision, modRevision: this.#startRevision };
      table.entries.set(key, { entry, writtenMs: nowMs });
      table.bytes += costOf(entry);
    }
  }

  /** Forgets how it was before `floor`. */
  forget(floor: number): void {
    while ((this.#undo[this.#undoHead]?.revision ?? Number.POSITIVE_INFINITY) <= floor) this.#undoHead++;
    if (this.#undoHead > 64 && this.#undoHead * 2 > this.#undo.length) {
      this.#undo = this.#undo.slice(this.#undoHead);
      this.#undoHead = 0;
    }
  }

  /** What is too much (always at once) or too old, to be deleted. */
  overdue(nowMs: number): KeyValue[] {
    const found: KeyValue[] = [];
    for (const { rule, entries, bytes } of this.#tables) {
      const { ttlMs = Number.POSITIVE_INFINITY, maxEntries = Number.POSITIVE_INFINITY } = rule;
      const { maxBytes = Number.POSITIVE_INFINITY } = rule;
      let [left, leftBytes] = [entries.size, bytes];
      for (const { entry, writtenMs } of entries.values()) {
        const old = nowMs - writtenMs >= ttlMs;
        if (!old && left <= maxEntries && leftBytes <= maxBytes) break;
        found.push(entry);
        left--;
        leftBytes -= costOf(entry);
      }
    }
    return found;
  }

  /** Whether a table holds more than its rule allows. */
  get overfull(): boolean {
    return this.#tables.some(
      ({ rule, entries, bytes }) =>
        entries.size > (rule.maxEntries ?? Number.POSITIVE_INFINITY) ||
        bytes > (rule.maxBytes ?? Number.POSITIVE_INFINITY),
    );
  }

  /** When the next entry will be too old; undefined: none ever. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const { rule, entries } of this.#tables) {
      const [oldest] = entries.values();
      if (rule.ttlMs === undefined || oldest === undefined) continue;
      next = Math.min(next ?? Number.POSITIVE_INFINITY, oldest.writtenMs + rule.ttlMs);
    }
    return next;
  }

  *#since(revision: number): Generator<Undo> {
    let index = this.#undo.length;
    while (index > this.#undoHead && (this.#undo[index - 1]?.revision ?? 0) > revision) index--;
    for (; index < this.#undo.length; index++) {
      const undo = this.#undo[index];
      if (undo) yield undo;
    }
  }

  #tableOf(key: string): Table | undefined {
    return this.#tables.find(({ rule }) => key.startsWith(rule.prefix));
  }
}

/** By code units: what SQLite says of all but surrogates, which no name in Kubernetes has. */
export const compareKeys = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
