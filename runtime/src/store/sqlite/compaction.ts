/** When to forget: the automatic compaction's rule, without clock or store. */

export interface CompactionOptions {
  /** A revision younger than this is kept: lists being paged through and watches being resumed need it. Default 5 minutes, as kube-apiserver. */
  readonly keepMs: number;
  /** So many newest revisions are kept however old they are. Default 1,000. */
  readonly keepRevisions: number;
  /** No more than this are kept however young they are. Default 20,000. */
  readonly maxRevisions: number;
  /** Fewer than this are not worth the writes. Default 500. */
  readonly minBatch: number;
}

export const COMPACTION_DEFAULTS: CompactionOptions = {
  keepMs: 5 * 60_000,
  keepRevisions: 1_000,
  maxRevisions: 20_000,
  minBatch: 500,
};

/** So many of the newest are kept when space gets short. */
const URGENT_REVISIONS = 50;
/** How finely ages are remembered, as a part of `keepMs`. */
const MARKS = 10;

export class CompactionPolicy {
  readonly options: CompactionOptions;
  /** Ascending; `revision` was the newest at `atMs`. */
  #marks: { readonly atMs: number; readonly revision: number }[] = [];
  #revision: number;

  /** What was there at the start counts as written at the start. @throws RangeError on options that make no sense */
  constructor(options: CompactionOptions, revision: number, nowMs: number) {
    for (const [name, value] of Object.entries(options)) {
      if (!(Number.isFinite(value) && value >= 0)) throw new RangeError(`compaction.${name} must be ≥ 0, not ${value}`);
    }
    if (options.maxRevisions < options.keepRevisions) {
      throw new RangeError(
        `compaction.maxRevisions (${options.maxRevisions}) is less than keepRevisions (${options.keepRevisions})`,
      );
    }
    this.options = options;
    this.#revision = revision;
    this.#marks.push({ atMs: nowMs, revision });
  }

  /** Call with the newest revision after each group of writes. */
  note(revision: number, nowMs: number): void {
    this.#revision = revision;
    const last = this.#marks.at(-1);
    // A clock set back must not keep revisions for ever: later marks are dropped.
    if (last && nowMs < last.atMs) this.#marks = this.#marks.filter(mark => mark.atMs <= nowMs);
    if (!last || nowMs < last.atMs || nowMs - last.atMs >= this.options.keepMs / MARKS) {
      this.#marks.push({ atMs: nowMs, revision });
    }
  }

  /** The revision to compact to now; undefined: nothing worth it. */
  target(compacted: number, nowMs: number): number | undefined {
    const { keepMs, keepRevisions, maxRevisions, minBatch } = this.options;
    this.note(this.#revision, nowMs);
    const oldEnough = this.#marks.findLast(mark => nowMs - mark.atMs >= keepMs);
    if (oldEnough) this.#marks = this.#marks.filter(mark => mark.atMs >= oldEnough.atMs);
    const byAge = Math.min(oldEnough?.revision ?? 0, this.#revision - keepRevisions);
    const target = Math.max(byAge, this.#revision - maxRevisions);
    return target - compacted >= Math.max(1, minBatch) ? target : undefined;
  }

  /**
   * What may be forgotten when space is short, however young: everything but the last few; when there is none left,
   * everything: a thousand revisions of large objects may be what fills the store, and deleting gives nothing back while they stay.
   */
  urgentTarget(compacted: number, full: boolean): number | undefined {
    const target = this.#revision - (full ? 0 : Math.min(URGENT_REVISIONS, this.options.keepRevisions));
    return target > compacted ? target : undefined;
  }

  /** Whether time alone will make something worth compacting: whether a timer is needed. */
  pending(compacted: number): boolean {
    return this.#revision - this.options.keepRevisions - compacted >= Math.max(1, this.options.minBatch);
  }

  /** How often to look while something is pending. */
  get intervalMs(): number {
    return Math.max(1_000, this.options.keepMs / MARKS);
  }
}
