/**
 * The store: every object's every revision, in one order.
 *
 * Invariants, for every implementation (SQLite, etcd, PostgreSQL/MySQL):
 * - revisions are integers that only grow; each successful {@link Store.commit} makes exactly one new revision;
 * - a commit that has resolved is durable (it survives a power cut) and visible to every later read; keys the store was told to
 *   keep in memory (`kept.ts`) are only visible, and their past is shorter;
 * - a watch delivers every event after its start revision exactly once, in revision order, or ends with {@link CompactedError};
 * - reads at a revision give the same answer for ever, until that revision is compacted.
 */

/** One key's value as of one revision. `value` is shared: nobody may write to it. */
export interface KeyValue {
  readonly key: string;
  readonly value: Buffer;
  /** The revision of the last write of this key: the object's `metadata.resourceVersion`. */
  readonly modRevision: number;
  /** The revision that created the key (after its last deletion). */
  readonly createRevision: number;
}

export interface RangeOptions {
  /** Every key that begins with this. */
  readonly prefix: string;
  /** Only keys strictly after this one (continue tokens). */
  readonly after?: string;
  /** At most so many; unset or 0: all. */
  readonly limit?: number;
  /** What remains is not to be counted, since nobody is told: `remaining` is 0 then. */
  readonly uncounted?: boolean;
  /**
   * Of a list that is read piece by piece and passed on: a piece ends where its values reach so many bytes, at least one item long.
   * Values of a piece may lie together in one piece of memory: who keeps one keeps them all.
   */
  readonly pieceBytes?: number;
  /** What has been read of such a list before this piece. A list too long to be remembered should not push out what is. */
  readonly readBytes?: number;
  /** Read as of this revision; unset: the newest. @throws CompactedError when it is gone, FutureRevisionError when it has not been yet. */
  readonly revision?: number;
}

export interface RangeResult {
  /** The revision this answer is consistent at. */
  readonly revision: number;
  readonly items: readonly KeyValue[];
  /** Whether keys remain after the last item. */
  readonly more: boolean;
  /** Keys remaining after the last item; counted only when `limit` cut the answer. */
  readonly remaining: number;
  /** Of a piece (`pieceBytes`): nobody looks at its values any more. Their memory need not wait to be found as garbage. */
  readonly letGo?: () => void;
}

export interface Write {
  readonly key: string;
  /** `null` deletes. */
  readonly value: Buffer | null;
  /** The key's `modRevision` must be this; 0: the key must not exist; unset: whatever it is. */
  readonly expect?: number;
}

export type CommitResult = Committed | Conflict;

export interface Committed {
  readonly ok: true;
  readonly revision: number;
  /** What was there before: for the answer to a delete. Undefined: the write created the key. */
  readonly previous?: KeyValue;
}

/** `expect` did not hold, or a delete found nothing. Nothing was written and no revision was made. */
export interface Conflict {
  readonly ok: false;
  /** What is there now; undefined: nothing. */
  readonly current?: KeyValue;
}

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  /** The value written; for a delete, the last value before it. */
  readonly value: Buffer;
  /** The value before this event; undefined for a creation. */
  readonly previous?: Buffer;
  /** The revision that created the key. Equal to `revision` for a creation. */
  readonly createRevision: number;
}

export interface WatchOptions {
  readonly prefix: string;
  /** Deliver events with revision > this. @throws CompactedError */
  readonly afterRevision: number;
}

export interface Watcher {
  /**
   * Called in revision order with all matching events of a group of writes, as soon as the group is durable and before the
   * promises of its commits resume their callers. Never called with no events: for bookmarks ask `revision()`, which every
   * live watcher has been told everything up to. Must not block. What it throws ends this watch.
   */
  onEvents(events: readonly StoreEvent[]): void;
  /** Once: all that had happened when the watch began has been delivered, and it is live from here on. */
  onLive?(): void;
  /** The watch has ended by itself: compacted past it, or the store is closing. Not called after a stop. */
  onEnd(error: Error): void;
}

export interface Store {
  /** The newest durable revision. */
  revision(): number;
  /** Revisions before this one can no longer be read or watched from. */
  compactedRevision(): number;
  /** @throws CompactedError, FutureRevisionError */
  get(key: string, revision?: number): Promise<KeyValue | undefined>;
  range(options: RangeOptions): Promise<RangeResult>;
  /**
   * A list is being read at this revision, piece by piece: it stays readable until the function returned is called. Not for as long as
   * a client likes: meanwhile nothing is forgotten, however full the store is. Of keys kept in memory the past waits for nobody.
   * @throws CompactedError
   */
  hold(revision: number): () => void;
  /** How many keys begin with the prefix. */
  count(prefix: string): Promise<number>;
  /**
   * Compare-and-swap of one key. Resolves when durable. Commits take effect in the order of the calls (of those asked for at
   * once, what is kept in memory comes last).
   * `value` is the store's from now on: do not write to it. @throws StoreFullError, StoreFailedError, StoreClosedError
   */
  commit(write: Write): Promise<CommitResult>;
  /**
   * Delivers first what already happened after `afterRevision`, then live; never before this call has returned.
   * The function returned stops it: no callback comes after that. @throws CompactedError, FutureRevisionError
   */
  watch(options: WatchOptions, watcher: Watcher): () => void;
  /** Forgets revisions before `revision`, in slices that never hold up writers for more than a few ms. */
  compact(revision: number): Promise<void>;
  /**
   * Everything current, as of one moment, in one file (`backup/format.ts`), durable and mode 600, while the store is in use.
   * Replaces the file.
   */
  snapshot(path: string): Promise<{ readonly revision: number; readonly sizeBytes: number }>;
  /** Commits already asked for become durable first; watches end with {@link StoreClosedError}. */
  close(): Promise<void>;
}

/** The revision asked for has been compacted away: `410 Expired` at the API. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  constructor(
    readonly asked: number,
    readonly compacted: number,
  ) {
    super(`revision ${asked} has been compacted; the oldest that can be read is ${compacted}`);
  }
}

/** The revision asked for has not happened yet: `504 Too large resource version` at the API. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  constructor(
    readonly asked: number,
    readonly current: number,
  ) {
    super(`revision ${asked} is in the future; the newest is ${current}`);
  }
}

/** The store has reached its size quota or its disk is full; reads and deletes still work. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}

/** The store has been closed, or is closing. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError';
}

/**
 * The disk or the database under the store failed. What was asked may or may not have happened.
 * After a failed write or fsync the store takes no more writes until it is opened again.
 */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError';
}

/** A value is encrypted with a key that is not there (any more), or is another one. Nothing has been changed. */
export class StoreKeyError extends Error {
  override readonly name = 'StoreKeyError';
  /** What to do. */
  readonly hint =
    'Put the file of keys back as it was: it is in every backup (atoll backup restore FILE --only keys). Nothing has been changed, and nothing is lost while the key exists somewhere.';
  constructor(
    message: string,
    readonly keyName: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What is on the disk is not a whole store. The message names the file, what is wrong with it, and what to do. */
export class StoreCorruptError extends Error {
  override readonly name = 'StoreCorruptError';
  constructor(
    readonly path: string,
    /** What the check found, one problem a line, at most a few. */
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      `the store ${path} is damaged: ${problems.join('; ')}. There is no good snapshot to restore by itself. ` +
        'Restore a backup with `atoll backup restore FILE`, or, to begin an empty cluster, move the file away; keep it, it may be repairable',
      options,
    );
  }
}
