/**
 * A block map: which blocks of an image have to be written, and what they must be. Format 2.0 of bmap-tools, which `bmaptool copy`
 * reads (bmap-tools 3.6: bmaptools/BmapCreate.py, BmapCopy.py).
 *
 * A block that is not in the map may hold anything on the card.
 */
import { createHash } from 'node:crypto';
import { BuildError } from '../errors.ts';

export interface BmapRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  /** Hex SHA-256 of its bytes. */
  readonly sha256: string;
}

export interface Bmap {
  readonly imageBytes: number;
  readonly blockBytes: number;
  /** In order, not overlapping. */
  readonly ranges: readonly BmapRange[];
}

const noSum = '0'.repeat(64);
const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex');
export const blocksIn = (ranges: readonly Pick<BmapRange, 'first' | 'last'>[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

export function bmapText({ imageBytes, blockBytes, ranges }: Bmap): string {
  const text = `<?xml version="1.0" ?>
<!-- Which blocks of the image have to be written: for \`atoll-builder flash\` and \`bmaptool copy\`. -->
<bmap version="2.0">
    <ImageSize> ${imageBytes} </ImageSize>
    <BlockSize> ${blockBytes} </BlockSize>
    <BlocksCount> ${Math.ceil(imageBytes / blockBytes)} </BlocksCount>
    <MappedBlocksCount> ${blocksIn(ranges)} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> ${noSum} </BmapFileChecksum>
    <BlockMap>
${ranges.map(({ first, last, sha256 }) => `        <Range chksum="${sha256}"> ${first === last ? first : `${first}-${last}`} </Range>\n`).join('')}    </BlockMap>
</bmap>
`;
  return text.replace(noSum, sumOf(text));
}

/** @throws BuildError IMAGE_DAMAGED where it is not what it says it is. */
export function parseBmap(text: string, path: string): Bmap {
  const damaged = (why: string): BuildError =>
    new BuildError('IMAGE_DAMAGED', `the block map ${path} ${why}`, {
      hint: 'Build or download the image and its .bmap again; without a .bmap beside the image all of it is written.',
    });
  const field = (name: string): string => new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(text)?.[1] ?? '';
  const number = (name: string): number => {
    const value = Number(field(name) || Number.NaN);
    if (!Number.isSafeInteger(value) || value < 0) throw damaged(`does not say its ${name}`);
    return value;
  };
  const version = /<bmap\s+version="([^"]*)"/.exec(text)?.[1];
  if (version !== '2.0') throw damaged(version === undefined ? 'is none' : `is of version ${version}, not 2.0`);
  const kind = field('ChecksumType');
  if (kind !== 'sha256') throw damaged(`has checksums of the kind "${kind}", not sha256`);
  const sum = field('BmapFileChecksum');
  if (!/^[0-9a-f]{64}$/.test(sum) || sumOf(text.replace(sum, noSum)) !== sum)
    throw damaged('is damaged: its checksum is of something else');
  const [imageBytes, blockBytes] = [number('ImageSize'), number('BlockSize')];
  const ranges = [...text.matchAll(/<Range\s+chksum="([0-9a-f]{64})">\s*(\d+)(?:-(\d+))?\s*<\/Range>/g)].map(
    ([, sha256 = '', first = '', last = first]) => ({ first: Number(first), last: Number(last), sha256 }),
  );
  const blocks = Math.ceil(imageBytes / blockBytes);
  let next = 0;
  for (const { first, last } of ranges) {
    if (first < next || last < first || last >= blocks) throw damaged(`has a range out of order: ${first}-${last}`);
    next = last + 1;
  }
  if (blockBytes === 0 || blocks !== number('BlocksCount') || blocksIn(ranges) !== number('MappedBlocksCount'))
    throw damaged('contradicts itself in the number of blocks');
  return { imageBytes, blockBytes, ranges };
}
