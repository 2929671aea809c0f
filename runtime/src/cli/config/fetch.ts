/** The URL's part of the configuration at boot: loaded only where there is one. */
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { readStatus } from '../../machine/config/apply.ts';
import { compile } from '../../machine/config/compile.ts';
import { configBase, linked, linkedFolder } from '../../machine/config/generations.ts';
import { runDir, takeLive, tell, workDir } from '../../machine/config/onNode.ts';
import { readGathered } from '../../machine/config/sources/gathered.ts';
import { untilFetched } from '../../machine/config/sources/untilFetched.ts';
import { UrlError, type UrlSource } from '../../machine/config/sources/url.ts';
import { besides, type ConfigStatus, defaultsStatus, readConfigStatus } from '../../machine/config/status.ts';
import { say, tellJournal } from './journal.ts';
import { ownUrl, urlProblem } from './ownUrl.ts';

export interface Asking {
  /** All attempts together; 0: one. */
  readonly patienceMs: number;
  /** The boot waits for it (and nothing has started that it is for). */
  readonly booting: boolean;
}

/** @returns `wrong`: what it says is refused, or what was said of it; `silent`: nobody answered, or not with a configuration */
export async function fetchConfiguration({ patienceMs, booting }: Asking): Promise<'taken' | 'wrong' | 'silent'> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  let source: UrlSource | undefined;
  try {
    source = ownUrl();
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    refused(error);
    return 'wrong';
  }
  if (!source) return 'taken';
  const found = await untilFetched(source, {
    clock: systemClock,
    signal: stop.signal,
    patienceMs,
    random: Math.random,
    onFailure: (error, attempt) => {
      say(`attempt ${attempt + 1}: ${error.message}${error.hint ? ` (${error.hint})` : ''}`);
      // The network comes up meanwhile; a person is told when it is more than that.
      if (error.kind === 'wrong' || attempt >= 6 || patienceMs === 0) refused(error);
    },
  });
  if (!found) return 'silent';
  const local = readGathered(join(workDir, 'sources'));
  const gathered = { sources: [found, ...local.sources], problems: local.problems };
  const { outcome, failed } = takeLive(gathered, compile, { booting, ofUrl: found.problems });
  tellJournal(outcome.status);
  for (const command of failed) say(`failed: ${command}`);
  return outcome.kind === 'refused' ? 'wrong' : 'taken';
}

/** What is in force stays, what the other sources came to in this boot is told on, and everybody is told why. */
function refused(error: UrlError): void {
  tell(besides(readConfigStatus(runDir) ?? ofGeneration(), [urlProblem(error)]));
}

function ofGeneration(): ConfigStatus {
  const folder = linkedFolder(configBase, 'generation');
  const generation = linked(configBase, 'generation');
  const inForce = folder === undefined ? undefined : readStatus(folder);
  return { ...(inForce ?? defaultsStatus), ...(generation === undefined ? {} : { generation }) };
}
