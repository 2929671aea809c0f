/**
 * What is flashed: a raw image or a compressed one, read once for all cards, its checksums checked while it is read.
 */
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { listImages } from '../definition/load.ts';
import { nearest } from '../definition/nearest.ts';
import { BuildError } from '../errors.ts';
import { type BmapRange, parseBmap } from '../formats/bmap.ts';
import { zstdContentBytes } from '../formats/zstd.ts';
import { artefactPaths } from '../paths.ts';
import { chunkBytes, Decompressed, damaged, RawFile } from './input.ts';

/** Bytes of the image at a place; at most `chunkBytes` of them. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface ImageSource {
  readonly path: string;
  readonly imageBytes: number;
  /** What has to be written, in order, in bytes. */
  readonly ranges: readonly { readonly offset: number; readonly sizeBytes: number }[];
  /** Whether a block map says what has to be written. */
  readonly mapped: boolean;
  /**
   * Reads what has to be written, from the first byte.
   * @throws BuildError IMAGE_DAMAGED as soon as something is not what a checksum says, or where the image ends early.
   */
  read(signal: AbortSignal): AsyncGenerator<Chunk, void, undefined>;
}

interface Range {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly sha256?: string;
}

export const isCompressed = (path: string): boolean => path.endsWith('.zst');

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A path as it is, or the newest artefact of an image by its name. @throws BuildError USAGE */
async function imagePath(word: string, out: string): Promise<string> {
  if (/[/.]/.test(word)) {
    if (await exists(word)) return word;
    throw new BuildError('USAGE', `there is no image ${word}`, {
      hint: 'Give the name of an image, a .raw or a .raw.zst.',
    });
  }
  const { raw, compressed } = artefactPaths(word, out);
  for (const path of [raw, compressed]) if (await exists(path)) return path;
  const names = await listImages();
  const guess = nearest(word, names);
  throw new BuildError(
    'USAGE',
    names.includes(word) ? `${word} is not built yet: there is no ${raw}` : `there is no image ${word}`,
    {
      hint: names.includes(word)
        ? `Run \`make image IMAGE=${word}\` first.`
        : guess === undefined
          ? `There are: ${names.join(', ')}.`
          : `Did you mean ${guess}?`,
    },
  );
}

/** What `SHA256SUMS` beside a file says of it. */
async function publishedSum(path: string): Promise<string | undefined> {
  const sums = await readFile(join(dirname(path), 'SHA256SUMS'), 'utf8').catch(() => '');
  const line = sums.split('\n').find(each => each.replace(/^[0-9a-f]{64} [ *]/, '') === basename(path));
  return line?.slice(0, 64);
}

async function bytesAfter(path: string): Promise<number> {
  const { size } = await stat(path);
  if (!isCompressed(path)) return size;
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(18), 0, 18, 0);
    const bytes = zstdContentBytes(buffer.subarray(0, bytesRead));
    if (bytes === undefined) throw damaged(path, 'does not say how large the image in it is');
    return bytes;
  } finally {
    await file.close();
  }
}

/**
 * @param word an image's name, or the path of a .raw or .raw.zst. Its block map is beside it, or all of it is written.
 * @throws BuildError USAGE, IMAGE_DAMAGED
 */
export async function openImage(word: string, out: string): Promise<ImageSource> {
  const path = await imagePath(word, out);
  const mapPath = `${path.replace(/\.zst$/, '')}.bmap`;
  const mapText = await readFile(mapPath, 'utf8').catch(() => undefined);
  const imageBytes = await bytesAfter(path);
  if (imageBytes === 0) throw damaged(path, 'is empty');
  const expected = await publishedSum(path);
  if (mapText === undefined) return source(path, imageBytes, [{ offset: 0, sizeBytes: imageBytes }], false, expected);
  const map = parseBmap(mapText, mapPath);
  const mapSum = await publishedSum(mapPath);
  if (mapSum !== undefined && createHash('sha256').update(mapText).digest('hex') !== mapSum)
    throw damaged(mapPath, 'is not the one SHA256SUMS names');
  if (map.imageBytes !== imageBytes)
    throw damaged(path, `has ${imageBytes} bytes, its block map is of an image with ${map.imageBytes}`);
  const range = ({ first, last, sha256 }: BmapRange): Range => {
    const offset = first * map.blockBytes;
    return { offset, sizeBytes: Math.min((last + 1) * map.blockBytes, imageBytes) - offset, sha256 };
  };
  // The ranges' checksums cover a raw image; those of a compressed one are checked besides, as it is read anyway.
  return source(path, imageBytes, map.ranges.map(range), true, isCompressed(path) ? expected : undefined);
}

function source(
  path: string,
  imageBytes: number,
  ranges: readonly Range[],
  mapped: boolean,
  expected: string | undefined,
): ImageSource {
  async function* read(signal: AbortSignal): AsyncGenerator<Chunk, void, undefined> {
    const input = isCompressed(path) ? new Decompressed(path, expected, signal) : await RawFile.open(path, expected);
    try {
      for (const range of ranges) {
        const hash = createHash('sha256');
        for (let at = 0; at < range.sizeBytes; ) {
          const chunk = { offset: range.offset + at, sizeBytes: Math.min(chunkBytes, range.sizeBytes - at) };
          const bytes = await input.bytes(chunk.offset, chunk.sizeBytes);
          if (bytes.length < chunk.sizeBytes)
            throw await input.explain(damaged(path, `ends at ${chunk.offset + bytes.length} bytes of ${imageBytes}`));
          if (range.sha256 !== undefined) hash.update(bytes);
          at += bytes.length;
          // The last of a range is given away only when the range is known to be right.
          if (at === range.sizeBytes && range.sha256 !== undefined && hash.digest('hex') !== range.sha256)
            throw damaged(path, `is damaged between ${range.offset} and ${range.offset + range.sizeBytes} bytes`);
          yield { offset: chunk.offset, bytes };
        }
      }
      await input.end();
    } finally {
      await input.close();
    }
  }
  return { path, imageBytes, ranges, mapped, read };
}
