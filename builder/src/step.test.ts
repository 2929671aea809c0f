import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { BuildError } from './errors.ts';
import { type TreeRef, treeRef } from './files.ts';
import { createProgress } from './progress.ts';
import { type Step, StepRunner, stepKey } from './step.ts';

let cache = '';
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'atoll-cache-'));
});
afterEach(() => rm(cache, { recursive: true }));

const quiet = createProgress({ write: () => true }, {});
const runner = (signal: AbortSignal = new AbortController().signal): StepRunner =>
  new StepRunner({ cache, progress: quiet, signal });

let runs = 0;
const upper: Step<{ readonly text: string }, 'out'> = {
  name: 'upper',
  title: 'Upper case',
  module: import.meta.url,
  outputs: ['out'],
  async run({ text }, { directory }) {
    runs++;
    await writeFile(join(directory, 'out'), text.toUpperCase());
  },
};

test('equal inputs run once; another input runs again', async () => {
  runs = 0;
  const first = await runner().run(upper, { text: 'a' });
  const steps = runner();
  const second = await steps.run(upper, { text: 'a' });
  assert.equal(runs, 1);
  assert.equal(await readFile(second.out.path, 'utf8'), 'A');
  assert.equal(first.out.sha256, second.out.sha256);
  assert.deepEqual(
    steps.timings.map(({ cached }) => cached),
    [true],
  );
  await runner().run(upper, { text: 'b' });
  assert.equal(runs, 2);
});

test('the key covers content, not paths', () => {
  const file = (path: string, sha256: string): unknown => ({ in: { kind: 'file', path, sha256, sizeBytes: 1 } });
  assert.equal(stepKey('s', 'v', file('/a', 'x')), stepKey('s', 'v', file('/b', 'x')));
  assert.notEqual(stepKey('s', 'v', file('/a', 'x')), stepKey('s', 'v', file('/a', 'y')));
  assert.notEqual(stepKey('s', 'v1', 1), stepKey('s', 'v2', 1));
  assert.notEqual(stepKey('s', 'v', 1), stepKey('t', 'v', 1));
  assert.equal(stepKey('s', 'v', { a: 1, b: 2 }), stepKey('s', 'v', { b: 2, a: 1 }));
  assert.notEqual(stepKey('s', 'v', { path: '/a' }), stepKey('s', 'v', { path: '/b' }));
});

test('a damaged result is made again', async () => {
  runs = 0;
  const { out } = await runner().run(upper, { text: 'abc' });
  await truncate(out.path, 1);
  const again = await runner().run(upper, { text: 'abc' });
  assert.equal(runs, 2);
  assert.equal(await readFile(again.out.path, 'utf8'), 'ABC');
});

test('a step that fails leaves nothing, and works the next time', async () => {
  let broken = true;
  const step: Step<null, 'out'> = {
    ...upper,
    name: 'fails',
    async run(_inputs, { directory }) {
      await writeFile(join(directory, 'out'), 'half');
      if (broken) throw new BuildError('TOOL_FAILED', 'it broke');
    },
  };
  await assert.rejects(runner().run(step, null), /it broke/);
  assert.deepEqual(await readdir(join(cache, 'tmp')), []);
  await assert.rejects(readdir(join(cache, 'steps/fails')));
  broken = false;
  await runner().run(step, null);
});

test('a step that forgets an output is told so', async () => {
  const step: Step<null, 'out'> = { ...upper, name: 'forgets', run: async () => undefined };
  await assert.rejects(runner().run(step, null), { code: 'STEP_BROKEN' });
});

test('a full disk is one clear error, from Node or from a tool', async () => {
  const causes = [
    Object.assign(new Error('write'), { code: 'ENOSPC' }),
    new BuildError('TOOL_FAILED', 'mkfs failed', { tail: 'write: No space left on device' }),
  ];
  for (const cause of causes) {
    const step: Step<null, 'out'> = { ...upper, name: 'full', run: () => Promise.reject(cause) };
    await assert.rejects(
      runner().run(step, null),
      (error: BuildError) => error.code === 'NO_SPACE' && /Free some space/.test(error.hint ?? ''),
    );
  }
});

test('a folder that is written to while a step reads it gives no result under its old hash', async () => {
  const folder = join(cache, 'sources');
  await mkdir(folder);
  await writeFile(join(folder, 'a'), 'before');
  const step: Step<{ readonly from: { readonly sources: TreeRef } }, 'out'> = {
    ...upper,
    name: 'reads',
    async run({ from }, { directory }) {
      if ((await readFile(join(folder, 'a'), 'utf8')) === 'before') await writeFile(join(folder, 'a'), 'after');
      await writeFile(join(directory, 'out'), await readFile(join(from.sources.path, 'a')));
    },
  };
  const inputs = async (): Promise<{ from: { sources: TreeRef } }> => ({ from: { sources: await treeRef(folder) } });
  await assert.rejects(runner().run(step, await inputs()), { code: 'INPUT_CHANGED', hint: 'Run the build again.' });
  const { out } = await runner().run(step, await inputs());
  assert.equal(await readFile(out.path, 'utf8'), 'after');
});

