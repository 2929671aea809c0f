/**
 * SHA-256 of each block of an image: the address by which a block is found wherever it is.
 *
 * The image of the hash tree has the root's index behind it (its form: builder/src/formats/block-index.ts), so that the first upgrade need not read
 * the whole running root. A missing or damaged one only costs time: nothing in it is believed without reading the block.
 */
import { hash } from 'node:crypto';
import { treeLevels } from './bundle/verityTree.ts';
import { BLOCK_BYTES } from './types.ts';

export const HASH_BYTES = 32;
const MAGIC = 'ATOLLBHI';
const FORMAT = 1;

/** The entries behind the header; undefined where there is no index, or not all of it. */
export function decodeIndex(bytes: Buffer): Buffer | undefined {
  if (bytes.length < BLOCK_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (bytes.readUInt32LE(8) !== FORMAT || bytes.readUInt32LE(12) !== BLOCK_BYTES) return undefined;
  const length = Number(bytes.readBigUInt64LE(16)) * HASH_BYTES;
  const entries = bytes.subarray(BLOCK_BYTES, BLOCK_BYTES + length);
  if (entries.length !== length || !hash('sha256', entries, 'buffer').equals(bytes.subarray(24, 56))) return undefined;
  return entries;
}

/** What the first block of a hash tree's partition says. Source: cryptsetup, "DMVerity", "Verity superblock format". */
export interface VeritySuperblock {
  readonly dataBlocks: number;
  readonly salt: Buffer;
}

/** Undefined where it is another format than the builder's: version 1, SHA-256, blocks of 4096. */
export function parseVeritySuperblock(bytes: Buffer): VeritySuperblock | undefined {
  if (bytes.length < 512 || bytes.toString('latin1', 0, 8) !== 'verity\0\0') return undefined;
  const algorithm = bytes.toString('latin1', 32, 64).replace(/\0.*$/s, '');
  const [version, type] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
  const [dataBlock, hashBlock] = [bytes.readUInt32LE(64), bytes.readUInt32LE(68)];
  if (version !== 1 || type !== 1 || algorithm !== 'sha256' || dataBlock !== BLOCK_BYTES || hashBlock !== BLOCK_BYTES)
    return undefined;
  const saltBytes = bytes.readUInt16LE(80);
  const dataBlocks = bytes.readBigUInt64LE(72);
  if (saltBytes > 256 || dataBlocks < 2n || dataBlocks > 1n << 32n) return undefined;
  return { dataBlocks: Number(dataBlocks), salt: Buffer.from(bytes.subarray(88, 88 + saltBytes)) };
}

/** Where the index stands behind the tree over so many blocks. */
export const indexPlace = (dataBlocks: number): number =>
  (1 + treeLevels(dataBlocks).reduce((sum, blocks) => sum + blocks, 0)) * BLOCK_BYTES;

/** From a block's hash to its number: open addressing over the first bytes of the hashes, 8 bytes a block besides the index. */
export class BlockTable {
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(private readonly index: Buffer) {
    const blocks = index.length / HASH_BYTES;
    let size = 16;
    while (size < blocks * 2) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size).fill(-1);
    for (let block = 0; block < blocks; block++) {
      let slot = index.readUInt32LE(block * HASH_BYTES) & this.#mask;
      // The first of equal ones stays.
      while (this.#slots[slot] !== -1 && !this.#is(this.#slots[slot] ?? 0, index, block * HASH_BYTES))
        slot = (slot + 1) & this.#mask;
      if (this.#slots[slot] === -1) this.#slots[slot] = block;
    }
  }

  /** The block with the hash that stands at `at` of `wanted`; -1: there is none. */
  find(wanted: Buffer, at: number): number {
    let slot = wanted.readUInt32LE(at) & this.#mask;
    for (let block = this.#slots[slot] ?? -1; block !== -1; block = this.#slots[slot] ?? -1) {
      if (this.#is(block, wanted, at)) return block;
      slot = (slot + 1) & this.#mask;
    }
    return -1;
  }

  #is(block: number, wanted: Buffer, at: number): boolean {
    return this.index.compare(wanted, at, at + HASH_BYTES, block * HASH_BYTES, (block + 1) * HASH_BYTES) === 0;
  }
}
