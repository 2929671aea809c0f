/**
 * Files that survive a power cut: write → fsync → rename → fsync of the directory.
 *
 * After a crash at any moment a reader finds the old content or the new, whole, never a mixture and never an empty file
 * (rename(2) is atomic; without the fsyncs ext4 and f2fs may still show a zero-length file). Needed by certificates, keys,
 * configuration, kubeconfigs, snapshots.
 */
import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface WriteFileOptions {
  /** Permission bits, exactly (the umask does not apply). Default 0o644; secrets take 0o600. */
  readonly mode?: number;
}

/**
 * Replaces `path` with `data`, durably, in one step. The directory must exist. Two writers at once: the last one wins, whole.
 * A symbolic link at `path` is replaced, not followed.
 * @throws what the file system says (ENOSPC, EROFS, ENOENT…); the old file is untouched then and no temporary one remains.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteFileOptions = {},
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    // Exclusive and unreadable by others from its first moment: a secret is never exposed under the temporary name.
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(data);
      await file.chmod(options.mode ?? 0o644);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** {@link writeFileAtomic} only where the content differs: saves the card a write. Returns whether it wrote. The mode of an equal file is left alone. */
export async function writeFileIfChanged(
  path: string,
  data: string | Uint8Array,
  options: WriteFileOptions = {},
): Promise<boolean> {
  const wanted = typeof data === 'string' ? Buffer.from(data) : data;
  const present = await readFileIfExists(path);
  if (present?.equals(wanted)) return false;
  await writeFileAtomic(path, wanted, options);
  return true;
}

/** Creates `path` with `data`, durably, only if nothing is there. Returns false (and changes nothing) when something is. */
export async function createFileDurably(
  path: string,
  data: string | Uint8Array,
  options: WriteFileOptions = {},
): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    await file.writeFile(data);
    await file.chmod(options.mode ?? 0o644);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Renames within one file system and makes the new name durable. The content of `from` must be synced already. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** Removes a file and makes that durable. Returns false when there was none. */
export async function removeFileDurably(path: string): Promise<boolean> {
  try {
    await rm(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Makes the names in a directory durable: creations, renames, removals. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Makes a directory with its parents, durably; one that exists is left as it is, whatever its mode.
 * `mode` (default 0o755) is for the directories it makes.
 */
export async function makeDirectory(path: string, mode = 0o755): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  // Each new name lives in its parent: sync from the innermost up to the parent that was there before.
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** The content, or undefined when there is no such file. Any other trouble throws. */
export async function readFileIfExists(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** A name beside `path` that nobody else uses: same directory, so the rename stays within one file system. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${path.slice(path.lastIndexOf('/') + 1)}.${randomBytes(6).toString('hex')}.tmp`);
}

/** Whether an error carries this system error code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
