/** A signal that ends with its parent or after a time, and that leaves no timer and no listener behind. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** True once the time was over (and not the parent's abort). */
  readonly expired: () => boolean;
  /** Must be called when the work is done. */
  readonly dispose: () => void;
}

/**
 * @param timeoutMs `undefined`: only the parent ends it.
 */
export function deadline(timeoutMs: number | undefined, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let expired = false;
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          expired = true;
          controller.abort(new Error(`no answer within ${timeoutMs} ms`));
        }, timeoutMs);
  return {
    signal: controller.signal,
    expired: () => expired,
    dispose: () => {
      clearTimeout(timer);
      parent?.removeEventListener('abort', follow);
    },
  };
}
