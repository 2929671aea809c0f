/** Whether what is to be flashed is an image of a disk at all: whatever else is written, no machine boots from. */
import { BuildError } from '../errors.ts';
import { fileKind } from '../formats/file-kind.ts';
import { type Partition, partitionsOf, tableBytes } from '../formats/partition-table.ts';
import type { Choice } from './choose.ts';
import { damaged } from './input.ts';
import type { ImageSource } from './source.ts';
import { sizeText } from './words.ts';

/** The image's first bytes; zeros where its map says that nothing counts. */
export async function headOf(image: ImageSource, sizeBytes: number, signal: AbortSignal): Promise<Buffer> {
  const head = Buffer.alloc(sizeBytes);
  for await (const { offset, bytes } of image.read(signal)) {
    if (offset >= sizeBytes) break;
    bytes.copy(head, offset);
  }
  return head;
}

/**
 * Reads its partition table.
 * @returns its partitions
 * @throws BuildError USAGE for a file that has none, saying what it is instead; IMAGE_DAMAGED where it is cut off.
 */
export async function assertDiskImage(image: ImageSource, signal: AbortSignal): Promise<Partition[]> {
  const { path, imageBytes } = image;
  const head = await headOf(image, tableBytes, signal);
  const partitions = (partitionsOf(head) ?? []).filter(({ sizeBytes }) => sizeBytes > 0);
  const behind = partitions.find(({ offset, sizeBytes }) => offset + sizeBytes > imageBytes);
  const kind = fileKind(head);
  // A boot sector has the signature of a partition table, and what looks like entries of it.
  if (partitions.length === 0 || (behind && kind))
    throw new BuildError(
      'USAGE',
      `${path} is no image of a disk: ${kind ? `it is ${kind.name}` : 'there is no partition table in it'}`,
      { hint: `${kind?.instead ?? 'Give the name of an image, a .raw or a .raw.zst.'} Nothing was written.` },
    );
  if (behind)
    throw damaged(
      path,
      `is cut off: it has ${imageBytes} bytes, its partition ${behind.label && `${behind.label} `}ends at ${behind.offset + behind.sizeBytes}`,
    );
  return partitions;
}

/** Of the data partition: no image may ask for less (`partitions.var-minimum`). */
const leastDataBytes = 64 * 1024 ** 2;

/**
 * Bytes of a disk on which an Atoll node can live: behind what is flashed, its first boot makes the other slot and the data partition
 * (on-device.ts). Of any other image: its own size.
 */
export function nodeBytes(partitions: readonly Partition[], imageBytes: number): number {
  const slot = ['root-a', 'verity-a'].map(name => partitions.find(({ label }) => label === name)?.sizeBytes);
  if (slot.includes(undefined)) return imageBytes;
  return slot.reduce<number>((sum, sizeBytes) => sum + (sizeBytes ?? 0), imageBytes + leastDataBytes);
}

/** @throws BuildError TARGET_REFUSED for a disk that takes the image, and on which the node would find no room for its data. */
export function assertRoom(choices: readonly Choice[], neededBytes: number): void {
  const small = choices.find(({ disk }) => disk && disk.sizeBytes < neededBytes);
  if (!small?.disk) return;
  throw new BuildError(
    'TARGET_REFUSED',
    `${small.target.path} is too small for a node: it has ${sizeText(small.disk.sizeBytes)}, and the other slot and the data want ${sizeText(neededBytes)} in all`,
    { hint: 'Nothing was written. Take a larger one: 4 GiB or more.' },
  );
}
