/** How an installation is shown: one line that changes on a terminal, a line a step elsewhere. Pure. */
import type { Progress } from '../machine/upgrade/types.ts';
import { formatBytes, formatDuration, type Paint, plain } from './statusPage.ts';

const phases: Readonly<Record<Progress['phase'], string>> = {
  reading: 'Reading the bundle',
  comparing: 'Comparing with what is here',
  writing: 'Writing',
  verifying: 'Reading back',
  arming: 'Making it the next boot',
  restarting: 'Restarting',
  done: 'Installed',
  failed: 'Failed',
};
const WIDTH = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of so many characters, in eighths. */
export function bar(share: number, width = WIDTH): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8);
  const full = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return full + '·'.repeat(width - full.length);
}

const shareOf = ({ doneBytes, totalBytes }: Progress): number => (totalBytes > 0 ? doneBytes / totalBytes : 0);

/** What matters most first. */
function amounts({ phase, doneBytes, totalBytes, downloadedBytes, secondsLeft }: Progress): string[] {
  return [
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
    ...(totalBytes > 0 ? [`${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`] : []),
    ...(phase === 'writing' ? [`${formatBytes(downloadedBytes)} downloaded`] : []),
  ];
}

/** The line on a terminal, no wider than it. */
export function progressLine(progress: Progress, columns: number, paint: Paint = plain): string {
  const title = phases[progress.phase];
  if (progress.totalBytes === 0) return `  ${title}`.slice(0, columns);
  const percent = `${String(Math.floor(shareOf(progress) * 100)).padStart(3)} %`;
  const head = `  ${title.padEnd(27)} `;
  const room = Math.min(WIDTH, columns - head.length - 6);
  if (room < 8) return `  ${title} ${percent}`.slice(0, columns);
  let tail = ` ${percent} `;
  for (const part of amounts(progress))
    if (head.length + room + tail.length + part.length + 2 <= columns) tail += ` ${part} `;
  return `${head}${paint.good(bar(shareOf(progress), room))}${tail.trimEnd()}`;
}

/** Where nothing can be overwritten: a line for each step, and one every quarter of it. */
export class PlainProgress {
  #phase = '';
  #quarter = 0;

  /** Lines to print now; mostly none. */
  next(progress: Progress): string[] {
    if (progress.phase === 'done' || progress.phase === 'failed') return [];
    if (progress.phase !== this.#phase) {
      this.#phase = progress.phase;
      this.#quarter = 0;
      return [phases[progress.phase]];
    }
    const quarter = Math.floor(shareOf(progress) * 4);
    if (quarter <= this.#quarter || quarter >= 4) return [];
    this.#quarter = quarter;
    return [`${phases[progress.phase]}: ${quarter * 25} %, ${amounts(progress).join(', ')}`];
  }
}
