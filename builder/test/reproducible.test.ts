/**
 * One whole build in an empty cache, in another checkout whose node_modules is a link elsewhere, later, with another time zone,
 * locale and umask, interrupted twice on its way: it ends with the bytes the machine's own cache gives, and leaves nothing but them.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BuildManifest } from '../src/manifest.ts';
import { artefactPaths, cacheDirectory } from '../src/paths.ts';
import { run } from '../src/process.ts';
import {
  type CliOptions,
  cli,
  coldCache,
  copyCheckout,
  eventually,
  makeWorkshop,
  namesIn,
  nothingLivesIn,
  stepsIn,
  stepsOf,
  succeeded,
} from './workshop.ts';

const image = 'vm-x86_64';
let workshop = '';
let first = '';
let options: CliOptions & { readonly cache: string; readonly checkout: string };
const out = (name: string): string => join(workshop, name);

before(async () => {
  workshop = await makeWorkshop();
  first = await copyCheckout(join(workshop, 'first'));
  const checkout = await copyCheckout(join(workshop, 'another-place/deeper'), first);
  await mkdir(join(workshop, 'kept'));
  await rename(join(checkout, 'node_modules'), join(workshop, 'kept/node_modules'));
  await symlink('../../kept/node_modules', join(checkout, 'node_modules'));
  options = {
    checkout,
    cache: await coldCache(join(workshop, 'cache')),
    cwd: '/',
    umask: '077',
    env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', HOME: join(workshop, 'home'), SOURCE_DATE_EPOCH: '1' },
  };
});
after(() => rm(workshop, { recursive: true, force: true }));

const build = (when?: CliOptions['when']): ReturnType<typeof cli> =>
  cli(['build', image, '--out', out('second-out')], { ...options, ...(when ? { when } : {}) });

const manifestOf = async (path: string): Promise<BuildManifest> =>
  JSON.parse(await readFile(path, 'utf8')) as BuildManifest;

/** Step → key and, by output, hash and size. */
async function resultsOf(cache: string, manifest: string): Promise<Record<string, string>> {
  const { timings } = await manifestOf(manifest);
  const entries = timings.map(async ({ step, key }) => {
    const outputs = await readFile(join(cache, 'steps', step, key, 'step.json'), 'utf8');
    return [step, `${key} ${outputs.trim()}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A line for each name whose values are not the same; nothing if all are. */
function differences(one: object, two: object): string {
  const [a, b] = [new Map(Object.entries(one)), new Map(Object.entries(two))];
  return [...new Set([...a.keys(), ...b.keys()])]
    .map(name => ({ name, was: JSON.stringify(a.get(name)), is: JSON.stringify(b.get(name)) }))
    .filter(({ was, is }) => was !== is)
    .map(({ name, was, is }) => `${name}: ${was} and ${is}`)
    .join('\n');
}

test('an interrupted build says so, leaves nothing half-made, and its tools end', async () => {
  const outcome = await build({
    line: /^kernel: Kernel/m,
    act: async child => {
      const temporary = join(options.cache, 'tmp');
      await eventually('the step works', async () => (await namesIn(temporary)).length > 0);
      child.kill('SIGINT');
    },
  });
  assert.equal(outcome.status, 130, outcome.stderr);
  assert.match(outcome.stderr, /^kernel: FAILED after/m);
  assert.match(outcome.stderr, /^error: the build was interrupted \[INTERRUPTED\]$/m);
  assert.match(outcome.stderr, /The same command goes on after the last finished step/);
  assert.doesNotMatch(outcome.stderr, /^ {4}at /m, 'no stack');
  assert.deepEqual(await namesIn(join(options.cache, 'tmp')), []);
  assert.deepEqual(await namesIn(out('second-out')), []);
  await nothingLivesIn(workshop);
});

test('a build killed while it compiles leaves no process, and no artefact', async () => {
  const temporary = join(options.cache, 'tmp');
  const outcome = await build({
    line: /^sqlite: SQLite/m,
    act: async child => {
      await eventually('the compiler works', async () => {
        const folders = (await namesIn(temporary)).map(name => join(temporary, name, 'scratch/better-sqlite3/build'));
        return folders.some(folder => existsSync(join(folder, 'Release')));
      });
      child.kill('SIGKILL');
    },
  });
  assert.equal(outcome.status, null);
  assert.deepEqual(stepsIn(outcome).unchanged, ['packages', 'archives'], 'what was finished before is not done again');
  await nothingLivesIn(workshop);
  assert.ok((await namesIn(temporary)).length > 0, 'nobody was left to clean up');
  assert.deepEqual(await namesIn(join(options.cache, 'steps/sqlite')), []);
  assert.deepEqual(await namesIn(out('second-out')), []);
});

test('the next build goes on from there, and gives the same bytes as the other place', {
  timeout: 600_000,
}, async () => {
  const second = succeeded(await build());
  const allSteps = await stepsOf(artefactPaths(image, out('second-out')).manifest);
  const { unchanged, done } = stepsIn(second);
  assert.deepEqual(unchanged.slice(0, 2), ['packages', 'archives']);
  // The compiler works beside the other steps: how far those had come when it was killed depends on the machine.
  assert.ok(done.includes('sqlite'));
  assert.deepEqual([...unchanged, ...done].sort(), [...allSteps].sort(), 'each step once');
  assert.deepEqual(await namesIn(join(options.cache, 'tmp')), [], 'what the killed build left is swept up');
  assert.deepEqual(await namesIn(out('second-out')), [image]);

  succeeded(await cli(['build', image, '--out', out('first-out')], { checkout: first }));
  const [a, b] = [artefactPaths(image, out('first-out')), artefactPaths(image, out('second-out'))];
  // Step by step first, so that it is said which step differs, and whether in its inputs (the key) or in what it made.
  const [here, there] = await Promise.all([
    resultsOf(cacheDirectory(), a.manifest),
    resultsOf(options.cache, b.manifest),
  ]);
  const steps = differences(here, there);
  assert.equal(steps, '', steps);
  const sums = await readFile(a.sums, 'utf8');
  assert.equal(await readFile(b.sums, 'utf8'), sums);
  assert.deepEqual(
    [...sums.matchAll(/^[0-9a-f]{64} {2}(\S+)$/gm)].map(match => match[1]).sort(),
    [
      ...['contents.json', 'initrd', 'kernel', 'sbom.spdx.json'],
      ...['efi', 'qcow2', 'raw.bmap', 'raw.zst'].map(ending => `${image}.${ending}`),
    ].sort(),
  );
  for (const { directory } of [a, b]) await run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], { cwd: directory });
  await run(['cmp', a.raw, b.raw]);
  const [one, two] = await Promise.all([a, b].map(({ manifest }) => manifestOf(manifest)));
  const manifests = differences({ ...one, timings: [] }, { ...two, timings: [] });
  assert.equal(manifests, '', manifests);
});

test('the artefacts have the permissions the umask gives', async () => {
  const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
  assert.equal(await modeOf(artefactPaths(image, out('first-out')).directory), '755');
  assert.equal(await modeOf(artefactPaths(image, out('second-out')).directory), '700');
  assert.equal(await modeOf(artefactPaths(image, out('first-out')).compressed), '644');
});

test('built again, nothing runs', async () => {
  const paths = artefactPaths(image, out('second-out'));
  const before = (await stat(paths.directory)).ino;
  const again = succeeded(await build());
  const { done, unchanged, failed } = stepsIn(again);
  const allSteps = await stepsOf(paths.manifest);
  assert.deepEqual({ done, failed, unchanged: unchanged.sort() }, { done: [], failed: [], unchanged: allSteps.sort() });
  assert.match(again.stdout, /nothing had changed/);
  assert.doesNotMatch(again.stderr, /^artefact:/m);
  assert.equal((await stat(paths.directory)).ino, before, 'the artefact is not even written again');
});
