/**
 * From cached step results to `out/<image>/`.
 *
 * Always true: `out/<image>` is a complete set of files of one build or does not exist; a build works in a hidden folder beside
 * it and renames it into place; what a killed build leaves hidden is removed by the next.
 */
import { copyFile, lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { explain } from './errors.ts';
import { type FileRef, hashFile, sparseFromBytes } from './files.ts';
import { artefactPaths } from './paths.ts';
import { tool } from './tools.ts';
import { makeTemporary, sweepTemporary } from './workspace.ts';

/** `SHA256SUMS` text, as `sha256sum -c` reads it. */
export function sumsText(sums: ReadonlyMap<string, string>): string {
  return [...sums].map(([name, hash]) => `${hash}  ${name}\n`).join('');
}

const hiddenPrefix = (image: string): string => `.${image}.`;

/** Finishes what a killed build began: an old set that was moved away and not replaced comes back, the rest goes. */
export async function recover(image: string, out: string): Promise<void> {
  const { directory } = artefactPaths(image, out);
  const old = join(out, `.${image}-previous`);
  const present = await lstat(directory).then(
    () => true,
    () => false,
  );
  if (!present) await rename(old, directory).catch(() => undefined);
  await rm(old, { recursive: true, force: true });
  await sweepTemporary(out, hiddenPrefix(image));
}

export interface ArtefactFiles {
  readonly image: string;
  readonly out: string;
  /** Step results to copy: file name → result. The disk stays sparse. */
  readonly copies: Readonly<Record<string, FileRef>>;
  /** Texts to write: file name → content. */
  readonly texts: Readonly<Record<string, string>>;
  /** `manifest.json`; it tells how long things took, so it is not among the sums. */
  readonly manifest: string;
  readonly signal: AbortSignal;
}

/** Publishes the files. @throws BuildError NO_SPACE; the old artefact then still stands. */
export async function publish({ image, out, copies, texts, manifest, signal }: ArtefactFiles): Promise<void> {
  await mkdir(out, { recursive: true });
  const { directory } = artefactPaths(image, out);
  const temporary = await makeTemporary(out, hiddenPrefix(image)).catch((error: unknown) => {
    throw explain(error, `writing ${directory}`, out);
  });
  try {
    // A folder inside, because a temporary one is for nobody else's eyes; this has the permissions the user's umask gives.
    const work = join(temporary, image);
    await mkdir(work);
    const sums = new Map<string, string>();
    for (const [name, file] of Object.entries(copies)) {
      const target = join(work, name);
      if (name.endsWith('.raw')) {
        await tool(['cp', '--sparse=always', file.path, target], { binds: [work], readOnly: [file.path], signal });
      } else await copyFile(file.path, target);
      // A large raw disk is published compressed; its own sum is only worth its time if there is nothing else.
      if (file.sizeBytes < sparseFromBytes) sums.set(name, file.sha256);
      else if (!Object.keys(copies).includes(`${name}.zst`)) sums.set(name, await hashFile(target));
    }
    for (const [name, text] of Object.entries(texts)) {
      await writeFile(join(work, name), text);
      sums.set(name, await hashFile(join(work, name)));
    }
    const names = artefactPaths(image, out);
    await writeFile(join(work, basename(names.sums)), sumsText(sums));
    await writeFile(join(work, basename(names.manifest)), manifest);
    const previous = join(dirname(directory), `.${image}-previous`);
    await rm(previous, { recursive: true, force: true });
    await rename(directory, previous).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(work, directory);
    await rm(previous, { recursive: true, force: true });
  } catch (error) {
    throw explain(error, `writing ${directory}`, out);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
