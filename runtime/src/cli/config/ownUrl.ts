/** The URL this node was told of, as `/usr/lib/atoll/config-gather` wrote it down, and what it says to a person who asks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { workDir } from '../../machine/config/onNode.ts';
import { withIdentity } from '../../machine/config/sources/noCloud.ts';
import { untilFetched } from '../../machine/config/sources/untilFetched.ts';
import { authorities, parseUrlSource, shownUrl, UrlError, type UrlSource } from '../../machine/config/sources/url.ts';
import type { Problem, SourceDocuments } from '../../machine/config/types.ts';

/** Undefined where it was told of none. @throws UrlError where it cannot be asked, as what was said of it is wrong */
export function ownUrl(): UrlSource | undefined {
  const text = read(join(workDir, 'url'))?.toString('utf8') ?? '';
  const name = /^ca=(.*)$/m.exec(text)?.[1];
  const ca = name === undefined ? undefined : read(join(workDir, 'url-ca'));
  if (name !== undefined && !ca)
    throw new UrlError('wrong', `atoll.config.ca=${name}: there is no such file on the ESP`);
  const source = parseUrlSource(text, ca && name !== undefined ? authorities(ca, name) : undefined);
  return source && { ...source, url: withIdentity(source.url, path => read(join('/sys', path))) };
}

/** Nobody answering is a warning only: it says nothing of the configuration. */
export const urlProblem = ({ kind, message, hint }: UrlError): Problem => ({
  severity: kind === 'wrong' ? 'error' : 'warning',
  of: 'url',
  path: '',
  message,
  ...(hint === undefined ? {} : { hint }),
});

export interface UrlAnswer {
  /** One, or none. */
  readonly sources: readonly SourceDocuments[];
  readonly problems: readonly Problem[];
}

/** A person waits: what is not there at once is there a moment later, or is not. */
const PATIENCE_MS = 10_000;

/**
 * @param stdout is told who is asked
 * @returns undefined when the person does not want to wait any longer (Ctrl-C)
 */
export async function askOwnUrl(stdout: (text: string) => void): Promise<UrlAnswer | undefined> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  // The clock's timers keep no process alive, and between two attempts there is nothing else.
  const alive = setInterval(() => undefined, 60_000);
  let last: UrlError | undefined;
  try {
    const source = ownUrl();
    if (!source) return { sources: [], problems: [] };
    stdout(`Asking ${shownUrl(source.url)} …\n`);
    const found = await untilFetched(source, {
      clock: systemClock,
      signal: stop.signal,
      patienceMs: PATIENCE_MS,
      random: Math.random,
      onFailure: error => {
        last = error;
      },
    });
    if (found) return { sources: [found], problems: found.problems };
    return stop.signal.aborted ? undefined : { sources: [], problems: last ? [urlProblem(last)] : [] };
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    return { sources: [], problems: [urlProblem(error)] };
  } finally {
    clearInterval(alive);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
