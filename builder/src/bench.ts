/**
 * How long a build takes, as a whole process and as a person would run it: cold (packages downloaded, nothing else at hand), again
 * with nothing changed, and after a change of one line in the runtime; beside mkosi with the same packages.
 *
 *   node --import tsx builder/src/bench.ts [image] [--json]
 *
 * It leaves the caches and `out/` as they were: every run has a cache of its own, in which only what was downloaded is the real one's.
 */
import { appendFile, cp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Mkosi } from './bench/mkosi.ts';
import { type Timed, timed } from './bench/timed.ts';
import { describeError } from './errors.ts';
import type { BuildManifest } from './manifest.ts';
import { artefactPaths, cacheDirectory, repositoryRoot } from './paths.ts';
import { makeTemporary } from './workspace.ts';

/** Milliseconds. */
export interface BuildFigures {
  readonly coldMs: number;
  /** Of it, compiling better-sqlite3 for the device. */
  readonly nativeMs: number;
  /** With nothing changed. */
  readonly warmMs: number;
  /** With one line of the runtime changed. */
  readonly changeMs: number;
  readonly compressedBytes: number;
}

export interface BuildBenchOptions {
  readonly image: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  /** The cache that has the tools tree and the packages. */
  readonly cache?: string;
}

/** What a cold build may use: what was downloaded, and the tools tree. */
const downloaded = ['tools', 'archives', 'apt'];

function build(options: BuildBenchOptions, cache: string, out: string, runtime?: string): Promise<Timed> {
  return timed(
    [
      ...([process.execPath, '--import', 'tsx', 'builder/src/cli.ts', 'build', options.image] as const),
      ...['--out', out, ...(runtime === undefined ? [] : ['--runtime', runtime])],
    ],
    {
      cwd: repositoryRoot,
      signal: options.signal,
      title: 'the build',
      stopSignal: 'SIGTERM',
      env: { ...process.env, ATOLL_CACHE: cache, CI: '1' },
    },
  );
}

const manifestOf = async (image: string, out: string): Promise<BuildManifest> =>
  JSON.parse(await readFile(artefactPaths(image, out).manifest, 'utf8')) as BuildManifest;

/** Builds with the real cache, so that everything a cold build may use has been downloaded. Not timed. */
export async function prepareBuild(options: BuildBenchOptions): Promise<void> {
  const cache = options.cache ?? cacheDirectory();
  const out = await makeTemporary(join(cache, 'tmp'));
  try {
    options.say('an ordinary build, so that everything is downloaded (not timed)');
    await build(options, cache, out);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** One run: cold, again, and changed. @throws BuildError when a build fails or a change did not reach the image */
export async function measureBuild(options: BuildBenchOptions): Promise<BuildFigures> {
  const { image, say } = options;
  const real = options.cache ?? cacheDirectory();
  const temporary = await makeTemporary(join(real, 'tmp'));
  try {
    const cache = join(temporary, 'cache');
    const out = join(temporary, 'out');
    await mkdir(cache);
    for (const name of downloaded) await symlink(join(real, name), join(cache, name));
    say('our cold build');
    const { tookMs: coldMs } = await build(options, cache, out);
    const cold = await manifestOf(image, out);
    const nativeMs = cold.timings.find(({ step }) => step === 'sqlite')?.durationMs ?? 0;
    say('our warm build');
    const { tookMs: warmMs, stdout } = await build(options, cache, out);
    if (!stdout.includes('nothing had changed'))
      throw new Error(`something was changed in the checkout while the builds were measured: ${stdout.split('\n')[0]}`);
    const runtime = await changedRuntime(temporary);
    say('our build with one line changed');
    const { tookMs: changeMs } = await build(options, cache, out, runtime);
    const changed = await manifestOf(image, out);
    if (changed.roothash === cold.roothash) throw new Error('the changed line did not reach the image');
    const compressedBytes = changed.sizes[`${image}.raw.zst`] ?? 0;
    return { coldMs, nativeMs, warmMs, changeMs, compressedBytes };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A copy of the runtime's sources with one more line that does something (the bundler drops what does not). */
async function changedRuntime(directory: string): Promise<string> {
  const sources = join(directory, 'runtime/src');
  await cp(join(repositoryRoot, 'runtime/src'), sources, { recursive: true });
  await symlink(join(repositoryRoot, 'node_modules'), join(directory, 'node_modules'));
  await appendFile(join(sources, 'cli/run.ts'), "process.env.ATOLL_BENCH = 'one line more';\n");
  return sources;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort()).once('SIGTERM', () => abort.abort());
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const options = { image: positionals[0] ?? 'vm-x86_64', signal: abort.signal, say };
  await prepareBuild(options);
  const ours = await measureBuild(options);
  const mkosi = await Mkosi.prepare({ ...options, cache: cacheDirectory() });
  try {
    say('mkosi, cold and warm');
    const peer = {
      coldMs: await mkosi.cold(),
      warmMs: await mkosi.warm(),
      compressedBytes: await mkosi.compressedBytes(),
    };
    if (values.json) process.stdout.write(`${JSON.stringify({ ours, mkosi: peer }, undefined, 2)}\n`);
    else console.table({ ours, mkosi: peer });
  } finally {
    await mkosi.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  main().catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  });
}
