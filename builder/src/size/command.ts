/** The command `size`: tells what is in a built image and why, and holds it to its budget. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { BuildError } from '../errors.ts';
import type { BuildManifest } from '../manifest.ts';
import { artefactPaths, repositoryRoot } from '../paths.ts';
import { type Budget, budgetFile, budgetOf, overBudget } from './budget.ts';
import { compressedSizes } from './compressed.ts';
import type { Contents } from './contents.ts';
import { byPackage, sizeReport } from './report.ts';

export interface SizeOptions {
  readonly image: string;
  readonly out: string;
  /** `check`: throws when the image is over its budget. `record`: what it is now becomes the budget. */
  readonly budget?: 'check' | 'record';
}

async function readJson<T>(path: string, image: string): Promise<T> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BuildError('USAGE', `${image} is not built yet: there is no ${path}`, {
      hint: `Run \`build ${image}\` first.`,
      cause,
    });
  });
  return JSON.parse(text) as T;
}

/** What an image may be. @throws BuildError USAGE where nobody has said it: a gate without a measure holds nothing back */
export async function allowedFor(image: string, root: string = repositoryRoot): Promise<Budget> {
  const file = budgetFile(image, root);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BuildError('USAGE', `${image} has no budget: there is no ${relative(root, file)}`, {
      hint: `What it is now becomes its budget with \`size ${image} --record\`.`,
      cause,
    });
  });
  return JSON.parse(text) as Budget;
}

/** @returns what to print. @throws BuildError USAGE when there is no such image, OVER_BUDGET */
export async function sizeCommand({ image, out, budget }: SizeOptions): Promise<string> {
  const paths = artefactPaths(image, out);
  const manifest = await readJson<BuildManifest>(paths.manifest, image);
  const allowed = budget === 'check' ? await allowedFor(image) : undefined;
  const contents = await readJson<Contents>(paths.contents, image);
  const compressed = await compressedSizes(paths.raw, manifest, contents.files);
  if (budget === undefined) return sizeReport(manifest, contents, compressed);
  const zstBytes = manifest.sizes[basename(paths.compressed)];
  if (zstBytes === undefined)
    throw new BuildError('USAGE', `${image} was built without its .zst`, { hint: 'Build it without --no-compress.' });
  const packages = byPackage(contents.files, compressed);
  const file = budgetFile(image);
  const name = relative(repositoryRoot, file);
  if (allowed === undefined) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(budgetOf(zstBytes, packages), undefined, 2)}\n`);
    return `${name} is written\n`;
  }
  const grown = overBudget(allowed, zstBytes, packages);
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const sum = `${mebibytes(zstBytes)} of ${mebibytes(allowed.zstBytes)}`;
  if (grown === undefined) return `${image} keeps to its budget: ${sum}\n`;
  throw new BuildError('OVER_BUDGET', `${image} is larger than it may be: ${sum}`, {
    tail: grown.length > 0 ? grown.join('\n') : 'no part of the root; the kernel or the initrd, then',
    hint: `Take something out (\`size ${image}\` tells what is there and why), or allow it with \`size ${image} --record\`.`,
  });
}
