/** Timing a whole process. */
import { type RunOptions, run } from '../process.ts';

export interface Timed {
  readonly tookMs: number;
  readonly stdout: string;
}

/**
 * Runs a program to its end; what earlier ones left to be written to the disk is written first, so that it does not count here.
 * @throws BuildError as `run` does
 */
export async function timed(argv: readonly [string, ...string[]], options: RunOptions): Promise<Timed> {
  await run(['sync'], options.signal === undefined ? {} : { signal: options.signal });
  const since = performance.now();
  const { stdout } = await run(argv, options);
  return { tookMs: performance.now() - since, stdout };
}
