/**
 * A bundle, opened: its signature has been checked, and whatever is read from it from now on is checked before it is given out.
 *
 *     payload (squashfs, padded to 4096) | hash tree of the payload | signature (CMS, holds the manifest) | its size, 8 bytes
 *
 * Only the ends, the tables and the block indexes are read here; images are read by whoever installs them, block by block.
 * Source: RAUC 1.13 reference, "Bundle Formats: verity"; docs/adr/010-upgrades.md.
 */
import { BLOCK_BYTES, type ImageName } from '../types.ts';
import { UpgradeError } from '../upgradeError.ts';
import type { SignedManifest } from './manifest.ts';
import { parseManifest } from './manifest.ts';
import { type Trust, verifySigned } from './signature.ts';
import { readSource, type Source } from './source.ts';
import {
  type Extent,
  parseSuperblock,
  readFiles,
  type StoredFile,
  type Superblock,
  superblockBytes,
} from './squashfs.ts';
import { HASH_BYTES, VerityTree } from './verityTree.ts';

/** RAUC's own bound for a signature. */
const mostSignatureBytes = 64 * 1024;
const mostListBytes = 1 << 20;
/** The name of a revocation list beside a bundle. */
export const listBesideName = 'revoked.crl.pem';

export interface Bundle {
  readonly shown: string;
  readonly sizeBytes: number;
  readonly manifest: SignedManifest;
  /** The signing certificate's subject. */
  readonly signer: string;
  readonly source: Source;
  /** SHA-256 of each 4096 bytes of an image, one after the other. */
  index(image: ImageName, signal: AbortSignal): Promise<Buffer>;
  /** Where the image begins in the bundle: what is read in this order is read forwards. */
  startOf(image: ImageName): number;
  /**
   * A stretch of an image as the source has it: **not checked**; whoever takes it compares it with the index.
   */
  stream(image: ImageName, offset: number, lengthBytes: number, signal: AbortSignal): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** Takes the source over, also when it throws. @throws UpgradeError */
export async function readBundle(source: Source, trust: Trust, signal: AbortSignal): Promise<Bundle> {
  try {
    return await read(source, trust, signal);
  } catch (error) {
    await source.close();
    // A table that leads nowhere: nothing that was signed does so.
    if (error instanceof RangeError)
      throw new UpgradeError('DAMAGED', `${source.shown} leads outside of itself`, 'download it again', {
        cause: error,
      });
    throw error;
  }
}

async function read(source: Source, trust: Trust, signal: AbortSignal): Promise<Bundle> {
  const { shown } = source;
  // A server that has no ranges has its end at hand and not its beginning: what the signature does not need is asked for later.
  const first = source.sequential ? undefined : await beginning(source, signal);
  const { signature, signedBytes, end } = await trailer(source, first, signal);
  const listBeside = await source.beside(listBesideName, mostListBytes, signal);
  const { content, signer } = await verifySigned(signature, trust, listBeside, signal);
  const manifest = parseManifest(content.toString('utf8'));
  const dataBytes = signedBytes - manifest.payload.treeBytes;
  if (dataBytes <= 0 || dataBytes % BLOCK_BYTES !== 0)
    throw new UpgradeError(
      'DAMAGED',
      `${shown} has the wrong size for its manifest: it was cut off, or something was added`,
      'download it again',
    );
  const asked = new Set<number>();
  const tree = new VerityTree(
    {
      shown,
      dataBytes,
      treeBytes: manifest.payload.treeBytes,
      salt: manifest.payload.salt,
      roothash: Buffer.from(manifest.payload.roothash, 'hex'),
    },
    async (offset, lengthBytes, until) => {
      // With the signature came the end of the tree, and of a small bundle more.
      const from = offset - (source.sizeBytes - end.length);
      // What is asked for twice was not good the first time.
      const isNew = !asked.has(offset);
      asked.add(offset);
      return from >= 0 && isNew
        ? end.subarray(from, from + lengthBytes)
        : readSource(source, offset, lengthBytes, until);
    },
  );
  const superblock = parseSuperblock(await tree.readChecked(0, superblockBytes, signal));
  if (!superblock) throw notABundle(shown);
  const files = await readFiles(superblock, (offset, lengthBytes) => tree.readChecked(offset, lengthBytes, signal));
  const stored = (filename: string, sizeBytes: number): StoredFile => {
    const file = files.get(filename);
    if (!file) throw new UpgradeError('DAMAGED', `${shown} has no file ${filename}, which its manifest names`);
    if (file.sizeBytes !== sizeBytes)
      throw new UpgradeError(
        'DAMAGED',
        `${shown}: ${filename} has ${file.sizeBytes} bytes, and should have ${sizeBytes}`,
      );
    return file;
  };
  const images = { root: manifest.images.root, verity: manifest.images.verity, uki: manifest.images.uki };
  const places = {
    root: stored(images.root.filename, images.root.sizeBytes),
    verity: stored(images.verity.filename, images.verity.sizeBytes),
    uki: stored(images.uki.filename, images.uki.sizeBytes),
  };
  return {
    shown,
    sizeBytes: source.sizeBytes,
    manifest,
    signer,
    source,
    startOf: image => places[image].extents.find(({ at }) => at !== undefined)?.at ?? 0,
    async index(image, until) {
      const { filename, sizeBytes } = images[image];
      const bytes = (sizeBytes / BLOCK_BYTES) * HASH_BYTES;
      const all = Buffer.alloc(bytes);
      let filled = 0;
      for (const { at, lengthBytes } of stored(`${filename}.block-hash-index`, bytes).extents) {
        if (at !== undefined) (await tree.readChecked(at, lengthBytes, until)).copy(all, filled);
        filled += lengthBytes;
      }
      return all;
    },
    async *stream(image, offset, lengthBytes, until) {
      for (const { at, lengthBytes: length } of stretches(places[image].extents, offset, lengthBytes)) {
        if (at === undefined) yield Buffer.alloc(length);
        else yield* source.stream(at, length, until);
      }
    },
    close: () => source.close(),
  };
}

/** The parts of a file's stretch, in order. */
export function* stretches(extents: readonly Extent[], offset: number, lengthBytes: number): Generator<Extent> {
  let start = 0;
  for (const { at, lengthBytes: length } of extents) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + lengthBytes, start + length);
    if (from < to) yield { at: at === undefined ? undefined : at + from - start, lengthBytes: to - from };
    start += length;
  }
}

