/** What a person sees while cards are written, and at the end. */
import { basename } from 'node:path';
import type { Progress, ProgressLine } from '../progress.ts';
import { framed } from '../table.ts';
import type { Observer, Phase } from './card.ts';
import type { CardPlan, CardResult } from './flash.ts';
import type { ImageSource } from './source.ts';
import { durationText, sizeText } from './words.ts';

/** A line a card: how far, how fast, how long still. */
export function cardLines(progress: Progress): Observer {
  const now = (): number => performance.now();
  const lines = new Map<string, ProgressLine>();
  const phases = new Map<string, { readonly phase: Phase; readonly since: number }>();
  return {
    phase(card, phase) {
      if (!lines.has(card)) lines.set(card, progress.start(basename(card), `Flash ${card}`));
      phases.set(card, { phase, since: now() });
      lines.get(card)?.note(phase);
    },
    progress(card, doneBytes, totalBytes) {
      const { phase, since } = phases.get(card) ?? { phase: 'writing', since: now() };
      const seconds = (now() - since) / 1000;
      const rate = seconds > 0.5 ? doneBytes / seconds : 0;
      const pace = rate > 0 ? `, ${sizeText(rate)}/s, ${durationText((totalBytes - doneBytes) / rate)} left` : '';
      lines.get(card)?.note(`${phase} ${Math.floor((100 * doneBytes) / totalBytes)} %${pace}`);
    },
    end(card, well) {
      const line = lines.get(card);
      if (well) line?.done();
      else line?.fail();
    },
  };
}

/** A row a card. */
export function resultText(results: readonly CardResult[], cards: readonly CardPlan[], image: ImageSource): string {
  const rows = results.map(({ target, error, writtenBytes, durationMs }, index) => {
    const bytesPerSecond = (writtenBytes * 1000) / Math.max(1, durationMs);
    return error === undefined
      ? [
          `✔ ${target.path}`,
          cards[index]?.hostname ?? '',
          sizeText(writtenBytes),
          `${(durationMs / 1000).toFixed(1)} s`,
          `${sizeText(bytesPerSecond)}/s`,
          'written and read back',
        ]
      : [`✘ ${target.path}`, cards[index]?.hostname ?? '', '', '', '', 'NOT flashed'];
  });
  const table = framed({
    head: ['Card', 'Host name', 'Written', 'In', 'Rate', ''],
    aligns: ['left', 'left', 'right', 'right', 'right', 'left'],
    body: rows,
  });
  const of = image.mapped ? ` (used blocks of ${sizeText(image.imageBytes)})` : '';
  return `${table.join('\n')}\n${image.path}${of}\n`;
}
