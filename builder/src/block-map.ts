/**
 * Which blocks of a disk image count. Zeros alone do not tell: a free entry of a FAT's table, the end of a folder and zeros inside a
 * verified root have to be written, as a card holds something else there. So all of a partition counts, but what its file system says
 * is free; and whatever is not zero counts anyway.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BuildError } from './errors.ts';
import type { Bmap, BmapRange } from './formats/bmap.ts';
import { type ByteRange, fatInUse } from './formats/fat.ts';
import { type Partition, partitionsOf, tableBytes } from './formats/partition-table.ts';

export const blockBytes = 4096;
/** A range's checksum is over at most so much: damage is found early, and named with its place. */
const rangeBytes = 16 * 1024 ** 2;
const chunkBytes = 1024 ** 2;

const readAt = async (file: FileHandle, offset: number, sizeBytes: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, offset);
  return buffer.subarray(0, bytesRead);
};

/** @returns ranges from the partition's start. */
async function inUse(
  file: FileHandle,
  { label, offset, sizeBytes }: Partition,
  contentBytes: Readonly<Record<string, number>>,
): Promise<readonly ByteRange[]> {
  const content = contentBytes[label];
  if (content !== undefined) return [{ offset: 0, sizeBytes: content }];
  const fat = await fatInUse((at, size) => readAt(file, offset + at, size));
  return fat ?? [{ offset: 0, sizeBytes }];
}

async function markContent(file: FileHandle, mark: (range: ByteRange) => void, imageBytes: number): Promise<void> {
  const zeros = Buffer.alloc(chunkBytes);
  for (let offset = 0; offset < imageBytes; offset += chunkBytes) {
    const chunk = await readAt(file, offset, Math.min(chunkBytes, imageBytes - offset));
    if (chunk.equals(zeros.subarray(0, chunk.length))) continue;
    for (let at = 0; at < chunk.length; at += blockBytes) {
      const block = chunk.subarray(at, at + blockBytes);
      if (!block.equals(zeros.subarray(0, block.length))) mark({ offset: offset + at, sizeBytes: block.length });
    }
  }
}

async function ranges(file: FileHandle, marked: Uint8Array, imageBytes: number): Promise<BmapRange[]> {
  const found: BmapRange[] = [];
  const most = rangeBytes / blockBytes;
  for (let first = marked.indexOf(1); first !== -1; ) {
    const end = marked.indexOf(0, first);
    const last = Math.min((end === -1 ? marked.length : end) - 1, first - (first % most) + most - 1);
    const offset = first * blockBytes;
    const bytes = await readAt(file, offset, Math.min((last + 1) * blockBytes, imageBytes) - offset);
    found.push({ first, last, sha256: createHash('sha256').update(bytes).digest('hex') });
    first = marked.indexOf(1, last + 1);
  }
  return found;
}

/**
 * @param contentBytes how much of a partition, by its label, is content from its start; a FAT says it itself, any other is all content.
 * @throws BuildError STEP_BROKEN where there is no partition table.
 */
export async function blockMap(path: string, contentBytes: Readonly<Record<string, number>> = {}): Promise<Bmap> {
  const file = await open(path, 'r');
  try {
    const { size: imageBytes } = await file.stat();
    const marked = new Uint8Array(Math.ceil(imageBytes / blockBytes));
    const mark = ({ offset, sizeBytes }: ByteRange): void => {
      marked.fill(1, Math.floor(offset / blockBytes), Math.ceil(Math.min(offset + sizeBytes, imageBytes) / blockBytes));
    };
    const partitions = partitionsOf(await readAt(file, 0, tableBytes));
    if (!partitions) throw new BuildError('STEP_BROKEN', `there is no partition table in ${path}`);
    // Both copies of the table, with whatever an old loader may have left around them on a card.
    mark({ offset: 0, sizeBytes: tableBytes });
    mark({ offset: Math.max(0, imageBytes - tableBytes), sizeBytes: tableBytes });
    for (const partition of partitions)
      for (const { offset, sizeBytes } of await inUse(file, partition, contentBytes))
        mark({ offset: partition.offset + offset, sizeBytes });
    await markContent(file, mark, imageBytes);
    return { imageBytes, blockBytes, ranges: await ranges(file, marked, imageBytes) };
  } finally {
    await file.close();
  }
}
