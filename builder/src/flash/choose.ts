/** From the path a person gave to what is written: a disk that may be overwritten, or a file. */
import { lstat, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BuildError } from '../errors.ts';
import { usage } from '../options.ts';
import type { Target } from './card.ts';
import type { CardRequest } from './cards.ts';
import { isCustomised } from './customise.ts';
import type { BlockDevice } from './disks.ts';
import { exchanged, holds, locate, refusal } from './judge.ts';
import { diskTitle } from './list.ts';
import { deviceOf } from './mounts.ts';
import type { ImageSource } from './source.ts';
import { sizeText } from './words.ts';

export interface Choice {
  readonly request: CardRequest;
  readonly target: Target;
  /** Of a device. */
  readonly disk?: BlockDevice;
}

export interface Wishes {
  readonly sizeBytes: number | undefined;
  readonly force: boolean;
  readonly unmount: boolean;
}

/** What a path names: a device that may be overwritten, or a file. @throws BuildError TARGET_REFUSED, USAGE */
export async function choose(
  request: CardRequest,
  image: ImageSource,
  disks: readonly BlockDevice[],
  wishes: Wishes,
): Promise<Choice> {
  const path = await realpath(request.to).catch(() => resolve(request.to));
  const found = await lstat(path).catch(() => undefined);
  const named = path === resolve(request.to) ? path : `${request.to} (${path})`;
  const refuse = (reason: string, hint: string): BuildError =>
    new BuildError('TARGET_REFUSED', `${named} ${reason}`, { hint });
  if (found?.isBlockDevice()) {
    const why = refusal(path, disks, { imageBytes: image.imageBytes, ...wishes });
    if (why) throw refuse(why.reason, why.hint);
    if (wishes.sizeBytes !== undefined) throw usage(`--size is for files, and ${named} is a disk`, 'Leave it out.');
    const disk = locate(path, disks)?.disk;
    if (!disk) throw refuse('is no disk', 'Nothing was written.');
    if (holds(disk, await deviceOf(image.path), disks))
      throw refuse(`is the disk that the image is on: ${image.path}`, 'Copy the image to another disk first.');
    return {
      request,
      disk,
      target: {
        path,
        kind: 'device',
        description: diskTitle(disk),
        sizeBytes: disk.sizeBytes,
        exists: true,
        isPrivate: false,
        sequence: disk.sequence,
      },
    };
  }
  // A slip of the finger in the name of a disk must not become a file in /dev.
  if (path.startsWith('/dev/'))
    throw refuse(found ? 'is no disk' : 'does not exist', '`atoll-builder flash` alone lists the disks.');
  if (found && !found.isFile()) throw refuse('is neither a disk nor a file', 'Name a disk or a file.');
  if (path === (await realpath(image.path))) throw refuse('is the image itself', 'Name another file.');
  const user = disks.find(({ backing }) => backing?.file === path);
  if (user) throw refuse(`is in use as ${user.path}`, `Detach it first: losetup -d ${user.path}.`);
  const sizeBytes = wishes.sizeBytes ?? image.imageBytes;
  if (sizeBytes < image.imageBytes)
    throw refuse(
      `would be too small: ${sizeText(sizeBytes)}, the image has ${sizeText(image.imageBytes)}`,
      'Give a larger --size, such as 8G.',
    );
  return {
    request,
    target: {
      path,
      kind: 'file',
      description: found ? `a file of ${sizeText(found.size)}` : 'a new file',
      sizeBytes,
      exists: found !== undefined,
      isPrivate: isCustomised(request),
    },
  };
}

/**
 * Judges again what was chosen: between that and the first write a person may have thought for an hour, and changed cards.
 * @param disks as they are now
 * @returns the choices as they are now
 * @throws BuildError TARGET_REFUSED where a path is another disk, or a file that was not there
 */
export async function chooseAgain(
  choices: readonly Choice[],
  image: ImageSource,
  disks: readonly BlockDevice[],
  wishes: Wishes,
): Promise<Choice[]> {
  const again: Choice[] = [];
  for (const { request, target, disk } of choices) {
    const now = await choose(request, image, disks, wishes);
    const refuse = (why: string): BuildError =>
      new BuildError('TARGET_REFUSED', `${target.path} is not what it was when it was chosen: ${why}`, {
        hint: 'Nothing was written. Look what is there, and begin anew.',
      });
    if (now.target.path !== target.path) throw refuse(`it is ${now.target.path}`);
    if (now.target.kind !== target.kind) throw refuse(`it is a ${now.target.kind}`);
    if (now.target.exists && !target.exists) throw refuse('it was not there');
    const why = disk && now.disk ? exchanged(disk, now.disk) : undefined;
    if (why !== undefined) throw refuse(why);
    again.push(now);
  }
  return again;
}
