/**
 * The log QEMU's `blklogwrites` driver keeps of a disk: every write and flush of the guest in order (the format of Linux'
 * dm-log-writes, https://docs.kernel.org/admin-guide/device-mapper/log-writes.html).
 *
 * On disk: sector 0 is a superblock (u64 magic, u64 version, u64 entries, u32 sector size; little-endian); then each entry
 * is one sector (u64 sector, u64 sectors, u64 flags, u64 data length) followed by the data written. QEMU writes an entry before it
 * completes the request to the guest, so whatever the guest could have told anybody happened in the log before.
 */
import { type FileHandle, open } from 'node:fs/promises';

const magic = 0x6a736677736872n;
const flushFlag = 1n;
const discardFlag = 4n;
const knownFlags = 15n;

export interface LoggedWrite {
  readonly kind: 'write';
  /** Place on the disk, bytes. */
  readonly offset: number;
  readonly length: number;
  /** Where its data is in the log file, bytes. */
  readonly dataAt: number;
  /** Where the next entry starts in the log file, bytes. */
  readonly endsAt: number;
}

/** Everything logged before it is on the disk for good. */
export interface LoggedFlush {
  readonly kind: 'flush';
  readonly endsAt: number;
}

export type LogEntry = LoggedWrite | LoggedFlush;

export class WriteLogError extends Error {
  override readonly name = 'WriteLogError';
  readonly code = 'ATOLL_WRITE_LOG';
}

/**
 * Reads the entries (not their data). An incomplete one at the end, which QEMU was killed in the middle of, is left out.
 * @throws {WriteLogError} if the file is no such log, or holds discards (the machine is started without them)
 */
export async function readWriteLog(file: string): Promise<LogEntry[]> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const sectorSize = await readSuperblock(handle, file);
    const entries: LogEntry[] = [];
    const header = Buffer.alloc(32);
    for (let position = sectorSize; position + sectorSize <= size; ) {
      await handle.read(header, 0, header.length, position);
      const [sector, sectors, flags] = [0, 8, 16].map(at => header.readBigUInt64LE(at)) as [bigint, bigint, bigint];
      if ((flags & ~knownFlags) !== 0n || (flags & discardFlag) !== 0n) {
        throw new WriteLogError(`${file}: entry ${entries.length} at byte ${position} has the flags ${flags}`);
      }
      const length = Number(sectors) * sectorSize;
      const dataAt = position + sectorSize;
      const endsAt = dataAt + length;
      if (endsAt > size) {
        break;
      }
      if (length > 0) {
        entries.push({ kind: 'write', offset: Number(sector) * sectorSize, length, dataAt, endsAt });
      }
      if ((flags & flushFlag) !== 0n) {
        entries.push({ kind: 'flush', endsAt });
      }
      position = endsAt;
    }
    return entries;
  } finally {
    await handle.close();
  }
}

async function readSuperblock(handle: FileHandle, file: string): Promise<number> {
  const superblock = Buffer.alloc(28);
  const { bytesRead } = await handle.read(superblock, 0, superblock.length, 0);
  if (bytesRead < superblock.length || superblock.readBigUInt64LE(0) !== magic) {
    throw new WriteLogError(`${file}: not a write log (QEMU writes its head at the guest's first flush)`);
  }
  return superblock.readUInt32LE(24);
}
