/** A path inside a volume: made where it is missing, and never outside, whatever links the volume holds. */
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

/** @throws Error when the path leaves the volume. */
export async function subPathIn(volume: string, subPath: string): Promise<string> {
  if (subPath.startsWith('/')) throw new Error(`subPath "${subPath}" must not be an absolute path`);
  if (subPath.split('/').includes('..')) throw new Error(`subPath "${subPath}" must not contain ".."`);
  const root = await realpath(volume);
  const wanted = join(root, subPath);
  // Look at what exists before making anything below it: a link must not lead the mkdir out of the volume.
  let existing = wanted;
  let real: string | undefined;
  while (real === undefined) {
    real = await realpath(existing).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (real === undefined) existing = dirname(existing);
  }
  inside(root, real, subPath);
  if (existing === wanted) return real;
  await mkdir(wanted, { recursive: true, mode: 0o755 });
  const made = await realpath(wanted);
  inside(root, made, subPath);
  return made;
}

function inside(root: string, path: string, subPath: string): void {
  if (path !== root && !path.startsWith(root + sep)) throw new Error(`subPath "${subPath}" leads out of the volume`);
}
