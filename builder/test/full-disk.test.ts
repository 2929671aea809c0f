/**
 * One line of the runtime changed, on disks that are too small: first for the cache (a file Node writes, then one a tool
 * writes), then for the output. Each time the error says so, nothing half-made stays, and with more room the build goes on; what
 * ran in all is the changed step and what depends on it. The disks are tmpfs in a mount namespace, which vanishes by itself.
 */
import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';
import {
  cli,
  cliCommand,
  makeWorkshop,
  nothingLivesIn,
  type Outcome,
  stepsIn,
  succeeded,
  warmCache,
} from './workshop.ts';

const image = 'vm-x86_64';
const mebibyte = 1024 ** 2;
let workshop = '';
/** What the four builds printed, and what the disks held after each. */
const stages: (Outcome & { readonly cache: string[]; readonly out: string[] })[] = [];

/** A copy of the runtime's sources that differs by one line. */
async function changedRuntime(folder: string): Promise<string> {
  const sources = join(folder, 'src');
  await cp(join(repositoryRoot, 'runtime/src'), sources, { recursive: true });
  await symlink(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
  await appendFile(join(sources, 'cli/version.ts'), `\nprocess.env.ATOLL_TEST = '${process.pid}';\n`);
  return sources;
}

/** Bytes of the newest result of a step in the machine's cache. */
async function sizeOf(step: string, file: string): Promise<number> {
  const folder = join(cacheDirectory(), 'steps', step);
  const sizes = (await readdir(folder)).map(async key => (await stat(join(folder, key, file))).size);
  return Math.max(...(await Promise.all(sizes)));
}

before(
  async () => {
    workshop = await makeWorkshop();
    succeeded(await cli(['build', image, '--no-compress', '--out', join(workshop, 'warm-up')]));
    const runtime = await changedRuntime(join(workshop, 'runtime'));
    await warmCache(join(workshop, 'warm'));
    const [disk, out] = [join(workshop, 'disk'), join(workshop, 'out')];
    for (const folder of [disk, out]) await mkdir(folder);
    const rootBytes = await sizeOf('root', 'root.tar');
    const command = [
      ...cliCommand(),
      'build',
      image,
      '--no-compress',
      '--runtime',
      runtime,
      '--out',
      join(out, 'built'),
    ];
    const quoted = command.map(word => `'${word}'`).join(' ');
    const stage = (number: number): string => `
      status=0; ${quoted} >stage${number}.out 2>stage${number}.err || status=$?
      echo $status >stage${number}.status
      find disk/cache/tmp disk/cache/steps -type f -newer start >stage${number}.cache
      ls -A out/built >stage${number}.built 2>/dev/null || :`;
    const script = `
      mount -t tmpfs -o size=${Math.round(rootBytes / 2)} tmpfs disk
      mount -t tmpfs -o size=${64 * mebibyte} tmpfs out
      cp -a warm disk/cache; touch start; mkdir -p disk/cache/tmp
      ${stage(1)}
      mount -o remount,size=${rootBytes + 40 * mebibyte} disk
      ${stage(2)}
      mount -o remount,size=${4096 * mebibyte} disk
      ${stage(3)}
      mount -o remount,size=${4096 * mebibyte} out
      ${stage(4)}`;
    await writeFile(join(workshop, 'stages.sh'), script);
    const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
    await run(['unshare', ...namespace, '--propagation', 'private', 'sh', '-eu', 'stages.sh'], {
      cwd: workshop,
      env: { ...process.env, CI: 'true', ATOLL_CACHE: join(disk, 'cache') },
    });
    for (const number of [1, 2, 3, 4]) {
      const read = (name: string): Promise<string> => readFile(join(workshop, `stage${number}.${name}`), 'utf8');
      const lines = async (name: string): Promise<string[]> =>
        (await read(name)).split('\n').filter(line => line !== '');
      stages.push({
        status: Number(await read('status')),
        stdout: await read('out'),
        stderr: await read('err'),
        cache: await lines('cache'),
        out: await lines('built'),
      });
    }
  },
  { timeout: 200_000 },
);
after(() => rm(workshop, { recursive: true, force: true }));

function stage(number: number): (typeof stages)[number] {
  const found = stages[number - 1];
  assert.ok(found);
  return found;
}

for (const { number, failed, doing, folder } of [
  { number: 1, failed: 'erofs', doing: 'Root file system and verity', folder: 'disk/cache' },
  { number: 2, failed: 'erofs', doing: 'Root file system and verity', folder: 'disk/cache' },
  { number: 3, failed: 'artefact', doing: 'writing ', folder: 'out/built' },
]) {
  test(`a disk that is full at ${failed} (${number}): the error says which disk, and what to do`, () => {
    const { status, stderr, stdout, cache, out } = stage(number);
    assert.equal(status, 1, stderr);
    assert.match(stderr, new RegExp(`^${failed}: FAILED after`, 'm'));
    const error = `error: the disk of ${join(workshop, folder)} is full: ${doing}`;
    assert.ok(stderr.includes(error), stderr);
    assert.match(stderr, /\[NO_SPACE\]$/m);
    assert.match(stderr, /→ Free some space, or point ATOLL_CACHE .* and --out .* at a larger file system/);
    assert.doesNotMatch(stderr, /^ {4}at /m, 'no stack');
    assert.equal(stdout, '');
    assert.deepEqual(
      cache.filter(path => path.includes('/tmp/')),
      [],
      'no temporary files',
    );
    assert.deepEqual(
      cache.filter(path => path.includes(`/steps/${failed}/`)),
      [],
      'no half-made result',
    );
    assert.deepEqual(out, [], 'no half-made artefact');
  });
}

test('with enough room the build goes on where it stopped', () => {
  assert.equal(stage(4).status, 0, stage(4).stderr);
  assert.match(stage(4).stdout, /nothing had changed/);
  assert.deepEqual(stage(4).out, [image]);
});

test('a changed line of the runtime runs the runtime and what depends on it, each once', async () => {
  const done = stages.flatMap(outcome => stepsIn(outcome).done);
  assert.deepEqual(done, ['runtime', 'code-cache', 'erofs', 'uki', 'esp', 'disk', 'block-map']);
  assert.deepEqual(stepsIn(stage(1)).unchanged.sort(), [
    'archives',
    'icu',
    'images',
    'initrd',
    'kernel',
    'packages',
    'root',
    'sqlite',
  ]);
  await nothingLivesIn(workshop);
});
