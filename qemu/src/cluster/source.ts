/** The disk a run starts from: a built image, or a file somebody has downloaded. */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
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

export interface Source extends ImageMachine {
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
  const manifest = await access(paths.raw)
    .then(() => readManifest(paths.manifest))
    .catch((cause: unknown) => {
      throw new BuildError('USAGE', `${image} is not built yet: there is no ${paths.raw}`, {
        hint: `Build it with \`atoll-builder build ${image}\`, or give a .raw, .qcow2 or .zst.`,
        cause,
      });
    });
  return {
    disk: { file: paths.raw, format: 'raw' },
    identity: `sha256:${manifest.sha256[basename(paths.raw)] ?? manifest.roothash}`,
    ...machineFor(manifest),
    title: `${manifest.image} ${manifest.version}`,
  };
}

async function fileSource(file: string, options: SourceOptions): Promise<Source> {
  const facts = await stat(file).catch((cause: unknown) => {
    throw new BuildError('USAGE', `there is no ${file}`, {
      hint: 'Give an image’s name or a file that is there.',
      cause,
    });
  });
  const machine = await machineForFile(file);
  // What is packed is small enough to be read; of the others the date tells.
  const packed = /\.(zst|qcow2)$/.test(file);
  const identity = packed ? await hashFile(file) : hashText(`${file} ${facts.size} ${facts.mtimeMs}`);
  const title = basename(file);
  if (!file.endsWith('.zst')) {
    const format = file.endsWith('.qcow2') ? 'qcow2' : 'raw';
    return { disk: { file, format }, identity: `${packed ? 'sha256' : 'file'}:${identity}`, ...machine, title };
  }
  const unpacked = await unpack(file, identity.slice(0, 24), options);
  return {
    disk: { file: unpacked, format: 'raw' },
    identity: `${packed ? 'sha256' : 'file'}:${identity}`,
    ...machine,
    title,
  };
}

/** The unpacked image, in the cache; the newest few stay there. */
async function unpack(file: string, key: string, { cache, progress, signal }: SourceOptions): Promise<string> {
  const folder = join(cache, 'unpacked');
  const target = join(folder, `${key}.raw`);
  const now = new Date();
  const there = await utimes(target, now, now).then(
    () => true,
    () => false,
  );
  if (there) return target;
  await mkdir(folder, { recursive: true });
  // zstd is its.
  await ensureTools({ cache, progress, signal });
  const line = progress.start('unpack', `Unpack ${basename(file)}`);
  const partial = `${target}.${process.pid}`;
  try {
    await tool(['zstd', '-q', '-d', '-f', '--sparse', file, '-o', partial], {
      binds: [folder],
      readOnly: [file],
      signal,
    });
    await rename(partial, target);
    line.done();
  } catch (error) {
    line.fail();
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
  await prune(folder);
  return target;
}

async function prune(folder: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async name => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  for (const { name } of files.sort((a, b) => b.at - a.at).slice(keptUnpacked)) await rm(join(folder, name));
}
