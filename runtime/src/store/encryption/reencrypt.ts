/**
 * Writes everything anew that is not written as the ring now says: with another key, or with one where none is wanted, or without.
 *
 * Always true: each object is rewritten like every other update (compare-and-swap, a new revision, watchers are told), so at every
 * moment each value can be read with a key of the ring. When it returns, no row of the file, not even of the past, needs any other
 * key than the ring's: what is left of the past is compacted away. Broken off anywhere, it can begin again.
 */
import type { KeyValue, Store } from '../store.ts';
import { HEAD_BYTES, keyNameOf, type Sealer } from './sealer.ts';

/** Rows looked at in one go: a millisecond. */
const SLICE_ROWS = 500;
/** Rewritten together, about. */
const GROUP = 64;
/** Passes until nothing is left; a list in progress may hold up the compaction for one. */
const MAX_PASSES = 50;
const PAUSE_MS = 100;

/** The store as far as this needs it: also how values are in the file. */
export interface StoredRows {
  /** Rows after `revision` in order, with how their values begin in the file. */
  storedRows(
    afterRevision: number,
    limit: number,
    headBytes: number,
  ): { revision: number; key: string; head: Buffer }[];
  /** Brings the log home and gives up what is free in the file; `wholly`: leaves no trace of what was there. */
  scrub(wholly: boolean): Promise<void>;
}

export interface ReencryptResult {
  readonly rewritten: number;
}

/** @throws the store's errors; AbortError when `signal` aborts */
export async function reencrypt(
  store: Store & StoredRows,
  sealer: Sealer,
  signal: AbortSignal,
  pause: (ms: number) => Promise<void> = ms => new Promise(resolve => setTimeout(resolve, ms)),
): Promise<ReencryptResult> {
  let rewritten = 0;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    /** The newest row of each key that is not as it should be. */
    let stale = new Map<string, number>();
    let rows = 0;
    for (let after = 0; ; ) {
      signal.throwIfAborted();
      const slice = store.storedRows(after, SLICE_ROWS, HEAD_BYTES);
      const last = slice.at(-1);
      if (last === undefined) break;
      after = last.revision;
      for (const { key, revision, head } of slice) {
        if (keyNameOf(head) === wantedKey(sealer, key)) continue;
        rows++;
        stale.set(key, revision);
      }
      if (stale.size >= GROUP) {
        rewritten += await rewrite(store, stale);
        stale = new Map();
      }
      await new Promise(resolve => setImmediate(resolve));
    }
    rewritten += await rewrite(store, stale);
    if (rows === 0) {
      // What is left of old pages is encrypted with a key that is dropped, unless it was never encrypted.
      await store.scrub(sealer.ring.plain === true);
      return { rewritten };
    }
    // The past, too, was written with keys that are to go.
    await store.compact(store.revision());
    if (pass > 0) await pause(PAUSE_MS);
  }
  throw new Error('there is always something left that is encrypted with an older key');
}

function wantedKey(sealer: Sealer, key: string): string | undefined {
  return sealer.headFor(key) === undefined ? undefined : (sealer.ring.write ?? undefined);
}

async function rewrite(store: Store, rows: ReadonlyMap<string, number>): Promise<number> {
  const present = await Promise.all([...rows.keys()].map(key => store.get(key)));
  const current = present.filter((entry): entry is KeyValue => entry !== undefined);
  // Who writes it meanwhile writes it as the ring says: a lost race is well.
  const results = await Promise.all(
    current
      .filter(({ key, modRevision }) => rows.get(key) === modRevision)
      .map(({ key, value, modRevision }) => store.commit({ key, value, expect: modRevision })),
  );
  return results.filter(({ ok }) => ok).length;
}
