/**
 * The index of an image's blocks: SHA-256 of each 4096 bytes, in order. RAUC calls it `block-hash-index` and keeps the bare entries
 * in the bundle; behind the hash tree in the verity partition the same entries have a block in front of them that says what they are:
 *
 *     0   8   magic `ATOLLBHI`
 *     8   4   format, 1      (all numbers little endian)
 *     12  4   bytes of a block, 4096
 *     16  8   entries
 *     24  32  SHA-256 of all entries
 *     56      zeros up to 4096; then the entries, 32 bytes each; zeros up to the next 4096
 *
 * It begins at the first multiple of 4096 behind the tree, so that its blocks are those of the bundle's index file.
 * Source: RAUC 1.13, "Adaptive Updates", block-hash-index.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export const blockBytes = 4096;
export const indexMagic = 'ATOLLBHI';

/** Bytes up to the next multiple of a block. */
export const wholeBlocks = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;

/** 32 bytes for each block of the file; what is missing of its last block counts as zeros. */
export async function blockHashes(path: string): Promise<Buffer> {
  const hashes: Buffer[] = [];
  const one = (block: Uint8Array): void => void hashes.push(createHash('sha256').update(block).digest());
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * blockBytes }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % blockBytes);
    for (let at = 0; at < whole; at += blockBytes) one(bytes.subarray(at, at + blockBytes));
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) one(Buffer.concat([rest, Buffer.alloc(blockBytes - rest.length)]));
  return Buffer.concat(hashes);
}

/** The index as it lies behind the hash tree. @param entries as `blockHashes` gives them */
export function blockIndex(entries: Uint8Array): Buffer {
  const index = Buffer.alloc(blockBytes + wholeBlocks(entries.length));
  index.write(indexMagic, 0, 'latin1');
  index.writeUInt32LE(1, 8);
  index.writeUInt32LE(blockBytes, 12);
  index.writeBigUInt64LE(BigInt(entries.length / 32), 16);
  createHash('sha256').update(entries).digest().copy(index, 24);
  index.set(entries, blockBytes);
  return index;
}
