/** The disk a run starts from: a built image, or a file somebody has downloaded. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BuildError } from '../../../builder/src/errors.ts';
import { hashFile } from '../../../builder/src/files.ts';
import { readManifest } from '../../../builder/src/manifest.ts';
import { artefactPaths } from '../../../builder/src/paths.ts';
import type { Progress } from '../../../builder/src/progress.ts';
import { tool } from '../../../builder/src/tools.ts';
import { ensureTools } from '../../../builder/src/tools-tree.ts';
import { type ImageMachine, machineFor, machineForFile } from '../artefact.ts';
import type { DiskOptions } from '../disk.ts';
import { HeldFile } from './held-file.ts';

/** Its disk stays what it is until it is disposed, whatever a build makes of its name meanwhile. */
export interface Source extends ImageMachine, AsyncDisposable {
  readonly disk: Pick<DiskOptions, 'file'> & { readonly format: 'raw' | 'qcow2' };
  /** Differs when the image is another: a snapshot of it holds no longer. */
  readonly identity: string;
  /** For people: `vm-x86_64 0.1.0`, or the file's name. */
  readonly title: string;
}

export interface SourceOptions {
  readonly out: string;
  readonly cache: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const hashText = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Unpacked images that are kept. */
const keptUnpacked = 2;

/** @param image a name, or a path of a .raw, .qcow2 or .zst. @throws BuildError USAGE when there is no such image, or no machine for it */
export async function sourceOf(image: string, options: SourceOptions): Promise<Source> {
  return /\.(raw|img|qcow2|zst)$/.test(image) ? fileSource(resolve(image), options) : builtSource(image, options.out);
}

async function builtSource(image: string, out: string): Promise<Source> {
  const paths = artefactPaths(image, out);
  for (;;) {
    const held = await HeldFile.open(paths.raw).catch((cause: unknown) => {
      throw notBuilt(image, paths.raw, cause);
    });
    try {
      const manifest = await readManifest(paths.manifest).catch((cause: unknown) => {
        throw notBuilt(image, paths.raw, cause);
      });
      // A build has come between: what the manifest says is of another disk.
      if (!(await held.isInPlace())) {
        await held[Symbol.asyncDispose]();
        continue;
      }
      const identity = `sha256:${manifest.sha256[basename(paths.raw)] ?? manifest.roothash}`;
      return heldSource(held, 'raw', {
        identity,
        ...machineFor(manifest),
        title: `${manifest.image} ${manifest.version}`,
      });
    } catch (error) {
      await held[Symbol.asyncDispose]();
      throw error;
    }
  }
}

const notBuilt = (image: string, raw: string, cause: unknown): BuildError =>
  new BuildError('USAGE', `${image} is not built yet: there is no ${raw}`, {
    hint: `Build it with \`atoll-builder build ${image}\`, or give a .raw, .qcow2 or .zst.`,
    cause,
  });

const heldSource = (
  held: HeldFile,
  format: 'raw' | 'qcow2',
  about: Omit<Source, 'disk' | typeof Symbol.asyncDispose>,
): Source => ({
  ...about,
  disk: { file: held.path, format },
  [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
});

async function fileSource(file: string, options: SourceOptions): Promise<Source> {
  const held = await HeldFile.open(file).catch((cause: unknown) => {
    throw new BuildError('USAGE', `there is no ${file}`, {
      hint: 'Give an image’s name or a file that is there.',
      cause,
    });
  });
  try {
    const machine = await machineForFile(file);
    const title = basename(file);
    // What is packed is small enough to be read; of the others the date tells.
    const isPacked = /\.(zst|qcow2)$/.test(file);
    const { size, mtimeMs } = await held.stat();
    const sum = isPacked ? await hashFile(held.path) : hashText(`${file} ${size} ${mtimeMs}`);
    const about = { identity: `${isPacked ? 'sha256' : 'file'}:${sum}`, ...machine, title };
    if (!file.endsWith('.zst')) return heldSource(held, file.endsWith('.qcow2') ? 'qcow2' : 'raw', about);
    const unpacked = await unpack(file, held, sum.slice(0, 24), options);
    await held[Symbol.asyncDispose]();
    return heldSource(unpacked, 'raw', about);
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
}

/** The unpacked image, in the cache; the newest few stay there. */
async function unpack(
  file: string,
  packed: HeldFile,
  key: string,
  { cache, progress, signal }: SourceOptions,
): Promise<HeldFile> {
  const folder = join(cache, 'unpacked');
  const target = join(folder, `${key}.raw`);
  const now = new Date();
  const there = await HeldFile.open(target).catch(() => undefined);
  if (there) {
    // Unless another run has pruned it just now; it is held.
    await utimes(target, now, now).catch(() => {});
    return there;
  }
  await mkdir(folder, { recursive: true });
  // zstd is its.
  await ensureTools({ cache, progress, signal });
  const line = progress.start('unpack', `Unpack ${basename(file)}`);
  const partial = `${target}.${process.pid}`;
  let held: HeldFile | undefined;
  try {
    await tool(['zstd', '-q', '-d', '-f', '--sparse', file, '-o', partial], {
      binds: [folder],
      readOnly: [file],
      signal,
    });
    if (!(await packed.isInPlace()))
      throw new BuildError('INPUT_CHANGED', `${file} was replaced while it was unpacked`, { hint: 'Run it again.' });
    held = await HeldFile.open(partial);
    await rename(partial, target);
    line.done();
  } catch (error) {
    line.fail();
    await held?.[Symbol.asyncDispose]();
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
  await prune(folder);
  return held;
}

async function prune(folder: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async name => {
      const facts = await stat(join(folder, name)).catch(() => undefined);
      return { name, at: facts?.mtimeMs ?? 0 };
    }),
  );
  for (const { name } of files.sort((a, b) => b.at - a.at).slice(keptUnpacked))
    await rm(join(folder, name), { force: true });
}
