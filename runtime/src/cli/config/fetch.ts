/** The URL's part of the configuration at boot: loaded only where there is one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { readStatus } from '../../machine/config/apply.ts';
import { compile } from '../../machine/config/compile.ts';
import { configBase, linked, linkedFolder } from '../../machine/config/generations.ts';
import { takeLive, tell, workDir } from '../../machine/config/onNode.ts';
import { readGathered } from '../../machine/config/sources/gathered.ts';
import { untilFetched } from '../../machine/config/sources/untilFetched.ts';
import { authorities, parseUrlSource, UrlError, type UrlSource } from '../../machine/config/sources/url.ts';
import { defaultsStatus } from '../../machine/config/status.ts';
import type { Problem } from '../../machine/config/types.ts';
import { say, tellJournal } from './journal.ts';

/**
 * @param booting the boot waits for it (and nothing has started that it is for)
 * @returns the exit code: 1 when nothing new is in force because of a mistake or because nobody answered
 */
export async function fetchConfiguration(patienceMs: number, booting: boolean): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  let source: UrlSource | undefined;
  try {
    source = urlSource();
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    refused(error);
    return 1;
  }
  if (!source) return 0;
  const found = await untilFetched(source, {
    clock: systemClock,
    signal: stop.signal,
    patienceMs,
    random: Math.random,
    onFailure: (error, attempt) => {
      say(`attempt ${attempt + 1}: ${error.message}${error.hint ? ` (${error.hint})` : ''}`);
      // The network comes up meanwhile; a person is told when it is more than that.
      if (error.kind === 'wrong' || attempt >= 6) refused(error);
    },
  });
  if (!found) return 1;
  const local = readGathered(join(workDir, 'sources'));
  const gathered = { sources: [found, ...local.sources], problems: local.problems };
  const { outcome, failed } = takeLive(gathered, compile, { booting });
  tellJournal(outcome.status);
  for (const command of failed) say(`failed: ${command}`);
  if (outcome.kind === 'unchanged') tell(outcome.status);
  return outcome.kind === 'refused' ? 1 : 0;
}

function urlSource(): UrlSource | undefined {
  const text = read(join(workDir, 'url'))?.toString('utf8') ?? '';
  const name = /^ca=(.*)$/m.exec(text)?.[1];
  if (name === undefined) return parseUrlSource(text);
  const ca = read(join(workDir, 'url-ca'));
  if (!ca) throw new UrlError('wrong', `atoll.config.ca=${name}: there is no such file on the ESP`);
  return parseUrlSource(text, authorities(ca, name));
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** What is in force stays, and everybody is told why. Nobody answering is a warning only: it says nothing of the configuration. */
function refused(error: UrlError): void {
  const folder = linkedFolder(configBase, 'generation');
  const inForce = folder === undefined ? undefined : readStatus(folder);
  const generation = linked(configBase, 'generation');
  const problem: Problem = {
    severity: error.kind === 'wrong' ? 'error' : 'warning',
    path: '',
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
  tell({
    ...(inForce ?? defaultsStatus),
    ...(generation === undefined ? {} : { generation }),
    state: error.kind === 'wrong' ? 'refused' : (inForce?.state ?? 'defaults'),
    problems: [...(inForce?.problems ?? []), problem],
  });
}
