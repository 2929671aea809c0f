/** Partitions, or files of their size: how large they are, and reading what is really on them. */
import { execFile } from 'node:child_process';
import { constants, type FileHandle, open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode } from '../../lib/files.ts';
import { BLOCK_BYTES } from './types.ts';
import { UpgradeError } from './upgradeError.ts';

/** What is read, compared and written at once. */
export const PIECE_BYTES = 1 << 18;

/** @throws UpgradeError SLOT where there is no such device */
export async function deviceSize(path: string): Promise<number> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new UpgradeError(
      'SLOT',
      `${path} cannot be opened: ${messageOf(cause)}`,
      'the disk has no second slot, or it is damaged: ls -l /dev/disk/atoll shows its partitions',
      { cause },
    );
  });
  try {
    const found = await file.stat();
    if (!found.isBlockDevice()) return found.size;
    const [major, minor] = [(found.rdev >> 8) & 0xfff, (found.rdev & 0xff) | ((found.rdev >> 12) & 0xfff00)];
    return Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8')) * 512;
  } finally {
    await file.close();
  }
}

/**
 * Opens a slot's partition for writing. Of a device that anything uses (mounted, or under device-mapper) the kernel refuses that.
 * @throws UpgradeError SLOT
 */
export async function openForWriting(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDWR);
  const isDevice = (await file.stat()).isBlockDevice();
  if (!isDevice) return file;
  await file.close();
  try {
    return await open(path, constants.O_RDWR | constants.O_EXCL);
  } catch (cause) {
    if (!hasCode(cause, 'EBUSY')) throw cause;
    throw new UpgradeError(
      'SLOT',
      `${path} is in use: it is not the inactive slot`,
      '/proc/mounts and `dmsetup deps` show by whom',
      { cause },
    );
  }
}

export async function* pieces(
  file: FileHandle,
  lengthBytes: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly at: number; readonly bytes: Buffer }> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; at < lengthBytes; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, lengthBytes - at), at);
    if (bytesRead === 0) return;
    yield { at, bytes: buffer.subarray(0, bytesRead) };
    at += bytesRead;
  }
}

/**
 * Reads what the device holds, not what the memory remembers of it: past the page cache where the file system can, else with the
 * device's cache dropped first. All of it must have been synced before.
 */
export async function* piecesOfDevice(
  path: string,
  lengthBytes: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly at: number; readonly bytes: Buffer }> {
  const direct = await openDirect(path);
  const file = direct?.file ?? (await open(path, 'r'));
  const buffer = direct?.buffer ?? Buffer.allocUnsafe(PIECE_BYTES);
  try {
    if (!direct && (await file.stat()).isBlockDevice()) await promisify(execFile)('blockdev', ['--flushbufs', path]);
    for (let at = 0; at < lengthBytes; ) {
      signal.throwIfAborted();
      // Whole blocks, always: what is read past the cache is read in the device's own.
      const want = Math.min(buffer.length, Math.ceil((lengthBytes - at) / BLOCK_BYTES) * BLOCK_BYTES);
      const { bytesRead } = await file.read(buffer, 0, want, at);
      if (bytesRead === 0) return;
      const bytes = buffer.subarray(0, Math.min(bytesRead, lengthBytes - at));
      yield { at, bytes };
      at += bytes.length;
    }
  } finally {
    await file.close();
  }
}

/**
 * O_DIRECT wants memory that begins at a multiple of 512, and JavaScript does not say where a buffer begins: so it is tried.
 * Allocations of this size are aligned to 16.
 */
async function openDirect(path: string): Promise<{ file: FileHandle; buffer: Buffer } | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => undefined);
  if (!file) return undefined;
  const memory = Buffer.allocUnsafeSlow(PIECE_BYTES + BLOCK_BYTES);
  for (let shift = 0; shift < BLOCK_BYTES; shift += 16) {
    // From the end down: behind the allocator's header of 16 bytes a page begins at 4080.
    const at = BLOCK_BYTES - 16 - shift;
    const buffer = memory.subarray(at, at + PIECE_BYTES);
    try {
      await file.read(buffer, 0, BLOCK_BYTES, 0);
      return { file, buffer };
    } catch (error) {
      if (!hasCode(error, 'EINVAL')) break;
    }
  }
  await file.close();
  return undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
