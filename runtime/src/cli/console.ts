/** `atoll console`: the banner as it is now. */
import { renderBanner } from '../machine/banner.ts';
import { readStates } from '../machine/state.ts';
import type { CommandContext } from './command.ts';

export async function consoleBanner({ values, stdout }: CommandContext): Promise<number> {
  stdout(renderBanner(readStates(values.one('run-dir'))));
  return 0;
}
