/**
 * What a benchmark measures: figures of single runs, and what several runs say together.
 *
 * A figure is a number with a unit; 0 and anything that is no number is an error, because it means that the measurement
 * failed, not that something took no time.
 */

/** Milliseconds are shown as seconds from 1000 on, bytes as MiB. */
export type Unit = 'ms' | 'bytes' | 'per second' | 'ms CPU' | 'count' | 'KiB' | '%';

/** One number of one run. */
export interface Figure {
  /** Stable: what runs are put together by, and the name in the JSON. */
  readonly id: string;
  readonly label: string;
  /** With it, the figure is one cell of a second table: this is its row, `label` its column. */
  readonly row?: string;
  /** With it, the figure is one of those that images are compared by: its column there. */
  readonly compared?: string;
  /** More is better of what is `per second`, less of anything else. */
  readonly unit: Unit;
  readonly value: number;
  /** The peer's value: measured in the same run, or once, elsewhere. */
  readonly peer?: number;
  /** What we aim at: no more than this, in the figure's unit. */
  readonly atMost?: number;
}

/** Several runs of one thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In the order of the runs. */
  readonly samples: readonly number[];
}

export interface Summary {
  readonly id: string;
  readonly label: string;
  readonly row?: string;
  readonly compared?: string;
  readonly unit: Unit;
  readonly ours: Spread;
  readonly peer?: Spread;
  /** `ours.median / peer.median`. */
  readonly ratio?: number;
  /** Our median is better than the peer's: there is less of it, or of a rate more. */
  readonly better?: boolean;
  readonly atMost?: number;
  /** The aim is met in the median. */
  readonly met?: boolean;
}

/** The middle one; of an even number the mean of the two in the middle. @throws RangeError for none */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError('no samples: there is no median');
  return (lower + upper) / 2;
}

export function spread(samples: readonly number[]): Spread {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples), samples };
}

/** A run gave a figure that cannot be one. */
export class BadFigure extends Error {
  override readonly name = 'BadFigure';
}

function checked(label: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new BadFigure(`${label} is ${value}: it was not measured`);
  return value;
}

/**
 * Puts the runs together, figure by figure, in the order in which they first appear. A figure may be missing from a run.
 * @throws BadFigure for a value that is 0, negative or no number
 */
export function summarise(runs: readonly (readonly Figure[])[]): Summary[] {
  const byId = new Map<string, Figure[]>();
  for (const figure of runs.flat()) byId.set(figure.id, [...(byId.get(figure.id) ?? []), figure]);
  return [...byId.values()].map(of);
}

function of(figures: readonly Figure[]): Summary {
  const last = figures.at(-1);
  if (last === undefined) throw new RangeError('no figures');
  const { id, label, row, compared, unit, atMost } = last;
  const name = row === undefined ? label : `${row}, ${label}`;
  const ours = spread(figures.map(({ value }) => checked(name, value)));
  const peers = figures.flatMap(({ peer }) => (peer === undefined ? [] : [checked(`the peer's ${name}`, peer)]));
  const peer = peers.length > 0 ? spread(peers) : undefined;
  const ratio = peer === undefined ? undefined : ours.median / peer.median;
  return {
    id,
    label,
    ...(row === undefined ? {} : { row }),
    ...(compared === undefined ? {} : { compared }),
    unit,
    ours,
    ...(peer === undefined ? {} : { peer }),
    ...(ratio === undefined ? {} : { ratio, better: unit === 'per second' ? ratio > 1 : ratio < 1 }),
    ...(atMost === undefined ? {} : { atMost, met: ours.median <= atMost }),
  };
}
