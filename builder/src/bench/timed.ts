/** Timing a whole process. */
import { type RunOptions, run } from '../process.ts';

/**
 * Runs a program to its end; what earlier ones left to be written to the disk is written first, so that it does not count here.
 * @returns milliseconds @throws BuildError as `run` does
 */
export async function timed(argv: readonly [string, ...string[]], options: RunOptions): Promise<number> {
  await run(['sync'], options.signal === undefined ? {} : { signal: options.signal });
  const since = performance.now();
  await run(argv, options);
  return performance.now() - since;
}
