/** What a generation put into the transient /etc, taken out of it again. */
import { cpSync, lstatSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Roots {
  /** Where the image's root is without the transient /etc; absent: it cannot be seen, and nothing comes back. */
  readonly image?: string;
  /** `/` but in tests. */
  readonly top?: string;
}

/** The image's own file comes back, or none; a folder that has become empty so goes, too, unless it is the image's. */
export function restore(path: string, { image, top = '/' }: Roots): void {
  const inImage = (place: string): boolean =>
    image !== undefined && lstatSync(join(image, place), { throwIfNoEntry: false }) !== undefined;
  const here = join(top, path);
  rmSync(here, { force: true });
  if (image === undefined) return;
  if (inImage(path)) {
    mkdirSync(dirname(here), { recursive: true });
    cpSync(join(image, path), here, { preserveTimestamps: true, verbatimSymlinks: true });
    return;
  }
  for (let folder = dirname(path); folder !== '/etc' && folder !== '/' && !inImage(folder); folder = dirname(folder))
    if (!removedEmpty(join(top, folder))) return;
}

function removedEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    // Somebody else's files are in it, or it is gone.
    return false;
  }
}
