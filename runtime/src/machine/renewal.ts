/**
 * Keeps the node's certificate current: looks twice a day, and whenever it is told to (the clock has been set).
 *
 * Always true: one look at a time; one that is asked for meanwhile follows it. After a failure it is tried again soon, then ever more
 * seldom: a clock that jumps makes the server's certificate end in the same moment as the node's, and the server needs a moment.
 */
import type { Clock } from '../lib/clock.ts';

const CHECK_MS = 12 * 3_600_000;
const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 3_600_000;

export interface RenewalOptions<T> {
  /** What is kept, or a new one. */
  readonly ensure: () => Promise<T>;
  readonly onCurrent: (current: T) => void;
  /** Told of a failure whose message is another than the last. */
  readonly onFailure: (error: unknown) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @returns asks for a look now */
export function keepRenewed<T>({ ensure, onCurrent, onFailure, clock, signal }: RenewalOptions<T>): () => void {
  let looking = false;
  let again = false;
  let retryMs = FIRST_RETRY_MS;
  let said = '';
  let cancel = clock.after(CHECK_MS, () => look());
  const look = (): void => {
    if (signal.aborted) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    cancel();
    ensure()
      .then(
        current => {
          retryMs = FIRST_RETRY_MS;
          said = '';
          onCurrent(current);
          return CHECK_MS;
        },
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          if (message !== said && !signal.aborted) onFailure(error);
          said = message;
          const waitMs = retryMs;
          retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
          return waitMs;
        },
      )
      .then(waitMs => {
        looking = false;
        if (signal.aborted) return;
        cancel = clock.after(again ? 0 : waitMs, () => look());
        again = false;
      });
  };
  signal.addEventListener('abort', () => cancel(), { once: true });
  return () => {
    retryMs = FIRST_RETRY_MS;
    look();
  };
}
