/** What is written on each card besides the image: its documents, made ready before the first card is touched. */
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import { cacheDirectory } from '../paths.ts';
import type { Progress } from '../progress.ts';
import type { Choice } from './choose.ts';
import { documentsFor, FatPartition, isCustomised } from './customise.ts';
import type { CardPlan } from './flash.ts';
import type { ImageSource } from './source.ts';

/** Wherever a name is from: two nodes of one name are one to the cluster. @throws BuildError CONFIGURATION_INVALID */
function assertNamedApart(cards: readonly Omit<CardPlan, 'patches'>[]): void {
  const first = new Map<string, string>();
  for (const { target, hostname } of cards) {
    const other = hostname === undefined ? undefined : first.get(hostname);
    if (other !== undefined)
      throw new BuildError('CONFIGURATION_INVALID', `${other} and ${target.path} would both be called ${hostname}`, {
        hint: 'Nothing was written. Give each card its own name: --hostname-pattern node-{n}, or --cards FILE.',
      });
    if (hostname !== undefined) first.set(hostname, target.path);
  }
}

/** What each card is told, as blocks. @throws BuildError CONFIGURATION_INVALID before anything is written */
export async function plans(
  choices: readonly Choice[],
  image: ImageSource,
  progress: Progress,
  signal: AbortSignal,
): Promise<CardPlan[]> {
  if (!choices.some(({ request }) => isCustomised(request)))
    return choices.map(({ target }) => ({ target, patches: [] }));
  const line = progress.start('configuration', 'Prepare what the cards are told');
  const fat = await FatPartition.extract(image, join(cacheDirectory(), 'tmp'), signal).catch((error: unknown) => {
    line.fail();
    throw error;
  });
  try {
    const prepared = choices.map(({ request, target }) => {
      if (!isCustomised(request)) return { target, documents: {} };
      const { warnings, ...told } = documentsFor(request, fat.present, request.hostname ?? target.path);
      for (const warning of warnings) progress.say(warning);
      return { target, ...told };
    });
    assertNamedApart(prepared);
    const made: CardPlan[] = [];
    for (const { documents, ...card } of prepared) {
      line.note(card.target.path);
      const patches = Object.keys(documents).length === 0 ? [] : await fat.patches(documents);
      made.push({ ...card, patches });
    }
    line.done();
    return made;
  } catch (error) {
    line.fail();
    throw error;
  } finally {
    await fat.close();
  }
}
