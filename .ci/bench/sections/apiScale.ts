/** The API server with many objects: at 2,000 with every bench, at 50,000 when it is named. */
import type { ScaleFigures } from '../../../runtime/bench/apiScale.ts';
import { measuredBy } from '../child.ts';
import type { Figure } from '../figures.ts';
import type { Section } from '../section.ts';
import { rowFigures } from './api.ts';

/** Reads and writes may wait so long while everything is listed. */
const AT_MOST_MS = 50;

export const apiScale = (name: string, objects: number, watches: number, onlyNamed = false): Section => ({
  name,
  title: `API on this machine with ${objects.toLocaleString('en-US')} pods, and ${watches} watches`,
  notes: [
    '×32: thirty-two requests at a time. "while … are listed": another connection lists everything again and again.',
  ],
  ...(onlyNamed ? { onlyNamed, once: true } : {}),
  async run({ signal }) {
    const options = ['--objects', String(objects), '--watches', String(watches)];
    return { figures: scaleFigures(await measuredBy<ScaleFigures>('runtime/bench/apiScale.ts', signal, options)) };
  },
});

export function scaleFigures(measured: ScaleFigures): Figure[] {
  const { cpu, cells } = rowFigures(measured.rows);
  const limited = cells.map(
    (cell): Figure => (cell.label === 'p99' && cell.row?.includes(' while ') ? { ...cell, atMost: AT_MOST_MS } : cell),
  );
  return [
    ...cpu,
    {
      id: 'growth',
      label: 'RSS growth per 1,000 objects',
      unit: 'bytes',
      value: measured.growthMiBPerThousand * 1024 ** 2,
    },
    {
      id: 'diskBytesPerWrite',
      label: 'written to the disk, a write',
      unit: 'KiB',
      value: measured.diskBytesPerWrite / 1024,
    },
    {
      id: 'start',
      label: 'exec → ready with all objects (from source, through tsx)',
      unit: 'ms',
      value: measured.startMs,
    },
    { id: 'startedRss', label: 'RSS after that start', unit: 'bytes', value: measured.startedRssMiB * 1024 ** 2 },
    ...limited,
  ];
}
