/**
 * The package index a build reads. An image may name suites it can be built without (`debian.may-lack`): where a mirror's index of one does
 * not hold, which is often so for armhf's updates, a development build goes on with the others and says so. A release never does:
 * what is missing may be the security fixes.
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

/** @throws BuildError as {@link PrivateApt.refresh} does, of the suites that may not be lacking. */
export async function freshIndex(options: FreshIndexOptions): Promise<FreshIndex> {
  const { cache, sources, progress, signal } = options;
  const refreshed = async (wanted: AptSources): Promise<FreshIndex> => {
    const apt = new PrivateApt(cache, wanted, signal);
    const warning = await apt.refresh(options.maximumAgeMs);
    if (warning) progress.say(`warning: ${warning}`);
    return { apt, sources: wanted };
  };
  try {
    return await refreshed(sources);
  } catch (error) {
    const suites = sources.suites.filter(suite => !options.mayLack.includes(suite));
    const isIndex = error instanceof BuildError && ['HASH_MISMATCH', 'ARCHIVE_UNREACHABLE'].includes(error.code);
    if (!isIndex || suites.length === sources.suites.length) throw error;
    const index = await refreshed({ ...sources, suites });
    const without = sources.suites.filter(suite => !suites.includes(suite)).join(', ');
    progress.say(
      `warning: ${error.message}: built without ${without}, and so without what they mend (a release would not be built)`,
    );
    return index;
  }
}
