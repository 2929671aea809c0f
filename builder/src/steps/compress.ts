/** The published form of the disk: zstd, several threads, fixed parameters (the output does not depend on their number). */
import { join } from 'node:path';
import type { FileRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface CompressInputs {
  readonly disk: FileRef;
  readonly tools: string;
}

export const compressDisk: Step<CompressInputs, 'disk.raw.zst'> = {
  name: 'compress',
  title: 'Compress the disk image',
  module: import.meta.url,
  outputs: ['disk.raw.zst'],
  async run({ disk }, { directory, signal }) {
    const target = join(directory, 'disk.raw.zst');
    // The root is compressed already: a higher level finds nothing more.
    await tool(['zstd', '-q', '-3', '-T2', '--sparse', disk.path, '-o', target], {
      binds: [directory],
      readOnly: [disk.path],
      signal,
    });
  },
};
