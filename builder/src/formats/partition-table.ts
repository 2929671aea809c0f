/**
 * Where a disk's partitions are: a GUID partition table (UEFI 2.10, section 5.3), or an MBR's four entries. No checksum
 * is checked; what cannot be a table is none.
 */

export interface Partition {
  /** The partition's name: `esp`, `root-a`…; empty in an MBR. */
  readonly label: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What holds either table, and what a boot loader may put beside it: the first partition starts behind. Bytes. */
export const tableBytes: number = 1024 ** 2;

const sectorBytes = 512;
const mbrEntriesAt = 446;
/** UEFI: at least 128 bytes an entry; more than this many, nobody makes. */
const entryBytesAtLeast = 128;
const entriesAtMost = 1024;
/** The MBR's entry that says "there is a GPT". */
const protective = 0xee;

function gptPartitions(head: Buffer): Partition[] {
  const header = head.subarray(sectorBytes);
  const [count, entryBytes] = [header.readUInt32LE(80), header.readUInt32LE(84)];
  if (entryBytes < entryBytesAtLeast || count > entriesAtMost) return [];
  const from = Number(header.readBigUInt64LE(72)) * sectorBytes;
  return Array.from({ length: count }, (_, index) =>
    head.subarray(from + index * entryBytes, from + (index + 1) * entryBytes),
  )
    .filter(entry => entry.length === entryBytes && entry.readBigUInt64LE(0) !== 0n)
    .map(entry => {
      const first = Number(entry.readBigUInt64LE(32));
      const last = Number(entry.readBigUInt64LE(40));
      return {
        label: entry.toString('utf16le', 56, 128).replace(/\0.*$/s, ''),
        offset: first * sectorBytes,
        sizeBytes: (last - first + 1) * sectorBytes,
      };
    });
}

function mbrPartitions(head: Buffer): Partition[] {
  return [0, 1, 2, 3]
    .map(index => head.subarray(mbrEntriesAt + 16 * index, mbrEntriesAt + 16 * (index + 1)))
    .filter(entry => entry.readUInt8(4) !== 0 && entry.readUInt8(4) !== protective)
    .map(entry => ({
      label: '',
      offset: entry.readUInt32LE(8) * sectorBytes,
      sizeBytes: entry.readUInt32LE(12) * sectorBytes,
    }));
}

/** @param head the disk's first MiB. @returns undefined if there is no table in it. */
export function partitionsOf(head: Buffer): Partition[] | undefined {
  if (head.length < 2 * sectorBytes) return undefined;
  if (head.toString('latin1', sectorBytes, sectorBytes + 8) === 'EFI PART') return gptPartitions(head);
  if (head.readUInt16LE(510) === 0xaa55) return mbrPartitions(head);
  return undefined;
}
