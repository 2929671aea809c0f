/**
 * The hash tree behind a bundle's payload: any 4096 bytes of the payload can be checked by themselves, with one hash of each level
 * up to the one that is signed. Of the tree, too, only what is needed is read.
 *
 * Always true: a block that is kept here has been checked against its parent, the topmost against the signed hash.
 *
 * Source: kernel Documentation/admin-guide/device-mapper/verity.rst (hash type 1: salt first; levels from the top down, no superblock).
 */
import { hash } from 'node:crypto';
import { BLOCK_BYTES } from '../types.ts';
import { UpgradeError } from '../upgradeError.ts';

export const HASH_BYTES = 32;
const PER_BLOCK = BLOCK_BYTES / HASH_BYTES;
const attempts = 3;

export type Read = (offset: number, lengthBytes: number, signal: AbortSignal) => Promise<Buffer>;

/** Blocks of each level of a tree over so many data blocks, from the leaves up; the last has one. */
export function treeLevels(dataBlocks: number): number[] {
  const levels: number[] = [];
  for (let blocks = dataBlocks; blocks > 1; ) {
    blocks = Math.ceil(blocks / PER_BLOCK);
    levels.push(blocks);
  }
  return levels;
}

export const saltedHash = (salt: Buffer, block: Buffer): Buffer =>
  hash('sha256', Buffer.concat([salt, block]), 'buffer');

export interface TreePlace {
  /** Of the payload; the tree stands right behind it. */
  readonly dataBytes: number;
  readonly treeBytes: number;
  readonly salt: Buffer;
  readonly roothash: Buffer;
  readonly shown: string;
}

export class VerityTree {
  readonly #levels: readonly number[];
  /** Where each level begins, in blocks from the tree's first. */
  readonly #starts: readonly number[];
  readonly #blocks: (Buffer | undefined)[] = [];

  /** @throws UpgradeError where the tree's size is not that of the payload's */
  constructor(
    private readonly place: TreePlace,
    private readonly read: Read,
  ) {
    this.#levels = treeLevels(place.dataBytes / BLOCK_BYTES);
    const total = this.#levels.reduce((sum, blocks) => sum + blocks, 0);
    if (total === 0 || total * BLOCK_BYTES !== place.treeBytes)
      throw new UpgradeError(
        'DAMAGED',
        `${place.shown} has the wrong size for its manifest: it was cut off, or something was added`,
        'download it again',
      );
    let start = total;
    this.#starts = this.#levels.map(blocks => {
      start -= blocks;
      return start;
    });
  }

  /**
   * A stretch of the payload, every byte of it checked. What does not fit is read again, a few times.
   * @throws UpgradeError WRONG_BYTES
   */
  async readChecked(offset: number, lengthBytes: number, signal: AbortSignal): Promise<Buffer> {
    if (offset < 0 || lengthBytes < 0 || offset + lengthBytes > this.place.dataBytes)
      throw new UpgradeError('DAMAGED', `${this.place.shown} leads outside of itself (byte ${offset + lengthBytes})`);
    const first = Math.floor(offset / BLOCK_BYTES);
    const end = Math.ceil((offset + lengthBytes) / BLOCK_BYTES);
    const bytes = await this.#checked(-1, first, end, first * BLOCK_BYTES, signal);
    return bytes.subarray(offset - first * BLOCK_BYTES, offset - first * BLOCK_BYTES + lengthBytes);
  }

  /** Blocks `first` to `end` of a level (-1: the data), which begin at `at` in the file. */
  async #checked(level: number, first: number, end: number, at: number, signal: AbortSignal): Promise<Buffer> {
    await this.#have(level + 1, Math.floor(first / PER_BLOCK), Math.floor((end - 1) / PER_BLOCK) + 1, signal);
    for (let attempt = 1; ; attempt++) {
      const bytes = await this.read(at, (end - first) * BLOCK_BYTES, signal);
      const bad = this.#firstBad(level, first, bytes);
      if (bad === undefined) return bytes;
      if (attempt === attempts)
        throw new UpgradeError(
          'WRONG_BYTES',
          `${this.place.shown} has other bytes at ${at + (bad - first) * BLOCK_BYTES} than the ones that were signed`,
          'it was damaged or changed: download it again, or get it from somewhere else',
        );
    }
  }

  #firstBad(level: number, first: number, bytes: Buffer): number | undefined {
    for (let block = 0; block < bytes.length / BLOCK_BYTES; block++) {
      const digest = saltedHash(this.place.salt, bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
      if (!digest.equals(this.#digestOf(level, first + block))) return first + block;
    }
    return undefined;
  }

  /** What the parent says of a block; the parent is there. */
  #digestOf(level: number, block: number): Buffer {
    if (level === this.#levels.length - 1) return this.place.roothash;
    const parent = this.#blocks[(this.#starts[level + 1] ?? 0) + Math.floor(block / PER_BLOCK)];
    if (!parent) throw new Error(`the hash tree has no block for ${level}/${block}`);
    const at = (block % PER_BLOCK) * HASH_BYTES;
    return parent.subarray(at, at + HASH_BYTES);
  }

  async #have(level: number, first: number, end: number, signal: AbortSignal): Promise<void> {
    if (level >= this.#levels.length) return;
    const start = this.#starts[level] ?? 0;
    let from = first;
    while (from < end && this.#blocks[start + from]) from++;
    if (from === end) return;
    const at = this.place.dataBytes + (start + from) * BLOCK_BYTES;
    const bytes = await this.#checked(level, from, end, at, signal);
    for (let block = from; block < end; block++)
      this.#blocks[start + block] = bytes.subarray((block - from) * BLOCK_BYTES, (block - from + 1) * BLOCK_BYTES);
  }
}
