/**
 * Where the files of a bundle are: the root directory of a squashfs, which is all a bundle has. Only what is stored as it is can be
 * found by its place, so anything compressed is refused, by name.
 * Source: the squashfs 4.0 binary format (kernel Documentation/filesystems/squashfs.rst, fs/squashfs/squashfs_fs.h).
 */
import { UpgradeError } from '../upgradeError.ts';

/** A stretch of a file; without a place: zeros, which are not stored. */
export interface Extent {
  readonly at: number | undefined;
  readonly lengthBytes: number;
}

export interface StoredFile {
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
}

/** A stretch of the file system, checked. */
export type ReadStretch = (offset: number, lengthBytes: number) => Promise<Buffer>;

export const superblockBytes = 96;
const magic = 0x73717368;
const metadataBytes = 8192;
/** Tables of a bundle have some hundred bytes; those of a system of files would not be a bundle. */
const mostTableBytes = 1 << 20;

export interface Superblock {
  /** Without the padding behind it. */
  readonly usedBytes: number;
  readonly blockBytes: number;
  readonly fragments: number;
  readonly root: bigint;
  readonly inodes: number;
  readonly directories: number;
  readonly fragmentTable: number;
}

/** Undefined: it is no squashfs. @throws UpgradeError where it is one that cannot be read */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < superblockBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  const [major, minor] = [bytes.readUInt16LE(28), bytes.readUInt16LE(30)];
  if (major !== 4 || minor !== 0) throw broken(`is squashfs ${major}.${minor}, not 4.0`);
  return {
    usedBytes: place(bytes, 40),
    blockBytes: bytes.readUInt32LE(12),
    fragments: bytes.readUInt32LE(16),
    root: bytes.readBigUInt64LE(32),
    inodes: place(bytes, 64),
    directories: place(bytes, 72),
    fragmentTable: place(bytes, 80),
  };
}

/** @throws UpgradeError */
export async function readFiles(superblock: Superblock, read: ReadStretch): Promise<Map<string, StoredFile>> {
  const { inodes, directories, fragmentTable, usedBytes } = superblock;
  if (inodes >= directories || directories >= usedBytes) throw broken('has its tables in no order');
  if (usedBytes - inodes > mostTableBytes) throw broken('has tables without an end');
  // One after the other, in one go.
  const tables = await read(inodes, usedBytes - inodes);
  const inodeTable = tableOf(tables.subarray(0, directories - inodes));
  const directoryTable = tableOf(tables.subarray(directories - inodes, Math.min(fragmentTable, usedBytes) - inodes));
  const fragments = await readFragments(superblock, read);
  const inodeAt = (block: number, offset: number): Buffer => inodeTable.from(block, offset);
  const root = inodeAt(Number(superblock.root >> 16n), Number(superblock.root & 0xffffn));
  const found = new Map<string, StoredFile>();
  for (const entry of listing(root, directoryTable)) {
    if (entry.type !== 2) throw broken(`holds "${entry.name}", which is not a plain file`);
    found.set(entry.name, fileOf(entry.name, inodeAt(entry.block, entry.offset), superblock, fragments));
  }
  return found;
}

interface Table {
  /** From a place (block's start in the table, offset in the block) to the table's end. */
  from(block: number, offset: number): Buffer;
}

function tableOf(raw: Buffer): Table {
  const pieces: Buffer[] = [];
  const at = new Map<number, number>();
  let length = 0;
  for (let offset = 0; offset + 2 <= raw.length; ) {
    // Other tables may follow, and nothing says where this one ends: what leads nowhere was none of it.
    if (offset > 0 && offset + 2 + (raw.readUInt16LE(offset) & 0x7fff) > raw.length) break;
    if (offset > 0 && (raw.readUInt16LE(offset) & 0x8000) === 0) break;
    const { bytes, next } = metadataBlock(raw, offset);
    at.set(offset, length);
    pieces.push(bytes);
    length += bytes.length;
    offset = next;
  }
  const all = Buffer.concat(pieces);
  return {
    from: (block, offset) => {
      const base = at.get(block);
      if (base === undefined || base + offset > all.length) throw broken('leads outside of a table');
      return all.subarray(base + offset);
    },
  };
}

function metadataBlock(raw: Buffer, offset: number): { bytes: Buffer; next: number } {
  const header = raw.readUInt16LE(offset);
  const size = header & 0x7fff;
  if ((header & 0x8000) === 0) throw compressed('tables');
  if (size > metadataBytes || offset + 2 + size > raw.length) throw broken('leads outside of a table');
  return { bytes: raw.subarray(offset + 2, offset + 2 + size), next: offset + 2 + size };
}

interface Fragment {
  readonly start: number;
  readonly sizeBytes: number;
}

