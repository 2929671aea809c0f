import { setMaxListeners } from 'node:events';

/**
 * SIGTERM and SIGINT as an AbortSignal; a second one ends the process at once. Keeps the process alive until it is ended:
 * none of the clock's timers do, so a daemon that only waits to try again would otherwise end without a word.
 */
export function untilSignal(): { signal: AbortSignal } {
  setInterval(() => undefined, 2 ** 30);
  const controller = new AbortController();
  // Every part of the process ends with it: more listeners than Node takes for a leak.
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    // The next one has its default effect again.
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    controller.abort();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return { signal: controller.signal };
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
