import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { findPartition, readPartitions } from './gpt.ts';

const sector = 512;

/** A disk with a partition table only. */
function disk(partitions: [label: string, firstSector: number, lastSector: number][]): Buffer {
  const image = Buffer.alloc(34 * sector);
  image.write('EFI PART', sector, 'latin1');
  image.writeBigUInt64LE(2n, sector + 72);
  image.writeUInt32LE(128, sector + 80);
  image.writeUInt32LE(128, sector + 84);
  for (const [index, [label, first, last]] of partitions.entries()) {
    const at = 2 * sector + index * 128;
    image.writeBigUInt64LE(0x1234n, at);
    image.writeBigUInt64LE(BigInt(first), at + 32);
    image.writeBigUInt64LE(BigInt(last), at + 40);
    image.write(label, at + 56, 'utf16le');
  }
  return image;
}

it('reads where partitions are', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-gpt-'));
  try {
    const file = join(directory, 'disk.raw');
    await writeFile(
      file,
      disk([
        ['esp', 2048, 4095],
        ['root-a', 4096, 4103],
      ]),
    );
    assert.deepEqual(await readPartitions(file), [
      { label: 'esp', offset: 2048 * sector, sizeBytes: 2048 * sector },
      { label: 'root-a', offset: 4096 * sector, sizeBytes: 8 * sector },
    ]);
    assert.equal((await findPartition(file, 'root-a')).sizeBytes, 8 * sector);
    await assert.rejects(findPartition(file, 'data'), /no partition 'data', only esp, root-a/);
    await writeFile(file, Buffer.alloc(64 * sector));
    await assert.rejects(readPartitions(file), /no GUID partition table/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
