/** The store alone, in one process, on the disk of $TMPDIR. */
import type { BenchRow } from '../../../runtime/src/store/sqlite/bench.ts';
import { measuredBy } from '../child.ts';
import type { Figure, Unit } from '../figures.ts';
import type { Section } from '../section.ts';

export const store: Section = {
  name: 'store',
  title: 'The store on this machine: SQLite, values of 2,000 bytes',
  notes: ['A commit is durable when it is answered; writers that come together share a transaction (a group).'],
  async run({ signal }) {
    const rows = [
      ...(await measuredBy<BenchRow[]>('runtime/src/store/sqlite/bench.ts', signal)),
      ...(await measuredBy<BenchRow[]>('runtime/src/store/sqlite/benchLarge.ts', signal)),
    ];
    return { figures: rows.map(storeFigure) };
  },
};

/** The bench's own units; a row in one we do not know is an error, not a row without a unit. */
const units: Readonly<Record<string, { unit: Unit; factor?: number }>> = {
  '/s': { unit: 'per second' },
  ms: { unit: 'ms' },
  'ms each': { unit: 'ms CPU' },
  'KiB each': { unit: 'KiB' },
  MiB: { unit: 'bytes', factor: 1024 ** 2 },
  commits: { unit: 'count' },
};

export function storeFigure({ name, value, unit }: BenchRow): Figure {
  const known = units[unit];
  if (known === undefined)
    throw new Error(`the store's bench gives ${name} in '${unit}', a unit this table does not know`);
  return { id: name, label: name, unit: known.unit, value: value * (known.factor ?? 1) };
}
