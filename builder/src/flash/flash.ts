/** Several cards from one reading of the image. A card that fails does not stop the others; a damaged image stops all. */
import { BuildError } from '../errors.ts';
import { Card, type Observer, type Patches, type Target } from './card.ts';
import type { Chunk, ImageSource } from './source.ts';

export interface CardPlan {
  readonly target: Target;
  readonly patches: Patches;
  /** What the node will be called, where its card says it. */
  readonly hostname?: string;
}

export interface CardResult {
  readonly target: Target;
  /** Why it failed; absent where it is whole. */
  readonly error?: unknown;
  /** Of a card that failed: what it is now. */
  readonly state?: string;
  readonly writtenBytes: number;
  readonly durationMs: number;
}

export interface FlashOptions {
  readonly image: ImageSource;
  readonly cards: readonly CardPlan[];
  readonly signal: AbortSignal;
  readonly observer?: Observer;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

const stopped = (): BuildError =>
  new BuildError('INTERRUPTED', 'flashing was interrupted', { hint: 'The same command begins anew.' });

/**
 * Writes the cards, each to its end.
 * @returns a result for each card, in their order.
 * @throws BuildError TARGET_REFUSED if a target cannot be taken: then nothing was written anywhere.
 */
export async function flash({ image, cards, signal, observer = {}, now }: FlashOptions): Promise<CardResult[]> {
  const clock = now ?? (() => performance.now());
  const started = clock();
  const open: Card[] = [];
  try {
    for (const { target, patches } of cards) open.push(await Card.open(target, image, patches, observer));
  } catch (error) {
    for (const card of open) await card.abandon();
    throw error;
  }
  const results = new Map<Card, CardResult>();
  const end = async (card: Card, error?: unknown): Promise<void> => {
    const state = error === undefined ? undefined : await card.abandon();
    observer.end?.(card.target.path, error === undefined);
    results.set(card, {
      target: card.target,
      writtenBytes: card.totalBytes,
      durationMs: clock() - started,
      ...(error === undefined ? {} : { error, state: state ?? '' }),
    });
  };
  /** Does it on every card that is still well; one that fails is given up. */
  const onEach = (act: (card: Card) => Promise<void>): Promise<unknown> =>
    Promise.all(
      open.filter(card => !results.has(card)).map(card => act(card).catch((error: unknown) => end(card, error))),
    );
  try {
    await onEach(card => card.begin());
    await feed(
      image,
      signal,
      chunk => onEach(card => card.write(chunk)),
      () => results.size < open.length,
    );
    await onEach(async card => {
      await card.finish(signal);
      await end(card);
    });
  } catch (error) {
    for (const card of open) if (!results.has(card)) await end(card, signal.aborted ? stopped() : error);
  }
  if (signal.aborted)
    for (const [card, result] of results)
      if (result.error !== undefined) results.set(card, { ...result, error: stopped() });
  return open.flatMap(card => results.get(card) ?? []);
}

/** The next chunk is read while this one is written. */
async function feed(
  image: ImageSource,
  signal: AbortSignal,
  take: (chunk: Chunk) => Promise<unknown>,
  isWanted: () => boolean,
): Promise<void> {
  const chunks = image.read(signal);
  try {
    let next = chunks.next();
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = chunks.next();
      // Its failure is told when it is waited for.
      next.catch(() => undefined);
      await take(value);
      if (signal.aborted) throw stopped();
      if (!isWanted()) return;
    }
  } finally {
    await chunks.return();
  }
}
