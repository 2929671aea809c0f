/**
 * A wait that cannot last for ever: rejects with {@link TimeoutError} after `timeoutMs`, and leaves no timer behind.
 *
 * @param what what is being waited for, for the message: `the console to show /login:/`
 * @param details called only on timeout; its text is appended to the message (say, the last console lines)
 */
export async function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  what: string,
  details: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(what, timeoutMs, details())), timeoutMs);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The same for work whose length nobody knows: as long as it gets on, it may.
 * @param idleMs how long `done` may stay what it was
 * @param done how much has been done, in any unit
 */
export async function withinProgress<T>(
  promise: Promise<T>,
  idleMs: number,
  what: string,
  done: () => Promise<number>,
): Promise<T> {
  // It may fail while nobody waits for it, but for what has been done.
  promise.catch(() => {});
  for (let before = await done(); ; ) {
    try {
      return await within(promise, idleMs, what);
    } catch (error) {
      const now = error instanceof TimeoutError ? await done() : before;
      if (now === before) throw error;
      before = now;
    }
  }
}

/** Something did not happen in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ATOLL_QEMU_TIMEOUT';

  constructor(what: string, timeoutMs: number, details = '') {
    super(`waited ${timeoutMs / 1000} s for ${what}${details === '' ? '' : `\n${details}`}`);
  }
}
