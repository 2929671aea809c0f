/** Unmounts what is mounted from the cards, when a person has said so. */
import { open } from 'node:fs/promises';
import { BuildError } from '../errors.ts';
import { run } from '../process.ts';

export interface Mount {
  /** Of the device: `/dev/sdb1` */
  readonly path: string;
  /** The folder. */
  readonly point: string;
}

function refused({ path, point }: Mount, gone: readonly string[], cause: unknown): BuildError {
  const tail = cause instanceof BuildError ? (cause.tail ?? cause.message) : String(cause);
  const isBusy = tail.includes('target is busy');
  const rest = gone.length === 0 ? '.' : `; not mounted any more: ${gone.join(', ')}.`;
  return new BuildError(
    'TARGET_REFUSED',
    `${path} cannot be unmounted from ${point}${isBusy ? ': something is using it' : ''}`,
    {
      tail,
      hint: `${isBusy ? `End what uses it: fuser -vm ${point} lists it. ` : ''}Nothing was written${rest}`,
      cause,
    },
  );
}

/**
 * @param image is held open meanwhile: where it is on one of them after all, umount says that this is busy.
 * @throws BuildError TARGET_REFUSED with the first that cannot be unmounted, and those that are already.
 */
export async function unmountAll(mounts: readonly Mount[], image: string): Promise<void> {
  const held = await open(image, 'r');
  const gone: string[] = [];
  try {
    // What is mounted on a folder of another is in its way: the longest path goes first.
    for (const mount of [...mounts].sort((a, b) => b.point.length - a.point.length)) {
      await run(['umount', mount.point], { env: { ...process.env, LC_ALL: 'C' } }).catch((cause: unknown) => {
        throw refused(mount, gone, cause);
      });
      gone.push(mount.point);
    }
  } finally {
    await held.close();
  }
}
