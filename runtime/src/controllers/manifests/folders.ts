/** Word of changes in folders, some of which may come later. */
import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';

/** An editor writes more than once. */
const SETTLE_MS = 300;

export interface Changes {
  /** Resolves when something has changed since the last call and is quiet, after `atMostMs`, or when the signal aborts. */
  next(atMostMs?: number): Promise<void>;
}

/** Folders that are not there are made where that is possible. */
export function changesOf(folders: readonly string[], clock: Clock, signal: AbortSignal): Changes {
  let changed = false;
  let cancelSettling = (): void => undefined;
  let wake = (): void => undefined;
  const note = (): void => {
    cancelSettling();
    cancelSettling = clock.after(SETTLE_MS, () => {
      changed = true;
      wake();
    });
  };
  const watchers: FSWatcher[] = [];
  for (const folder of folders) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const watcher = watch(folder, note);
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // Nothing can come there.
    }
  }
  const stop = (): void => {
    cancelSettling();
    for (const watcher of watchers) watcher.close();
    wake();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return {
    next: async atMostMs => {
      if (!changed && !signal.aborted) {
        await new Promise<void>(resolve => {
          const cancel = atMostMs === undefined ? undefined : clock.after(atMostMs, resolve);
          wake = () => {
            cancel?.();
            resolve();
          };
        });
      }
      changed = false;
    },
  };
}
