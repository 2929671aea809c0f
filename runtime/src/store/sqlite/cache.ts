/**
 * Values read or written lately, by revision. A revision never changes, so nothing here is ever stale.
 *
 * Two generations: what is used moves to the young one; when that holds half the budget it becomes the old one and the old one
 * is dropped. Lists longer than the budget push out at most what they do not use themselves.
 */
import type { KeyValue } from '../store.ts';

/** What an entry costs beside its bytes: object, Buffer, Map slot. */
const ENTRY_OVERHEAD_BYTES = 200;

export class ValueCache {
  readonly #halfBytes: number;
  #young = new Map<number, KeyValue>();
  #old = new Map<number, KeyValue>();
  #youngBytes = 0;

  constructor(budgetBytes: number) {
    this.#halfBytes = budgetBytes / 2;
  }

  get(revision: number): KeyValue | undefined {
    const young = this.#young.get(revision);
    if (young !== undefined) return young;
    const old = this.#old.get(revision);
    if (old !== undefined) this.add(old);
    return old;
  }

  /** A list up to this size stays here as a whole. */
  get listBytes(): number {
    return this.#halfBytes;
  }

  add(entry: KeyValue): void {
    const cost = entry.value.length + entry.key.length + ENTRY_OVERHEAD_BYTES;
    if (cost > this.#halfBytes) return;
    if (this.#youngBytes + cost > this.#halfBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(entry.modRevision, entry);
    this.#youngBytes += cost;
  }

  /** A superseded revision is seldom read again. */
  remove(revision: number): void {
    const young = this.#young.get(revision);
    if (young !== undefined) this.#youngBytes -= young.value.length + young.key.length + ENTRY_OVERHEAD_BYTES;
    this.#young.delete(revision);
    this.#old.delete(revision);
  }
}
