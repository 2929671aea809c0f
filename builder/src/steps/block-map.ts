/** The block map of the disk: what flashing has to write. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blockMap } from '../block-map.ts';
import type { FileRef } from '../files.ts';
import { bmapText } from '../formats/bmap.ts';
import type { Step } from '../step.ts';

export interface BlockMapInputs {
  readonly disk: FileRef;
  /** Partition label → bytes of content. */
  readonly contentBytes: Readonly<Record<string, number>>;
}

export const buildBlockMap: Step<BlockMapInputs, 'disk.raw.bmap'> = {
  name: 'block-map',
  title: 'Block map for flashing',
  module: import.meta.url,
  outputs: ['disk.raw.bmap'],
  async run({ disk, contentBytes }, { directory }) {
    await writeFile(join(directory, 'disk.raw.bmap'), bmapText(await blockMap(disk.path, contentBytes)));
  },
};
