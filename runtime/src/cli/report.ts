/** How a daemon says that it has failed. */
import type { Logger } from '../lib/log.ts';
import type { StateReporter } from '../machine/state.ts';

/** Says what failed on the console and in the journal, and leaves the rest to systemd. */
export function report(error: unknown, state: StateReporter, logger: Logger): void {
  const known = error instanceof Error ? error : new Error(String(error));
  const hint = 'hint' in known && typeof known.hint === 'string' ? ` ${known.hint}` : '';
  state.report('failed', `${known.message}${hint}`);
  logger.fatal({ err: known }, known.message);
}
