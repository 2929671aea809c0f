/** `atoll console`: the banner as it is now. */
import { renderBanner } from '../machine/banner.ts';
import { readConfigStatus, refusalText } from '../machine/config/status.ts';
import { release } from '../machine/release.ts';
import { readStates } from '../machine/state.ts';
import type { CommandContext } from './command.ts';

export async function consoleBanner({ values, stdout }: CommandContext): Promise<number> {
  const runDir = values.one('run-dir');
  stdout(renderBanner(readStates(runDir), release(), refusalText(readConfigStatus(runDir))));
  return 0;
}
