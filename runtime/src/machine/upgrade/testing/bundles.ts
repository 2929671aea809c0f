/**
 * Bundles for tests, made without Debian's tools in milliseconds, so that each part can be wrong by itself. That the real ones are read too is
 * shown where there are the tools (runtime/test/upgrade.install.test.ts).
 */
import { createHash, hash, randomBytes } from 'node:crypto';
import { treeLevels } from '../bundle/verityTree.ts';
import { testUki } from '../loader/testing/efiProgram.ts';
import { BLOCK_BYTES } from '../types.ts';
import { type Signer, sign } from './authority.ts';

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer');
const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)]);

/** SHA-256 of each block. */
export function indexOf(image: Buffer): Buffer {
  const entries: Buffer[] = [];
  for (let at = 0; at < image.length; at += BLOCK_BYTES) entries.push(digest(image.subarray(at, at + BLOCK_BYTES)));
  return Buffer.concat(entries);
}

/** dm-verity's tree from the top down, and its root hash. */
export function hashTree(data: Buffer, salt: Buffer): { readonly tree: Buffer; readonly roothash: string } {
  const levels: Buffer[] = [];
  let below = data;
  for (const _ of treeLevels(data.length / BLOCK_BYTES)) {
    const digests: Buffer[] = [];
    for (let at = 0; at < below.length; at += BLOCK_BYTES)
      digests.push(digest(Buffer.concat([salt, below.subarray(at, at + BLOCK_BYTES)])));
    below = padded(Buffer.concat(digests));
    levels.unshift(below);
  }
  return { tree: Buffer.concat(levels), roothash: digest(Buffer.concat([salt, below])).toString('hex') };
}

/** As `veritysetup format` and the builder make it: superblock, tree, block index of the root. */
export function verityImage(
  root: Buffer,
  salt: Buffer,
  withIndex = true,
): { readonly image: Buffer; readonly roothash: string } {
  const superblock = Buffer.alloc(BLOCK_BYTES);
  superblock.write('verity\0\0', 0, 'latin1');
  superblock.writeUInt32LE(1, 8);
  superblock.writeUInt32LE(1, 12);
  superblock.write('sha256', 32, 'latin1');
  superblock.writeUInt32LE(BLOCK_BYTES, 64);
  superblock.writeUInt32LE(BLOCK_BYTES, 68);
  superblock.writeBigUInt64LE(BigInt(root.length / BLOCK_BYTES), 72);
  superblock.writeUInt16LE(salt.length, 80);
  salt.copy(superblock, 88);
  const { tree, roothash } = hashTree(root, salt);
  const header = Buffer.alloc(BLOCK_BYTES);
  const entries = indexOf(root);
  header.write('ATOLLBHI', 0, 'latin1');
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(BLOCK_BYTES, 12);
  header.writeBigUInt64LE(BigInt(root.length / BLOCK_BYTES), 16);
  digest(entries).copy(header, 24);
  return { image: Buffer.concat([superblock, tree, ...(withIndex ? [header, padded(entries)] : [])]), roothash };
}

/** Blocks that are nowhere else: the same seed gives the same ones. */
export function noise(bytes: number, seed: string): Buffer {
  const out = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 32) createHash('sha256').update(`${seed}/${at}`).digest().copy(out, at);
  return out;
}

export interface Version {
  readonly version: string;
  readonly roothash: string;
  readonly root: Buffer;
  readonly verity: Buffer;
  readonly uki: Buffer;
}

/** One version of the system: some hundred blocks. */
export function versionOf(
  version: string,
  root: Buffer,
  options: { readonly kernelBytes?: number; readonly withIndex?: boolean } = {},
): Version {
  const { image, roothash } = verityImage(root, Buffer.from('5a17'.repeat(16), 'hex'), options.withIndex);
  return {
    version,
    roothash,
    root,
    verity: image,
    uki: padded(testUki({ version, roothash, paddingBytes: options.kernelBytes ?? 200_000 })),
  };
}

export interface SquashfsFile {
  readonly name: string;
  readonly content: Buffer;
}

/**
 * A squashfs whose files are stored as they are, or one that says they are compressed.
 * Source: kernel Documentation/filesystems/squashfs.rst.
 */
