import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Figure, summarise } from './figures.ts';
import { comparison, type SectionReport, sectionTable, verdict, wrap } from './table.ts';

const report = (figures: readonly Figure[][], problems: readonly string[] = []): SectionReport => ({
  name: 'build',
  title: 'Build',
  notes: ['Cold and warm.'],
  summaries: summarise(figures),
  problems,
});

const builds: Figure[][] = [
  [
    { id: 'cold', label: 'cold build', unit: 'ms', value: 30_000, peer: 60_000 },
    { id: 'change', label: 'one line changed', unit: 'ms', value: 31_000, atMost: 30_000 },
  ],
  [
    { id: 'cold', label: 'cold build', unit: 'ms', value: 32_000, peer: 64_000 },
    { id: 'change', label: 'one line changed', unit: 'ms', value: 33_000, atMost: 30_000 },
  ],
];

test('ours, the range, the peer with the ratio, the aim and whether it is met', () => {
  assert.equal(
    sectionTable(report(builds)),
    `Build
  Cold and warm.
┌──────────────────┬────────┬─────────────┬────────┬─────────────┬────────────┐
│                  │   ours │   min – max │   peer │ of the peer │        aim │
├──────────────────┼────────┼─────────────┼────────┼─────────────┼────────────┤
│ cold build       │ 31.0 s │ 30.0 – 32.0 │ 62.0 s │    0.50 × ✔ │            │
│ one line changed │ 32.0 s │ 31.0 – 33.0 │        │             │ ≤ 30.0 s ✘ │
└──────────────────┴────────┴─────────────┴────────┴─────────────┴────────────┘
`,
  );
});

test('columns that say nothing are left out', () => {
  const table = sectionTable(report([[{ id: 'a', label: 'packages', unit: 'count', value: 100 }]]));
  assert.equal(table.split('\n')[3], '│          │ ours │');
  assert.equal(table.split('\n')[5], '│ packages │  100 │');
});

test('figures with a row make a second frame', () => {
  const cell = (row: string, label: string, value: number): Figure => ({
    ...{ id: `${row}.${label}`, row, label, unit: 'ms', value },
  });
  const table = sectionTable(
    report([[cell('get', 'p50', 1), { ...cell('get', 'p99', 2), atMost: 5 }, cell('list', 'p99', 30)]]),
  );
  assert.deepEqual(table.split('\n').slice(2, 8), [
    '┌──────┬─────────┬───────────────────────┐',
    '│      │     p50 │                   p99 │',
    '├──────┼─────────┼───────────────────────┤',
    '│ get  │ 1.00 ms │ 2.00 ms (≤ 5.00 ms ✔) │',
    '│ list │         │               30.0 ms │',
    '└──────┴─────────┴───────────────────────┘',
  ]);
});

test('what could not be measured says why, with figures or without', () => {
  assert.match(sectionTable(report([], ['no KVM and no QEMU'])), /✘ not measured: no KVM and no QEMU/);
  assert.match(sectionTable(report(builds, ['mkosi: needs root'])), /┘\n✘ not measured: mkosi: needs root\n/);
});

test('the last line counts', () => {
  assert.equal(verdict([report(builds)]), "0 of 1 aims met; 1 of 1 figures better than the peer's");
  assert.equal(verdict([report([], ['no'])]), 'not all measured: build');
});

test('wrap breaks at blanks and cuts what has none', () => {
  assert.deepEqual(wrap('aa bb cc\ndd', 5), ['aa bb', 'cc', 'dd']);
  assert.deepEqual(wrap('abcdefgh', 5), ['abcde']);
});

test('images are compared by the figures that are for it, if there is more than one', () => {
  const of = (image: string, ...figures: Figure[]): SectionReport => ({ ...report([figures]), image });
  const ready = (value: number): Figure => ({ id: 'r', label: 'node Ready', compared: 'Ready', unit: 'ms', value });
  const size: Figure = {
    id: 's',
    label: 'disk',
    compared: 'compressed',
    unit: 'bytes',
    value: 2 ** 20,
    atMost: 2 ** 21,
  };
  const other: Figure = { id: 'x', label: 'root switched', unit: 'ms', value: 1 };
  const one = [report([[ready(7)]]), of('vm-a', ready(31_400), other)];
  assert.deepEqual(comparison(one), []);
  assert.deepEqual(comparison([...one, of('vm-b', ready(88_500)), of('vm-b', size), of('pi', other)]), [
    'Images side by side',
    '┌──────┬────────┬─────────────────────────┐',
    '│      │  Ready │              compressed │',
    '├──────┼────────┼─────────────────────────┤',
    '│ vm-a │ 31.4 s │                         │',
    '│ vm-b │ 88.5 s │ 1.00 MiB (≤ 2.00 MiB ✔) │',
    '└──────┴────────┴─────────────────────────┘',
    '',
  ]);
});
