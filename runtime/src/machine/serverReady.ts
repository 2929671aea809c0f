/** Word of this machine's own server: it says in `/run/atoll/state` when its API answers, which is sooner known than asked for. */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { readStates } from './state.ts';

const FILE = 'server.json';

/** Calls back whenever the server of this machine has become ready; ends with `signal`. Where none runs there is nothing to hear. */
export function onServerReady(runDir: string, callback: () => void, signal: AbortSignal): void {
  let known = '';
  const look = (): void => {
    const state = readStates(runDir).find(({ component }) => component === 'server');
    // It says other things too (addresses) while it is ready.
    const now = state === undefined ? '' : `${state.phase} ${state.pid}`;
    if (now === known) return;
    known = now;
    if (state?.phase === 'ready') callback();
  };
  let watcher: FSWatcher;
  try {
    watcher = watch(join(runDir, 'state'), (_event, name) => {
      if (name === FILE) look();
    });
  } catch {
    return;
  }
  watcher.on('error', () => watcher.close());
  signal.addEventListener('abort', () => watcher.close(), { once: true });
  if (signal.aborted) watcher.close();
  look();
}
