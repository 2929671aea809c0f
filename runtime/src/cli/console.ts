/** `atoll console`: the banner as it is now. */
import { bannerText } from '../machine/state.ts';
import type { CommandContext } from './command.ts';

export async function consoleBanner({ values, stdout }: CommandContext): Promise<number> {
  stdout(bannerText(values.one('run-dir')));
  return 0;
}
