/**
 * Asks a URL until it answers with something that can be used, or the time is over: first at once and often (the network is on its
 * way up), then seldomer, never in step with a thousand other machines that were switched on at the same moment.
 */
import { type Clock, delay } from '../../../lib/clock.ts';
import { type Fetched, fetchDocuments, UrlError, type UrlSource } from './url.ts';

export interface FetchPatience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** All attempts together. */
  readonly patienceMs: number;
  /** From 0 to 1; `Math.random`. */
  readonly random: () => number;
  /** Told of every failure; what it says last is what a person sees. */
  readonly onFailure: (error: UrlError, attempt: number) => void;
  readonly fetch?: (source: UrlSource, signal: AbortSignal) => Promise<Fetched>;
}

const firstMs = 250;
const lastMs = 30_000;
/** Somebody answered, and wrongly: that does not mend itself in a quarter of a second. */
const wrongMs = 3_000;

/** How long to wait after that failure: doubled each time, bounded, and a half of it by chance. */
export function waitMs(attempt: number, kind: UrlError['kind'], random: number): number {
  const doubled = Math.min(firstMs * 2 ** Math.min(attempt, 20), lastMs);
  const base = kind === 'wrong' ? Math.max(doubled, wrongMs) : doubled;
  return base / 2 + (base / 2) * random;
}

/** @returns the documents, or undefined when the time is over */
export async function untilFetched(source: UrlSource, patience: FetchPatience): Promise<Fetched | undefined> {
  const { clock, signal, patienceMs, random, onFailure, fetch = fetchDocuments } = patience;
  const started = clock.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(source, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure =
        error instanceof UrlError
          ? error
          : new UrlError('wrong', error instanceof Error ? error.message : String(error));
      onFailure(failure, attempt);
      const wait = waitMs(attempt, failure.kind, random());
      if (clock.now() - started + wait > patienceMs) return undefined;
      await delay(wait, signal, clock);
      if (signal.aborted) return undefined;
    }
  }
}
