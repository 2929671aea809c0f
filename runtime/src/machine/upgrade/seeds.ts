/**
 * Blocks that this machine has already: in the running slot, in the kernels on the boot partition. An index says where; whoever copies a block
 * reads and checks it, so an index that is wrong costs a download and nothing else.
 */
import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BlockTable, decodeIndex, HASH_BYTES, indexPlace, parseVeritySuperblock } from './blockIndex.ts';
import { pieces } from './device.ts';
import { BLOCK_BYTES } from './types.ts';

export interface SeedFile {
  readonly path: string;
  /** Its blocks in the index that all files share. */
  readonly firstBlock: number;
}

export class Seeds {
  readonly #table: BlockTable;
  readonly #open = new Map<string, FileHandle | undefined>();

  private constructor(
    private readonly files: readonly SeedFile[],
    index: Buffer,
  ) {
    this.#table = new BlockTable(index);
  }

  /** @param indexes of each file, SHA-256 of each block */
  static of(indexes: readonly { readonly path: string; readonly index: Buffer }[]): Seeds {
    let firstBlock = 0;
    const files = indexes.map(({ path, index }) => {
      const file = { path, firstBlock };
      firstBlock += index.length / HASH_BYTES;
      return file;
    });
    return new Seeds(files, Buffer.concat(indexes.map(({ index }) => index)));
  }

  /** The number of a block with this hash, or -1. */
  find(wanted: Buffer, at: number): number {
    return this.#table.find(wanted, at);
  }

  /** Reads blocks that follow each other; fewer where they cannot be read. Nothing says that they are what the index tells. */
  async read(block: number, into: Buffer): Promise<number> {
    const file = this.files.findLast(({ firstBlock }) => firstBlock <= block);
    if (!file) return 0;
    try {
      if (!this.#open.has(file.path)) this.#open.set(file.path, await open(file.path, 'r').catch(() => undefined));
      const handle = this.#open.get(file.path);
      return handle ? (await handle.read(into, 0, into.length, (block - file.firstBlock) * BLOCK_BYTES)).bytesRead : 0;
    } catch {
      return 0;
    }
  }

  async close(): Promise<void> {
    for (const file of this.#open.values()) await file?.close();
    this.#open.clear();
  }
}

/** SHA-256 of each whole block of a file or device, at most `mostBytes` of it; what cannot be read ends it. */
export async function scan(
  path: string,
  mostBytes: number,
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return Buffer.alloc(0);
  const index = Buffer.allocUnsafe(Math.floor(mostBytes / BLOCK_BYTES) * HASH_BYTES);
  let filled = 0;
  try {
    for await (const { bytes } of pieces(file, mostBytes, signal)) {
      for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES)
        filled += hash('sha256', bytes.subarray(at, at + BLOCK_BYTES), 'buffer').copy(index, filled);
      onRead?.(bytes.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error && 'syscall' in error)) throw error;
  } finally {
    await file.close();
  }
  return index.subarray(0, filled);
}

/** The index that the image of the running hash tree has behind it; undefined: none, or a damaged one. */
export async function shippedIndex(verityPath: string): Promise<Buffer | undefined> {
  const file = await open(verityPath, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const read = async (at: number, lengthBytes: number): Promise<Buffer> => {
      const bytes = Buffer.allocUnsafe(lengthBytes);
      return bytes.subarray(0, (await file.read(bytes, 0, lengthBytes, at)).bytesRead);
    };
    const superblock = parseVeritySuperblock(await read(0, BLOCK_BYTES));
    if (!superblock) return undefined;
    const at = indexPlace(superblock.dataBlocks);
    const entries = decodeIndex(await read(at, BLOCK_BYTES + superblock.dataBlocks * HASH_BYTES));
    return entries?.length === superblock.dataBlocks * HASH_BYTES ? entries : undefined;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}
