/**
 * How much of a bundle a node downloads that runs another: blocks that neither its root, its hash tree nor its UKI has. And how much it
 * writes into a slot that holds that other one, too: blocks that are others in their places, and the UKI, which is a new file.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { blockBytes } from '../formats/block-index.ts';
import { tool } from '../tools.ts';

export interface Delta {
  readonly bundleBytes: number;
  /** By image: what has to be downloaded of it. */
  readonly imageBytes: Readonly<Record<string, number>>;
  /** Of the bundle, besides the images: block indexes, hash tree, signature. All of it is counted as downloaded. */
  readonly otherBytes: number;
  readonly downloadBytes: number;
  /** By image: what is written of it over the other one. */
  readonly writtenImageBytes: Readonly<Record<string, number>>;
  readonly writtenBytes: number;
}

interface Image {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The images of a bundle as the builder makes it: from the second block on, in the order of the manifest. */
async function imagesOf(bundle: string): Promise<Image[]> {
  const { stdout } = await tool(['rauc', 'info', '--no-verify', '--output-format=json-2', bundle], {
    readOnly: [dirname(bundle)],
  });
  const { images } = JSON.parse(stdout) as { images: { 'slot-class': string; size: number }[] };
  let offset = blockBytes;
  return images.map(({ 'slot-class': name, size: sizeBytes }) => {
    const image = { name, offset, sizeBytes };
    offset += sizeBytes;
    return image;
  });
}

async function hashesOf(bundle: string, { offset, sizeBytes }: Image): Promise<string[]> {
  const file = await open(bundle, 'r');
  try {
    const hashes: string[] = [];
    const chunk = Buffer.alloc(256 * blockBytes);
    for (let done = 0; done < sizeBytes; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, sizeBytes - done), offset + done);
      if (bytesRead === 0) throw new Error(`${bundle} ends in an image`);
      for (let at = 0; at < bytesRead; at += blockBytes)
        hashes.push(
          createHash('sha256')
            .update(chunk.subarray(at, at + blockBytes))
            .digest('base64'),
        );
      done += bytesRead;
    }
    return hashes;
  } finally {
    await file.close();
  }
}

/** @param from bundle of what runs. @param to bundle of what is installed */
export async function deltaOf(from: string, to: string): Promise<Delta> {
  const known = new Set<string>();
  const before = new Map<string, readonly string[]>();
  for (const image of await imagesOf(from)) {
    const hashes = await hashesOf(from, image);
    before.set(image.name, hashes);
    for (const hash of hashes) known.add(hash);
  }
  const imageBytes: Record<string, number> = {};
  const writtenImageBytes: Record<string, number> = {};
  let inImages = 0;
  for (const image of await imagesOf(to)) {
    const hashes = await hashesOf(to, image);
    const missing = new Set(hashes.filter(hash => !known.has(hash)));
    imageBytes[image.name] = missing.size * blockBytes;
    writtenImageBytes[image.name] = blocksWritten(image.name, hashes, before.get(image.name) ?? []) * blockBytes;
    inImages += image.sizeBytes;
  }
  const file = await open(to, 'r');
  const bundleBytes = (await file.stat().finally(() => file.close())).size;
  const otherBytes = bundleBytes - inImages;
  const downloadBytes = Object.values(imageBytes).reduce((sum, bytes) => sum + bytes, otherBytes);
  const writtenBytes = Object.values(writtenImageBytes).reduce((sum, bytes) => sum + bytes, 0);
  return { bundleBytes, imageBytes, otherBytes, downloadBytes, writtenImageBytes, writtenBytes };
}

/** Blocks of an image that are written over what is in the slot. */
export const blocksWritten = (image: string, hashes: readonly string[], before: readonly string[]): number =>
  image === 'uki' ? hashes.length : hashes.filter((hash, i) => hash !== before[i]).length;
