/**
 * Turns of the event loop, for long work that must not hold up short work.
 *
 * Invariants:
 * - of all who wait here one goes on in each turn of the loop, first come, first served: ten long lists together hold up a request
 *   no longer than one does;
 * - nobody goes on in the turn in which he began to wait, so sockets and timers are looked at in between.
 *
 * The queue is the loop's, like that of `setImmediate`: there is one a thread.
 */

/** Long enough that the turns cost little, short enough that a request which needs several of them does not feel it. */
const SLICE_MS = 2;

const waiting: (() => void)[] = [];

/** Resolves in a later turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    if (waiting.push(resolve) === 1) setImmediate(goOn);
  });
}

function goOn(): void {
  waiting.shift()?.();
  // Whoever it was goes on before the next callback of the loop, and may wait here again.
  if (waiting.length > 0) setImmediate(goOn);
}

/**
 * When a long piece of work should let others go on: `if (pace.due) await pace.turn()`, as often as its steps are short.
 * Asking costs no promise.
 */
export class Pace {
  #untilMs: number;

  /** @param sliceMs what may be done in one go */
  constructor(readonly sliceMs: number = SLICE_MS) {
    this.#untilMs = performance.now() + sliceMs;
  }

  get due(): boolean {
    return performance.now() >= this.#untilMs;
  }

  async turn(): Promise<void> {
    await turn();
    this.#untilMs = performance.now() + this.sliceMs;
  }
}
