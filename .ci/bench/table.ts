/** The table `make bench` prints: one frame a section, its columns as wide as they need. */
import { type Align, framed, type Grid, width } from '../../builder/src/table.ts';
import type { Summary } from './figures.ts';
import { amount, range, times } from './units.ts';

export interface SectionReport {
  readonly name: string;
  readonly title: string;
  /** What is compared, and how; lines under the title. */
  readonly notes: readonly string[];
  /** What it measured, where that is an image. */
  readonly image?: string;
  readonly summaries: readonly Summary[];
  /** What could not be measured, and why. */
  readonly problems: readonly string[];
}

interface Column {
  readonly head: string;
  readonly align: Align;
  readonly cell: (summary: Summary) => string;
}

const mark = (good: boolean | undefined): string => (good ? ' ✔' : ' ✘');

const columns: readonly Column[] = [
  { head: '', align: 'left', cell: ({ label }) => label },
  { head: 'ours', align: 'right', cell: ({ ours, unit }) => amount(ours.median, unit) },
  {
    head: 'min – max',
    align: 'right',
    cell: ({ ours, unit }) =>
      ours.samples.length < 2 || ours.min === ours.max ? '' : range(ours.min, ours.max, unit, ours.median),
  },
  { head: 'peer', align: 'right', cell: ({ peer, unit }) => (peer === undefined ? '' : amount(peer.median, unit)) },
  {
    head: 'of the peer',
    align: 'right',
    cell: ({ ratio, better }) => (ratio === undefined ? '' : `${times(ratio)}${mark(better)}`),
  },
  {
    head: 'aim',
    align: 'right',
    cell: ({ atMost, unit, met }) => (atMost === undefined ? '' : `≤ ${amount(atMost, unit)}${mark(met)}`),
  },
];

/** Breaks at blanks; a longer word stands alone, cut to the width. */
export function wrap(text: string, columnsWide: number): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    let current = '';
    for (const word of line.split(/ +/)) {
      if (current !== '' && width(current) + 1 + width(word) > columnsWide) {
        lines.push(current);
        current = '';
      }
      current = [...(current === '' ? word : `${current} ${word}`)].slice(0, columnsWide).join('');
    }
    lines.push(current);
  }
  return lines;
}

/** The figures, a row each, in those columns that say anything. */
function figureGrid(summaries: readonly Summary[]): Grid {
  const used = columns.filter(({ cell }, index) => index < 2 || summaries.some(summary => cell(summary) !== ''));
  return {
    head: used.map(({ head }) => head),
    aligns: used.map(({ align }) => align),
    body: summaries.map(summary => used.map(({ cell }) => cell(summary))),
  };
}

/** The aim of a cell is beside it. */
const aimed = ({ unit, atMost, met }: Summary): string =>
  atMost === undefined ? '' : ` (≤ ${amount(atMost, unit)}${mark(met)})`;

/** Figures with a `row`: the medians, rows and columns in the order they come. */
function cellGrid(summaries: readonly Summary[]): Grid {
  const heads = [...new Set(summaries.map(({ label }) => label))];
  const rows = [...new Set(summaries.map(({ row }) => row ?? ''))];
  const cell = (row: string, head: string): string => {
    const found = summaries.find(summary => summary.row === row && summary.label === head);
    return found === undefined ? '' : amount(found.ours.median, found.unit) + aimed(found);
  };
  return {
    head: ['', ...heads],
    aligns: ['left', ...heads.map((): Align => 'right')],
    body: rows.map(row => [row, ...heads.map(head => cell(row, head))]),
  };
}

/** Of the lines that say what could not be measured. */
const problemWidth = 100;

/** Title, notes, a frame with a row a figure, one with the figures that come in rows, and what could not be measured. */
export function sectionTable({ title, notes, image, summaries, problems }: SectionReport): string {
  const single = summaries.filter(({ row }) => row === undefined);
  const cells = summaries.filter(({ row }) => row !== undefined);
  return [
    image === undefined ? title : `${image}: ${title}`,
    ...notes.map(note => `  ${note}`),
    ...(single.length > 0 ? framed(figureGrid(single)) : []),
    ...(cells.length > 0 ? framed(cellGrid(cells)) : []),
    ...problems.flatMap(problem =>
      wrap(problem, problemWidth).map((line, index) => `${index === 0 ? '✘ not measured: ' : '  '}${line}`),
    ),
    '',
  ].join('\n');
}

/** Images side by side, by the figures that are for it. @returns nothing for one image alone */
export function comparison(reports: readonly SectionReport[]): string[] {
  const images = [...new Set(reports.flatMap(({ image = [] }) => image))];
  if (images.length < 2) return [];
  const cells = reports.flatMap(({ image, summaries }) =>
    summaries.flatMap(({ compared, ...summary }) =>
      image === undefined || compared === undefined ? [] : [{ ...summary, row: image, label: compared }],
    ),
  );
  return cells.length === 0 ? [] : ['Images side by side', ...framed(cellGrid(cells)), ''];
}

/** `7 of 8 aims met; 10 of 12 figures better than the peer's; 1 section incomplete: boot`. */
export function verdict(reports: readonly SectionReport[]): string {
  const all = reports.flatMap(({ summaries }) => summaries);
  const aims = all.flatMap(({ met }) => (met === undefined ? [] : [met]));
  const peers = all.flatMap(({ better }) => (better === undefined ? [] : [better]));
  const good = (some: readonly boolean[]): number => some.filter(Boolean).length;
  const broken = reports
    .filter(({ problems }) => problems.length > 0)
    .map(({ name, image }) => (image === undefined ? name : `${name} of ${image}`));
  return [
    ...(aims.length > 0 ? [`${good(aims)} of ${aims.length} aims met`] : []),
    ...(peers.length > 0 ? [`${good(peers)} of ${peers.length} figures better than the peer's`] : []),
    ...(broken.length > 0 ? [`not all measured: ${broken.join(', ')}`] : []),
  ].join('; ');
}
