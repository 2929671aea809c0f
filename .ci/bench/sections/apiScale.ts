/** The API server with many objects: at 2,000 with every bench, at 50,000 when it is named. */
import type { ScaleFigures } from '../../../runtime/bench/apiScale.ts';
import { measuredBy } from '../child.ts';
import type { Figure } from '../figures.ts';
import type { Section } from '../section.ts';
import { rowFigures } from './api.ts';

/** Reads and writes may take so long, also while everything is listed. */
const AT_MOST_MS = 50;
/** An event may take so long to reach the last of all watches. */
const DELIVERED_MS = 100;
/** What an operation may cost, CPU ms. */
const mostCpuMs: Readonly<Record<string, number>> = { get: 0.25, 'list 2000': 24 };
const MIB = 1024 ** 2;
/** From so many objects on the caches are full: 16 MiB of them. */
const CACHES_FULL = 10_000;

export const apiScale = (name: string, objects: number, watches: number, onlyNamed = false): Section => ({
  name,
  title: `API on this machine with ${objects.toLocaleString('en-US')} pods, and ${watches} watches`,
  notes: [
    '×16, ×32: as many requests at a time; get: eight; lists and ×1: one. Writes are durable before they are answered.',
    '"while … are listed": another client lists everything all the time. Peer: kube-apiserver 1.36 with etcd, measured',
    'elsewhere with 2,000 pods; its list of more is taken to cost as much an object.',
  ],
  ...(onlyNamed ? { onlyNamed, once: true } : {}),
  async run({ signal }) {
    const options = ['--objects', String(objects), '--watches', String(watches)];
    return { figures: scaleFigures(await measuredBy<ScaleFigures>('runtime/bench/apiScale.ts', signal, options)) };
  },
});

export function scaleFigures(measured: ScaleFigures): Figure[] {
  const { cpu, cells } = rowFigures(measured.rows);
  const { growthMiBPerThousand, listingRssMiB, startedRssMiB, startMs, diskBytesPerWrite } = measured;
  return [
    ...cpu.map((figure): Figure => {
      const [operation = ''] = figure.label.split(', ');
      const atMost = mostCpuMs[operation];
      return atMost === undefined ? figure : { ...figure, atMost };
    }),
    growthFigure(measured.objects, growthMiBPerThousand * MIB),
    figure('listingRss', 'RSS at most while everything is listed', 'bytes', listingRssMiB * MIB, 300 * MIB),
    figure('diskBytesPerWrite', 'written to the disk, a write', 'KiB', diskBytesPerWrite / 1024, 16),
    figure('start', 'exec → ready with all objects', 'ms', startMs, 5_000),
    figure('startedRss', 'RSS after that start', 'bytes', startedRssMiB * MIB, 200 * MIB),
    ...cells.map((cell): Figure => {
      const atMost = cell.label === 'p99' ? latencyAim(cell.row ?? '') : undefined;
      return atMost === undefined ? cell : { ...cell, atMost };
    }),
  ];
}

/**
 * Of an object there are 2.5 KB: what holds every object in memory grows by more. Of few objects it is no measure of that: caches with a limit
 * fill, and V8's heap has not come to its size yet (a snapshot of it grows by 0.8 KB an object then).
 */
function growthFigure(objects: number, bytes: number): Figure {
  const growth = { id: 'growth', label: 'RSS growth per 1,000 objects', unit: 'bytes', value: bytes } as const;
  return objects < CACHES_FULL ? growth : { ...growth, atMost: 2.5 * MIB };
}

const figure = (id: string, label: string, unit: Figure['unit'], value: number, atMost: number): Figure => ({
  ...{ id, label, unit, value, atMost },
});

/** One request at a time; what many ask at once waits for each other. */
function latencyAim(row: string): number | undefined {
  if (row.includes('×1 while ') || /×1,/.test(row)) return AT_MOST_MS;
  return row.includes(' seen by ') ? DELIVERED_MS : undefined;
}