export function squashfs(files: readonly SquashfsFile[], compressed = false): Buffer {
  const blockBytes = 131072;
  const plain = 1 << 24;
  const data: Buffer[] = [Buffer.alloc(96)];
  let at = 96;
  const inodes: Buffer[] = [];
  const entries: Buffer[] = [];
  let inodeAt = 0;
  for (const [number, { name, content }] of [...files].sort((a, b) => (a.name < b.name ? -1 : 1)).entries()) {
    const blocks = Math.ceil(content.length / blockBytes);
    const inode = Buffer.alloc(32 + blocks * 4);
    inode.writeUInt16LE(2, 0);
    inode.writeUInt16LE(0o644, 2);
    inode.writeUInt32LE(number + 2, 12);
    inode.writeUInt32LE(at, 16);
    inode.writeUInt32LE(0xffffffff, 20);
    inode.writeUInt32LE(content.length, 28);
    for (let block = 0; block < blocks; block++)
      inode.writeUInt32LE(
        Math.min(blockBytes, content.length - block * blockBytes) | (compressed ? 0 : plain),
        32 + block * 4,
      );
    const entry = Buffer.alloc(8);
    entry.writeUInt16LE(inodeAt, 0);
    entry.writeInt16LE(number + 1, 2);
    entry.writeUInt16LE(2, 4);
    entry.writeUInt16LE(name.length - 1, 6);
    entries.push(entry, Buffer.from(name));
    inodes.push(inode);
    inodeAt += inode.length;
    data.push(content);
    at += content.length;
  }
  const listing = Buffer.alloc(12);
  listing.writeUInt32LE(files.length - 1, 0);
  listing.writeUInt32LE(1, 8);
  const directory = Buffer.concat([listing, ...entries]);
  const root = Buffer.alloc(32);
  root.writeUInt16LE(1, 0);
  root.writeUInt16LE(0o755, 2);
  root.writeUInt32LE(1, 12);
  root.writeUInt16LE(directory.length + 3, 24);
  const table = (content: Buffer): Buffer => {
    const header = Buffer.alloc(2);
    header.writeUInt16LE(content.length | 0x8000);
    return Buffer.concat([header, content]);
  };
  const inodeTable = table(Buffer.concat([...inodes, root]));
  const directoryTable = table(directory);
  const idBlock = table(Buffer.alloc(4));
  const place = Buffer.alloc(8);
  const ids = at + inodeTable.length + directoryTable.length;
  place.writeBigUInt64LE(BigInt(ids));
  const used = ids + idBlock.length + place.length;
  const superblock = data[0] ?? Buffer.alloc(96);
  for (const [offset, value] of [
    [0, 0x73717368],
    [4, files.length + 1],
    [12, blockBytes],
    [16, 0],
  ] as const)
    superblock.writeUInt32LE(value, offset);
  for (const [offset, value] of [
    [20, 1],
    [22, 17],
    [24, 0x0b],
    [26, 1],
    [28, 4],
  ] as const)
    superblock.writeUInt16LE(value, offset);
  const none = 0xffffffffffffffffn;
  for (const [offset, value] of [
    [32, BigInt(inodeAt)],
    [40, BigInt(used)],
    [48, BigInt(ids + idBlock.length)],
    [56, none],
    [64, BigInt(at)],
    [72, BigInt(at + inodeTable.length)],
    [80, none],
    [88, none],
  ] as const)
    superblock.writeBigUInt64LE(value, offset);
  return padded(Buffer.concat([...data, inodeTable, directoryTable, idBlock, place]));
}

export interface MadeWrong {
  readonly compatible?: string;
  readonly compressed?: boolean;
  /** Lines of the manifest, changed before it is signed. */
  readonly manifest?: (text: string) => string;
  /** Bytes of the payload, changed after the hash tree was made. */
  readonly payload?: (payload: Buffer) => void;
  readonly index?: (image: string, index: Buffer) => Buffer;
  readonly minimumVersion?: string;
}

/** A whole bundle, as RAUC makes it. */
export async function makeBundle(
  version: Version,
  signer: Signer,
  folder: string,
  wrong: MadeWrong = {},
): Promise<Buffer> {
  const images = { root: version.root, uki: version.uki, verity: version.verity };
  const files: SquashfsFile[] = [{ name: '.align', content: Buffer.alloc(BLOCK_BYTES - 96) }];
  for (const [name, content] of Object.entries(images)) {
    const index = indexOf(content);
    files.push(
      { name: `${name}.img`, content },
      { name: `${name}.img.block-hash-index`, content: wrong.index?.(name, index) ?? index },
    );
  }
  const payload = squashfs(files, wrong.compressed);
  const salt = randomBytes(32);
  const { tree, roothash } = hashTree(payload, salt);
  const lines = [
    ...[
      '[update]',
      `compatible=${wrong.compatible ?? 'atoll-test'}`,
      `version=${version.version}`,
      'description=for tests',
      'build=2026-11-22T00:00:00.000Z',
      '',
    ],
    ...[
      '[bundle]',
      'format=verity',
      `verity-hash=${roothash}`,
      `verity-salt=${salt.toString('hex')}`,
      `verity-size=${tree.length}`,
      '',
    ],
    ...Object.entries(images).flatMap(([name, content]) => [
      ...[`[image.${name}]`, `sha256=${digest(content).toString('hex')}`, `size=${content.length}`],
      ...[`filename=${name}.img`, 'adaptive=block-hash-index;', ''],
    ]),
    ...['[meta.atoll]', `roothash=${version.roothash}`, `notes=${Buffer.from('Better.\n').toString('base64')}`],
    ...(wrong.minimumVersion === undefined ? [] : [`minimum-version=${wrong.minimumVersion}`]),
    '',
  ];
  const text = lines.join('\n');
  const signature = await sign(wrong.manifest?.(text) ?? text, signer, folder);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(signature.length));
  wrong.payload?.(payload);
  return Buffer.concat([payload, tree, signature, size]);
}