async function readFragments(
  { fragments: count, fragmentTable, usedBytes }: Superblock,
  read: ReadStretch,
): Promise<Fragment[]> {
  if (count === 0) return [];
  const perBlock = metadataBytes / 16;
  if (count > 4 * perBlock) throw broken('has too many fragments');
  const places = await read(fragmentTable, Math.ceil(count / perBlock) * 8);
  const found: Fragment[] = [];
  for (let at = 0; at < places.length; at += 8) {
    const start = place(places, at);
    const raw = await read(start, Math.min(metadataBytes + 2, usedBytes - start));
    const { bytes } = metadataBlock(raw, 0);
    for (let row = 0; row + 16 <= bytes.length && found.length < count; row += 16) {
      const size = bytes.readUInt32LE(row + 8);
      if ((size & (1 << 24)) === 0) throw compressed('fragments');
      found.push({ start: place(bytes, row), sizeBytes: size & 0xffffff });
    }
  }
  return found;
}

interface Entry {
  readonly name: string;
  readonly type: number;
  readonly block: number;
  readonly offset: number;
}

function listing(root: Buffer, table: Table): Entry[] {
  const type = root.readUInt16LE(0);
  if (type !== 1 && type !== 8) throw broken('has no root directory');
  const [size, block, offset] =
    type === 1
      ? [root.readUInt16LE(24), root.readUInt32LE(16), root.readUInt16LE(26)]
      : [root.readUInt32LE(20), root.readUInt32LE(24), root.readUInt16LE(34)];
  // Three of its bytes are "." and "..", which are not stored.
  const bytes = table.from(block, offset).subarray(0, Math.max(0, size - 3));
  const entries: Entry[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const count = bytes.readUInt32LE(at) + 1;
    const start = bytes.readUInt32LE(at + 4);
    if (count > 256) throw broken('has a directory without an end');
    at += 12;
    for (let index = 0; index < count; index++) {
      if (at + 8 > bytes.length) throw broken('has a directory that is cut off');
      const length = bytes.readUInt16LE(at + 6) + 1;
      if (at + 8 + length > bytes.length) throw broken('has a directory that is cut off');
      entries.push({
        name: bytes.toString('utf8', at + 8, at + 8 + length),
        type: bytes.readUInt16LE(at + 4),
        block: start,
        offset: bytes.readUInt16LE(at),
      });
      at += 8 + length;
    }
  }
  return entries;
}

const noFragment = 0xffffffff;

function fileOf(
  name: string,
  inode: Buffer,
  { blockBytes, usedBytes }: Superblock,
  fragments: readonly Fragment[],
): StoredFile {
  const type = inode.readUInt16LE(0);
  if (type !== 2 && type !== 9) throw broken(`holds "${name}", which is not a plain file`);
  const [start, sizeBytes, fragment, inFragment, sizes] =
    type === 2
      ? [inode.readUInt32LE(16), inode.readUInt32LE(28), inode.readUInt32LE(20), inode.readUInt32LE(24), 32]
      : [place(inode, 16), place(inode, 24), inode.readUInt32LE(44), inode.readUInt32LE(48), 56];
  const blocks = fragment === noFragment ? Math.ceil(sizeBytes / blockBytes) : Math.floor(sizeBytes / blockBytes);
  if (sizes + blocks * 4 > inode.length) throw broken(`has no end of "${name}"`);
  const extents: { at: number | undefined; lengthBytes: number }[] = [];
  const add = (at: number | undefined, lengthBytes: number): void => {
    if (at !== undefined && at + lengthBytes > usedBytes) throw broken(`leads outside of itself for "${name}"`);
    const last = extents.at(-1);
    const follows =
      last && (at === undefined ? last.at === undefined : last.at !== undefined && last.at + last.lengthBytes === at);
    if (follows) last.lengthBytes += lengthBytes;
    else extents.push({ at, lengthBytes });
  };
  let at = start;
  for (let block = 0; block < blocks; block++) {
    const word = inode.readUInt32LE(sizes + block * 4);
    const lengthBytes = Math.min(blockBytes, sizeBytes - block * blockBytes);
    if (word === 0) {
      add(undefined, lengthBytes);
      continue;
    }
    if ((word & (1 << 24)) === 0) throw compressed(`"${name}"`);
    if ((word & 0xffffff) !== lengthBytes) throw broken(`has a block of another size in "${name}"`);
    add(at, lengthBytes);
    at += lengthBytes;
  }
  const tail = sizeBytes - blocks * blockBytes;
  if (fragment !== noFragment && tail > 0) {
    const held = fragments[fragment];
    if (!held || inFragment + tail > held.sizeBytes) throw broken(`has no end of "${name}"`);
    add(held.start + inFragment, tail);
  }
  return { sizeBytes, extents };
}

/** A 64-bit number that is a place in a file. */
function place(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

const broken = (what: string): UpgradeError =>
  new UpgradeError('DAMAGED', `the bundle's file system ${what}`, 'download it again');
const compressed = (what: string): UpgradeError =>
  new UpgradeError(
    'MANIFEST',
    `the bundle's file system is compressed (${what}): its blocks cannot be found by their place`,
    'make it with `make bundle`, or give rauc --mksquashfs-args="-noI -noD -noF -noX"',
  );
