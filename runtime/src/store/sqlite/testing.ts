/** For the tests: stores in directories of their own, closed and removed whatever happens. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyValue, StoreEvent, Watcher } from '../store.ts';
import { openSqliteStore, type SqliteStoreOptions } from './open.ts';
import type { SqliteStore } from './store.ts';

export async function withDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-store-'));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A store without automatic compaction or reserve unless the options say otherwise. */
export function withStore(
  options: Partial<SqliteStoreOptions>,
  body: (store: SqliteStore, path: string) => Promise<void>,
): Promise<void> {
  return withDirectory(async directory => {
    const path = join(directory, 'state.db');
    const store = await openSqliteStore({ path, compaction: false, reserveBytes: 0, ...options });
    try {
      await body(store, path);
    } finally {
      await store.close();
    }
  });
}

export const put = (key: string, value: string, expect?: number) => ({
  key,
  value: Buffer.from(value),
  ...(expect === undefined ? {} : { expect }),
});

export const show = (entry: KeyValue): string => `${entry.key}=${entry.value}@${entry.modRevision}`;

export const showEvent = ({ type, key, value, previous, revision }: StoreEvent): string =>
  `${revision} ${type} ${key} ${previous ?? '-'} ${type === 'put' ? value : '-'}`;

/** Collects what a watch is told. */
export class Recorder implements Watcher {
  readonly events: StoreEvent[] = [];
  ended: Error | undefined;
  #wake = (): void => {};

  onEvents(events: readonly StoreEvent[]): void {
    this.events.push(...events);
    this.#wake();
  }

  onEnd(error: Error): void {
    this.ended = error;
    this.#wake();
  }

  /** Resolves when `done` holds; fails after `timeoutMs`. */
  async until(done: (recorder: this) => boolean, timeoutMs = 10_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!done(this)) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`the watch saw only ${this.events.length} events; ended: ${this.ended}`);
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
