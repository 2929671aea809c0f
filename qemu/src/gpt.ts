/** Reads a GUID partition table (UEFI specification 2.10, section 5.3): only where partitions are, nothing is checked. */
import { open } from 'node:fs/promises';

export interface Partition {
  /** The partition's name: `esp`, `root-a`… */
  readonly label: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

const sectorSize = 512;

/** @throws if the raw disk has no GPT */
export async function readPartitions(rawDisk: string): Promise<Partition[]> {
  const disk = await open(rawDisk, 'r');
  try {
    const read = async (position: number, length: number): Promise<Buffer> =>
      (await disk.read(Buffer.alloc(length), 0, length, position)).buffer;
    const header = await read(sectorSize, 92);
    if (header.toString('latin1', 0, 8) !== 'EFI PART') {
      throw new Error(`${rawDisk} has no GUID partition table`);
    }
    const [count, entrySize] = [header.readUInt32LE(80), header.readUInt32LE(84)];
    const table = await read(Number(header.readBigUInt64LE(72)) * sectorSize, count * entrySize);
    return Array.from({ length: count }, (_, index) => table.subarray(index * entrySize, (index + 1) * entrySize))
      .filter(entry => entry.readBigUInt64LE(0) !== 0n)
      .map(entry => {
        const first = Number(entry.readBigUInt64LE(32));
        const last = Number(entry.readBigUInt64LE(40));
        return {
          label: entry.toString('utf16le', 56, 128).replace(/\0.*$/s, ''),
          offset: first * sectorSize,
          sizeBytes: (last - first + 1) * sectorSize,
        };
      });
  } finally {
    await disk.close();
  }
}

/** The partition of that name. @throws naming those that exist */
export async function findPartition(rawDisk: string, label: string): Promise<Partition> {
  const partitions = await readPartitions(rawDisk);
  const found = partitions.find(partition => partition.label === label);
  if (found === undefined) {
    throw new Error(`${rawDisk} has no partition '${label}', only ${partitions.map(p => p.label).join(', ')}`);
  }
  return found;
}
