/**
 * Changing files of a FAT so that a power cut between any two writes, and a drive that writes its cache back in any order, leaves the
 * old or the new.
 *
 * What FAT does not give: a rename is three changes (the new name, the file's place under it, the old name gone), so both names
 * may be there afterwards, of one chain of clusters; removing a file frees its clusters and its name in any order. What it gives: fsync of a
 * file or directory ends with a flush of the drive, and one sector is written whole or not at all. So here
 * - nothing that is needed is ever renamed: a new file is made, and is on the disk for good before the old one goes;
 * - a file loses its name for good before its clusters are freed: a name never leads to clusters that may be another's.
 * A cut may leave clusters that belong to nobody; fsck.vfat gives them back at the next boot.
 */
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, syncDirectory } from '../../../lib/files.ts';

/** What a file is called until it is complete; neither loader looks at names that begin with a dot. */
export const unfinishedOf = (name: string): string => `.new-${name}`;
export const isUnfinished = (name: string): boolean => name.startsWith('.new-');

/** A new file, whole and for good when it resolves. Nothing of that name may be there. */
export async function create(directory: string, name: string, text: string): Promise<void> {
  const temporary = join(directory, unfinishedOf(name));
  await removeWholly(temporary);
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
    await syncDirectory(directory);
    await rename(temporary, join(directory, name));
    // The file first: where it begins is written with it, and only then is there something to be found under the new name.
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(directory);
}

/** Gives a complete and synced file its name, for good when it resolves. Nothing of the new name may be there. */
export async function move(from: string, to: string): Promise<void> {
  const file = await open(from, 'r');
  try {
    await file.sync();
    await syncDirectory(dirname(from));
    await rename(from, to);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** The name is gone for good before what it led to is freed. One that is not there is gone. @returns whether it was there */
export async function removeWholly(path: string): Promise<boolean> {
  let held: Awaited<ReturnType<typeof open>>;
  try {
    held = await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    await rm(path);
    await syncDirectory(dirname(path));
  } finally {
    await held.close();
  }
  await syncDirectory(dirname(path));
  return true;
}
