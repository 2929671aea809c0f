/**
 * A master boot record beside the GPT, for boot ROMs that read nothing else. The boot partition stands first and as FAT32, the protective entry second:
 * the Raspberry Pi 2's and 3's ROM takes the first FAT partition of type 0x0b or 0x0c (raspberrypi/firmware#1711), and the Raspberry Pi 4's loaders stumbled
 * over a protective entry in the first place (raspberrypi/firmware#1465). Home Assistant OS flashes all of them so. Linux, U-Boot and systemd-repart read
 * the GPT as before, because the protective entry begins at sector 1 (Linux, block/partitions/efi.c, "is_pmbr_valid"); repart leaves such a record alone.
 */
import { open } from 'node:fs/promises';

const SECTOR = 512;
const ENTRIES = 446;
const FAT32_LBA = 0x0c;
const PROTECTIVE = 0xee;

interface Extent {
  readonly firstSector: number;
  readonly sectors: number;
}

/** @throws RangeError where an MBR cannot say where the partition is */
export function hybridMbr({ firstSector, sectors }: Extent): Buffer {
  if (firstSector + sectors > 0xffffffff)
    throw new RangeError(`the boot partition ends at sector ${firstSector + sectors}`);
  const record = Buffer.alloc(SECTOR);
  const entry = (index: number, type: number, first: number, count: number): void => {
    const at = ENTRIES + index * 16;
    // Cylinders, heads and sectors that mean: see the sector numbers.
    Buffer.from([0x00, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff]).copy(record, at);
    record.writeUInt32LE(first, at + 8);
    record.writeUInt32LE(count, at + 12);
  };
  entry(0, FAT32_LBA, firstSector, sectors);
  entry(1, PROTECTIVE, 1, firstSector - 1);
  record.writeUInt16LE(0xaa55, 510);
  return record;
}

/** Replaces the protective MBR of a disk image by one that shows its first partition, too. @throws Error without a GPT */
export async function addHybridMbr(disk: string): Promise<void> {
  const file = await open(disk, 'r+');
  try {
    const header = Buffer.alloc(SECTOR);
    await file.read(header, 0, SECTOR, SECTOR);
    if (header.toString('latin1', 0, 8) !== 'EFI PART') throw new Error(`${disk} has no GUID partition table`);
    const first = Buffer.alloc(128);
    await file.read(first, 0, first.length, Number(header.readBigUInt64LE(72)) * SECTOR);
    const [begin, end] = [Number(first.readBigUInt64LE(32)), Number(first.readBigUInt64LE(40))];
    await file.write(hybridMbr({ firstSector: begin, sectors: end - begin + 1 }), 0, SECTOR, 0);
  } finally {
    await file.close();
  }
}
