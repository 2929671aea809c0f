/**
 * Reads the new slot back from the device, past what memory remembers, and checks it as the kernel will: every block of the root against the leaves
 * of the hash tree, the tree up to its root, that against the signed root hash and against the one sealed in the kernel image.
 */
import { createHash, hash } from 'node:crypto';
import { parseVeritySuperblock } from './blockIndex.ts';
import { HASH_BYTES, treeLevels } from './bundle/verityTree.ts';
import { deviceSize, piecesOfDevice } from './device.ts';
import { readUki } from './loader/uki.ts';
import { BLOCK_BYTES, type BundleManifest, type Installed, type UpgradePlaces } from './types.ts';
import { UpgradeError } from './upgradeError.ts';

/** Salt and block behind each other, without copying the salt each time. */
function salted(salt: Buffer): (block: Buffer) => Buffer {
  const scratch = Buffer.alloc(salt.length + BLOCK_BYTES);
  salt.copy(scratch);
  return block => {
    block.copy(scratch, salt.length);
    return hash('sha256', scratch, 'buffer');
  };
}

/** The leaves of a good tree, and how to compare a block with them. */
interface Leaves {
  readonly digests: Buffer;
  readonly hashOf: (block: Buffer) => Buffer;
}

/** @throws UpgradeError VERIFY */
export async function readBackTree(
  path: string,
  manifest: BundleManifest,
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
): Promise<Leaves> {
  const { verity, root } = manifest.images;
  const image = Buffer.allocUnsafe(verity.sizeBytes);
  let filled = 0;
  for await (const { bytes } of piecesOfDevice(path, verity.sizeBytes, signal)) {
    filled += bytes.copy(image, filled);
    onRead?.(bytes.length);
  }
  if (filled < image.length || hash('sha256', image) !== verity.sha256) throw other(path, 'hash tree');
  const wrong = (what: string): UpgradeError =>
    new UpgradeError(
      'VERIFY',
      `the bundle's hash tree ${what}`,
      'the bundle was made wrongly: the running slot is untouched',
    );
  const { leaves, rootBytes } = leavesOf(image, manifest.roothash, wrong);
  if (rootBytes !== root.sizeBytes)
    throw wrong(`is for ${rootBytes / BLOCK_BYTES} blocks, and the root has ${root.sizeBytes / BLOCK_BYTES}`);
  return leaves;
}

/**
 * Whether a slot still holds, block by block, the root that its kernel opens.
 * @throws UpgradeError VERIFY it does not; what `signal` was aborted with
 */
export async function checkSlot(
  { root, verity }: Pick<UpgradePlaces, 'root' | 'verity'>,
  { slot, version, roothash }: Installed,
  signal: AbortSignal,
): Promise<void> {
  const wrong = (what: string): UpgradeError =>
    new UpgradeError(
      'VERIFY',
      `slot ${slot} does not hold ${version} any more: ${what}`,
      'an installation into it has been begun; atoll upgrade brings a version into it, whole',
    );
  const pieces: Buffer[] = [];
  for await (const { bytes } of piecesOfDevice(verity[slot], await deviceSize(verity[slot]), signal))
    pieces.push(Buffer.from(bytes));
  const { leaves, rootBytes } = leavesOf(Buffer.concat(pieces), roothash, what => wrong(`its hash tree ${what}`));
  if (rootBytes > (await deviceSize(root[slot]))) throw wrong('its partition is too small for it');
  await readBackRoot(root[slot], leaves, rootBytes, signal).catch((error: unknown) => {
    if (error instanceof UpgradeError) throw wrong(error.message);
    throw error;
  });
}

/** @param image superblock and tree, and whatever is behind them */
function leavesOf(
  image: Buffer,
  roothash: string,
  wrong: (what: string) => UpgradeError,
): { leaves: Leaves; rootBytes: number } {
  const superblock = parseVeritySuperblock(image.subarray(0, BLOCK_BYTES));
  if (!superblock) throw wrong('is in no known format');
  const levels = treeLevels(superblock.dataBlocks);
  const blocks = levels.reduce((sum, count) => sum + count, 0);
  if ((1 + blocks) * BLOCK_BYTES > image.length) throw wrong('is too short');
  const hashOf = salted(superblock.salt);
  // From the top down, each level by the digests of the one above it.
  let digests: Buffer = Buffer.from(roothash, 'hex');
  let at = BLOCK_BYTES;
  for (const count of levels.reverse()) {
    const level = image.subarray(at, at + count * BLOCK_BYTES);
    for (let block = 0; block < count; block++)
      if (
        hashOf(level.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)).compare(
          digests,
          block * HASH_BYTES,
          (block + 1) * HASH_BYTES,
        ) !== 0
      )
        throw wrong(`does not lead to the signed root hash ${roothash.slice(0, 8)}…`);
    digests = level;
    at += level.length;
  }
  return { leaves: { digests, hashOf }, rootBytes: superblock.dataBlocks * BLOCK_BYTES };
}

/** @throws UpgradeError VERIFY */
export async function readBackRoot(
  path: string,
  { digests, hashOf }: Leaves,
  sizeBytes: number,
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
): Promise<void> {
  let read = 0;
  for await (const { at, bytes } of piecesOfDevice(path, sizeBytes, signal)) {
    for (let offset = 0; offset + BLOCK_BYTES <= bytes.length; offset += BLOCK_BYTES) {
      const block = (at + offset) / BLOCK_BYTES;
      if (
        hashOf(bytes.subarray(offset, offset + BLOCK_BYTES)).compare(
          digests,
          block * HASH_BYTES,
          (block + 1) * HASH_BYTES,
        ) !== 0
      )
        throw other(path, 'root', at + offset);
    }
    read += bytes.length;
    onRead?.(bytes.length);
  }
  if (read < sizeBytes) throw other(path, 'root', read);
}

/** @throws UpgradeError VERIFY */
export async function readBackUki(
  path: string,
  manifest: BundleManifest,
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
): Promise<void> {
  const { sizeBytes, sha256 } = manifest.images.uki;
  const sum = createHash('sha256');
  for await (const { bytes } of piecesOfDevice(path, sizeBytes, signal)) {
    sum.update(bytes);
    onRead?.(bytes.length);
  }
  if (sum.digest('hex') !== sha256) throw other(path, 'kernel image');
  const facts = await readUki(path);
  if (facts?.roothash !== manifest.roothash)
    throw new UpgradeError(
      'VERIFY',
      `the bundle's kernel image opens ${facts ? `the root ${facts.roothash.slice(0, 8)}…` : 'no root'}, and its manifest says ${manifest.roothash.slice(0, 8)}…`,
      'the bundle was made wrongly: the running slot is untouched',
    );
}

const other = (path: string, what: string, at?: number): UpgradeError =>
  new UpgradeError(
    'VERIFY',
    `${path} gives back another ${what} than was written${at === undefined ? '' : ` (at byte ${at})`}`,
    'the disk or card is failing; the running slot is untouched. Try again, and replace it if that happens twice',
  );
