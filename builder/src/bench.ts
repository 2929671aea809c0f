/**
 * How long a build takes, as a whole process and as a person would run it: cold (packages downloaded, nothing else at hand), again
 * with nothing changed, and after a change of one line in the runtime; beside mkosi with the same packages.
 *
 *   node --import tsx builder/src/bench.ts [image] [--json]
 *
 * It leaves the caches and `out/` as they were: every run has a cache of its own, in which only what was downloaded is the real one's.
 */
import { appendFile, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Delta, deltaOf } from './bench/delta.ts';
import { Mkosi } from './bench/mkosi.ts';
import { type Timed, timed } from './bench/timed.ts';
import { describeError } from './errors.ts';
import type { BuildManifest } from './manifest.ts';
import { artefactPaths, bundleName, cacheDirectory, repositoryRoot } from './paths.ts';
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

export interface BundleFigures {
  readonly bundleBytes: number;
  /** Of a bundle that differs in one line of the runtime, and in its version. */
  readonly runtimeChange: Delta;
  /** Of a bundle of other Debian suites, with another kernel in it. */
  readonly kernelChange: Delta;
  /** Packages that differ there, the kernel's among them. */
  readonly otherPackages: number;
  /** Milliseconds that making and signing the bundle takes, with the images at hand. */
  readonly bundleMs: number;
}

/** Builds an image three times, each with its bundle, and compares them. @throws BuildError when a build fails */
export async function measureBundle(options: BuildBenchOptions): Promise<BundleFigures> {
  const { image, say } = options;
  const cache = options.cache ?? cacheDirectory();
  const temporary = await makeTemporary(join(cache, 'tmp'));
  try {
    const make = async (name: string, definition: string, version: string, runtime: string) => {
      const out = join(temporary, name);
      const words = ['bundle', definition, '--out', out, '--no-compress', '--runtime', runtime, '--version', version];
      await timed([process.execPath, '--import', 'tsx', 'builder/src/cli.ts', ...words], {
        cwd: repositoryRoot,
        signal: options.signal,
        title: 'the build',
        stopSignal: 'SIGTERM',
        env: { ...process.env, ATOLL_CACHE: cache, CI: '1' },
      });
      const manifest = await manifestOf(image, out);
      return { manifest, path: join(artefactPaths(image, out).directory, bundleName(image, version)) };
    };
    // Both from a copy: somebody may be writing to the sources.
    const plain = await copiedRuntime(join(temporary, 'plain'));
    const changed = await copiedRuntime(join(temporary, 'changed'), plain);
    await appendFile(join(changed, 'cli/run.ts'), oneLineMore);
    const definition = join(temporary, `${image}.yaml`);
    const text = await readFile(join(repositoryRoot, 'images', `${image}.yaml`), 'utf8');
    await writeFile(definition, text.replace(/^( +suites: ).*$/m, '$1[trixie]'));
    say('the bundle that runs');
    const one = await make('one', image, '0.1.0', plain);
    say('a bundle with one line changed');
    const line = await make('line', image, '0.2.0', changed);
    say('a bundle with another kernel');
    const kernel = await make('kernel', definition, '0.2.0', plain);
    if (kernel.manifest.kernel === one.manifest.kernel)
      say('trixie alone has the same kernel: only its packages differ');
    const had = new Set(one.manifest.packages.map(({ name, version }) => `${name} ${version}`));
    return {
      runtimeChange: await deltaOf(one.path, line.path),
      kernelChange: await deltaOf(kernel.path, one.path),
      otherPackages: kernel.manifest.packages.filter(({ name, version }) => !had.has(`${name} ${version}`)).length,
      bundleBytes: one.manifest.sizes[bundleName(image, '0.1.0')] ?? 0,
      bundleMs: line.manifest.timings.find(({ step }) => step === 'bundle')?.durationMs ?? 0,
    };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const oneLineMore = "process.env.ATOLL_BENCH = 'one line more';\n";

/** A copy of the runtime's sources. @returns its folder */
async function copiedRuntime(directory: string, from = join(repositoryRoot, 'runtime/src')): Promise<string> {
  const sources = join(directory, 'runtime/src');
  await cp(from, sources, { recursive: true });
  await symlink(join(repositoryRoot, 'node_modules'), join(directory, 'node_modules'));
  return sources;
}

/** A copy of the runtime's sources with one more line that does something (the bundler drops what does not). */
async function changedRuntime(directory: string): Promise<string> {
  const sources = await copiedRuntime(directory);
  await appendFile(join(sources, 'cli/run.ts'), oneLineMore);
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