test('an interrupted build starts no step', async () => {
  const abort = new AbortController();
  abort.abort();
  await assert.rejects(runner(abort.signal).run(upper, { text: 'x' }), { code: 'INTERRUPTED' });
});

test('two builds of the same step at once both get the result', async () => {
  const [a, b] = await Promise.all([runner().run(upper, { text: 'same' }), runner().run(upper, { text: 'same' })]);
  assert.equal(a.out.sha256, b.out.sha256);
  assert.deepEqual(await readdir(join(cache, 'tmp')), []);
});

test('whoever comes second does not touch the result of the first, which may be being read', async () => {
  const { out } = await runner().run(upper, { text: 'read' });
  const { ino } = await stat(out.path);
  const aside = join(cache, 'aside');
  await rename(dirname(out.path), aside);
  const late: Step<{ readonly text: string }, 'out'> = {
    ...upper,
    async run(inputs, context) {
      await rename(aside, dirname(out.path));
      await upper.run(inputs, context);
    },
  };
  assert.equal((await runner().run(late, { text: 'read' })).out.path, out.path);
  assert.equal((await stat(out.path)).ino, ino);
});

test('old results are pruned, new ones stay; small ones stay longer', async () => {
  /** A file that says it has so many bytes, and holds none. */
  const holes: Step<{ readonly sizeBytes: number; readonly text: string }, 'out'> = {
    ...upper,
    name: 'holes',
    async run({ sizeBytes, text }, { directory }) {
      await writeFile(join(directory, 'out'), text);
      await truncate(join(directory, 'out'), sizeBytes);
    },
  };
  const texts = ['1', '2', '3', '4', '5', '6', '7', '8'];
  for (const text of texts) {
    await runner().run(upper, { text });
    await runner().run(holes, { sizeBytes: 16 * 1024 ** 2, text });
  }
  await runner().prune('any');
  const left = async (name: string): Promise<number> => (await readdir(join(cache, 'steps', name))).length;
  assert.ok((await left('upper')) >= texts.length);
  assert.equal(await left('holes'), 6);
  runs = 0;
  await runner().run(upper, { text: '8' });
  assert.equal(runs, 0);
});

test('what the last build of an image used stays, as long as the image is built now and then', async () => {
  const entries = async (): Promise<string[]> => await readdir(join(cache, 'steps', 'large'));
  const large: Step<{ readonly text: string }, 'out'> = {
    ...upper,
    name: 'large',
    async run({ text }, { directory }) {
      await writeFile(join(directory, 'out'), text);
      await truncate(join(directory, 'out'), 128 * 1024 ** 2);
    },
  };
  const build = async (image: string, text: string): Promise<string> => {
    const steps = runner();
    await steps.run(large, { text });
    await steps.prune(image);
    return steps.timings[0]?.key ?? '';
  };
  const once = await build('seldom', 'x');
  for (const text of ['1', '2', '3', '4', '5', '6', '7']) await build('often', text);
  assert.deepEqual([(await entries()).length, (await entries()).includes(once)], [7, true]);
  const long = new Date(Date.now() - 31 * 24 * 3600_000);
  await utimes(join(cache, 'last-builds', 'seldom.json'), long, long);
  await writeFile(join(cache, 'last-builds', 'broken.json'), '[');
  await build('often', '8');
  assert.deepEqual([(await entries()).length, (await entries()).includes(once)], [6, false]);
  assert.deepEqual((await readdir(join(cache, 'last-builds'))).sort(), ['broken.json', 'often.json']);
});

test('side by side: the first failure stops the other and is what is thrown', async () => {
  let stopped = false;
  const waiting: Step<Record<string, never>, 'out'> = {
    ...upper,
    name: 'waiting',
    run: (_inputs, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(signal.reason as Error);
        });
      }),
  };
  const failing: Step<Record<string, never>, 'out'> = {
    ...upper,
    name: 'failing',
    run: () => Promise.reject(new BuildError('STEP_BROKEN', 'no good')),
  };
  const steps = runner();
  await assert.rejects(
    steps.together(
      () => steps.run(waiting, {}),
      () => steps.run(failing, {}),
    ),
    /no good/,
  );
  assert.equal(stopped, true);
  assert.deepEqual(await readdir(join(cache, 'tmp')), []);
  await assert.rejects(steps.run(upper, { text: 'after' }), /interrupted/i);
});

test('side by side: both results, in their places', async () => {
  const steps = runner();
  const [one, other] = await steps.together(
    () => steps.run(upper, { text: 'one' }),
    () => steps.run(upper, { text: 'other' }),
  );
  assert.equal(await readFile(one.out.path, 'utf8'), 'ONE');
  assert.equal(await readFile(other.out.path, 'utf8'), 'OTHER');
});
