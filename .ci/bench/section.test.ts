import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BuildError } from '../../builder/src/errors.ts';
import type { Figure } from './figures.ts';
import { measureSection, reason, type Section, writeReport } from './section.ts';
import { apiFigures } from './sections/api.ts';
import { storeFigure } from './sections/store.ts';

const figure = (value: number): Figure => ({ id: 'a', label: 'A', unit: 'ms', value });
const context = (signal: AbortSignal = new AbortController().signal) => ({
  image: 'none',
  runs: 3,
  signal,
  say: () => {},
});
const section = (fields: Partial<Section>): Section => ({
  name: 'one',
  title: 'One',
  notes: [],
  run: (_context, run) => Promise.resolve({ figures: [figure(run)] }),
  ...fields,
});

describe('a section', () => {
  test('runs as often as asked, or once', async () => {
    const often = await measureSection(section({}), context());
    assert.deepEqual(often.summaries[0]?.ours.samples, [1, 2, 3]);
    const once = await measureSection(section({ once: true }), context());
    assert.deepEqual(once.summaries[0]?.ours.samples, [1]);
  });

  test('that fails says why, keeps the runs before and is closed', async () => {
    let closed = 0;
    const report = await measureSection(
      section({
        run: (_context, run) =>
          run === 3 ? Promise.reject(new Error('the disk is full')) : Promise.resolve({ figures: [figure(run)] }),
        close: async () => {
          closed++;
        },
      }),
      context(),
    );
    assert.deepEqual(report.problems, ['the disk is full']);
    assert.deepEqual(report.summaries[0]?.ours.samples, [1, 2]);
    assert.equal(closed, 1);
  });

  test('that gives a 0 has not measured it', async () => {
    const report = await measureSection(section({ run: async () => ({ figures: [figure(0)] }) }), context());
    assert.deepEqual([report.summaries.length, report.problems], [0, ['A is 0: it was not measured']]);
  });

  test('names a problem of several runs once', async () => {
    const run = async () => ({ figures: [figure(1)], problems: ['mkosi: needs root'] });
    assert.deepEqual((await measureSection(section({ run }), context())).problems, ['mkosi: needs root']);
  });

  test('does not begin when interrupted', async () => {
    const report = await measureSection(section({}), context(AbortSignal.abort(new Error('interrupted'))));
    assert.deepEqual([report.summaries.length, report.problems], [0, ['interrupted']]);
  });

  test('is written with every sample', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-bench-test-'));
    try {
      await writeReport(join(directory, 'deep'), await measureSection(section({}), context()), { cores: 2 });
      const written = JSON.parse(await readFile(join(directory, 'deep', 'one.json'), 'utf8'));
      assert.deepEqual(
        [written.section, written.machine, written.figures[0].ours.samples],
        ['one', { cores: 2 }, [1, 2, 3]],
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

test('a tool that failed is quoted from its own error on, or else with its last words', () => {
  const failed = (tail: string): BuildError => new BuildError('TOOL_FAILED', 'the build ended with status 1', { tail });
  assert.equal(
    reason(failed('disk: Write the disk\nerror: the disk is full [NO_SPACE]\n  → Free some space')),
    'the build ended with status 1\nerror: the disk is full [NO_SPACE]\n  → Free some space',
  );
  assert.equal(reason(failed('1\n2\n3\n4\n5\n')), 'the build ended with status 1\n2\n3\n4\n5');
  assert.equal(reason('odd'), 'odd');
});

test('the rows of the API bench become CPU figures with their peer, and cells', () => {
  const row = {
    operation: 'get',
    protocol: 'h2',
    operations: 1,
    perSecond: 9,
    p50Ms: 1,
    p99Ms: 2,
    cpuMsPerOperation: 0.3,
  };
  const figures = apiFigures({ readyMs: 1, idleRssMiB: 1, loadedRssMiB: 90, rows: [{ ...row, anchorCpuMs: 0.9 }] });
  assert.deepEqual(figures[0], { id: 'get, h2.cpu', label: 'get, h2', unit: 'ms CPU', value: 0.3, peer: 0.9 });
  assert.deepEqual(
    figures.filter(one => one.row === 'get, h2').map(one => [one.label, one.value]),
    [
      ['rate', 9],
      ['p50', 1],
      ['p99', 2],
    ],
  );
});

test('a unit of the store bench that is not known is an error', () => {
  assert.equal(storeFigure({ name: 'file', value: 2, unit: 'MiB' }).value, 2 * 1024 ** 2);
  assert.throws(() => storeFigure({ name: 'file', value: 2, unit: 'acres' }), /a unit this table does not know/);
});
