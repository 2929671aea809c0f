/**
 * The package index a build reads. An image may name suites it can be built without (`debian.may-lack`): where a mirror's index of one does
 * not hold, which is often so for armhf, a development build goes on with the others and says so; where the release itself does not hold,
 * with the state of it that the mirror has under the release's other name. A release build never does: what is missing may be the
 * security fixes.
 */
import { BuildError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { type AptSources, PrivateApt } from './apt.ts';

export interface FreshIndexOptions {
  readonly cache: string;
  readonly sources: AptSources;
  /** Suites that may be left out; none for a release. */
  readonly mayLack: readonly string[];
  readonly maximumAgeMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface FreshIndex {
  readonly apt: PrivateApt;
  /** As wanted, or without the suites that could not be had. */
  readonly sources: AptSources;
}

/**
 * Debian's releases under their other names (Codename and Suite of a release file). A mirror keeps a folder for each of both: one that is
 * being renewed, or renews only what it is asked for, may have an older state whole under the other name.
 */
const otherNames: ReadonlyMap<string, string> = new Map([['trixie', 'stable']]);

const isOfIndex = (error: unknown): error is BuildError =>
  error instanceof BuildError && ['HASH_MISMATCH', 'ARCHIVE_UNREACHABLE'].includes(error.code);

/** @throws BuildError as {@link PrivateApt.refresh} does, of the suites that may not be lacking. */
export async function freshIndex(options: FreshIndexOptions): Promise<FreshIndex> {
  const { cache, sources, mayLack, progress, signal } = options;
  const refreshed = async (suites: readonly string[]): Promise<FreshIndex> => {
    const wanted = { ...sources, suites };
    const apt = new PrivateApt(cache, wanted, signal);
    const warning = await apt.refresh(options.maximumAgeMs);
    if (warning) progress.say(`warning: ${warning}`);
    return { apt, sources: wanted };
  };
  const needed = sources.suites.filter(suite => !mayLack.includes(suite));
  const lacking = sources.suites.filter(suite => mayLack.includes(suite)).join(', ');
  const goOn = (reason: BuildError, how: string): void =>
    progress.say(`warning: ${reason.message}: built ${how} (a release would not be built)`);
  let reason: BuildError;
  try {
    return await refreshed(sources.suites);
  } catch (error) {
    if (!isOfIndex(error) || lacking === '') throw error;
    reason = error;
  }
  try {
    const index = await refreshed(needed);
    goOn(reason, `without ${lacking}, and so without what they mend`);
    return index;
  } catch (error) {
    if (!isOfIndex(error) || error.code !== 'HASH_MISMATCH') throw error;
    reason = error;
  }
  const elsewhere = await underOtherNames(needed, refreshed);
  if (!elsewhere) throw reason;
  goOn(reason, `from ${elsewhere.state}, without ${lacking}, and so without what is mended since`);
  return elsewhere.index;
}

/** The same releases under their other names, and which state of them that is; undefined where these do not hold either. */
async function underOtherNames(
  suites: readonly string[],
  refreshed: (suites: readonly string[]) => Promise<FreshIndex>,
): Promise<{ readonly index: FreshIndex; readonly state: string } | undefined> {
  const other = (suite: string): string => otherNames.get(suite) ?? suite;
  const index = await refreshed(suites.map(other)).catch((error: unknown) => {
    if (isOfIndex(error)) return undefined;
    throw error;
  });
  if (!index) return undefined;
  const states: string[] = [];
  for (const suite of suites.filter(one => otherNames.has(one))) {
    const release = await index.apt.releaseFile(other(suite));
    // The other name goes on to Debian's next release.
    if (release.get('codename') !== suite) return undefined;
    states.push(`${other(suite)} as of ${release.get('date')} (Debian ${release.get('version')})`);
  }
  return { index, state: states.join(', ') };
}