const notABundle = (shown: string): UpgradeError =>
  new UpgradeError('NOT_A_BUNDLE', `${shown} is not a bundle`, 'a bundle is the .raucb file that `make bundle` makes');

/** Told apart before anything is verified: something else, and a bundle that is cut off. Nothing of it is relied on. */
async function beginning(source: Source, signal: AbortSignal): Promise<Superblock> {
  const { shown, sizeBytes } = source;
  if (sizeBytes === 0) throw new UpgradeError('NOT_A_BUNDLE', `${shown} is empty`);
  const bytes = await readSource(source, 0, Math.min(superblockBytes, sizeBytes), signal);
  const superblock = parseSuperblock(bytes);
  if (!superblock) throw notABundle(shown);
  if (superblock.usedBytes > sizeBytes)
    throw new UpgradeError(
      'DAMAGED',
      `${shown} is cut off: it has ${sizeBytes} bytes, and its file system alone ${superblock.usedBytes}`,
      'copy or download it again',
    );
  return superblock;
}

/** The signature, and how many bytes stand before it. */
async function trailer(
  source: Source,
  first: Superblock | undefined,
  signal: AbortSignal,
): Promise<{ signature: Buffer; signedBytes: number; end: Buffer }> {
  const { shown, sizeBytes } = source;
  if (sizeBytes < superblockBytes) throw notABundle(shown);
  const end = await readSource(
    source,
    sizeBytes - Math.min(sizeBytes, mostSignatureBytes),
    Math.min(sizeBytes, mostSignatureBytes),
    signal,
  );
  const length = end.readBigUInt64BE(end.length - 8);
  const signedBytes = sizeBytes - 8 - Number(length);
  const padded = first && Math.ceil(first.usedBytes / BLOCK_BYTES) * BLOCK_BYTES;
  if (first && (sizeBytes <= (padded ?? 0) || length === 0n))
    throw new UpgradeError(
      'UNSIGNED',
      `${shown} is not signed`,
      'sign it: `make bundle` does; only signed bundles are installed',
    );
  // DER begins with a SEQUENCE.
  if (
    length < 64n ||
    length > BigInt(end.length - 8) ||
    signedBytes % BLOCK_BYTES !== 0 ||
    end[end.length - 8 - Number(length)] !== 0x30
  ) {
    if (!first && !parseSuperblock(await readSource(source, 0, superblockBytes, signal))) throw notABundle(shown);
    throw new UpgradeError(
      'DAMAGED',
      `${shown} has no signature at its end: it was cut off, or it is damaged`,
      'copy or download it again',
    );
  }
  return { signature: end.subarray(end.length - 8 - Number(length), end.length - 8), signedBytes, end };
}
