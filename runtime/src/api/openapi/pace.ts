/** Documents take long to make, on a small board a second: other requests get their turn in between. */
import { setImmediate as turn } from 'node:timers/promises';

const SLICE_MS = 5;

/** Awaited again and again in a long piece of work, lets others go on whenever it has taken 5 ms since it last did. */
export function pacer(): () => Promise<void> {
  let begun = performance.now();
  return async () => {
    if (performance.now() - begun < SLICE_MS) return;
    await turn();
    begun = performance.now();
  };
}
