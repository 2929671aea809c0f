/** Where the partitions of a raw disk are. */
import { open } from 'node:fs/promises';
import { type Partition, partitionsOf, tableBytes } from '../../builder/src/formats/partition-table.ts';

export type { Partition };

/** @throws if the raw disk has no GPT */
export async function readPartitions(rawDisk: string): Promise<Partition[]> {
  const disk = await open(rawDisk, 'r');
  try {
    const { buffer, bytesRead } = await disk.read(Buffer.alloc(tableBytes), 0, tableBytes, 0);
    const partitions = partitionsOf(buffer.subarray(0, bytesRead));
    if (partitions === undefined) throw new Error(`${rawDisk} has no GUID partition table`);
    return partitions;
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
