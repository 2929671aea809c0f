/** The published form of the disk: zstd, several threads, fixed parameters (the output does not depend on their number). */
import { join } from 'node:path';
import type { FileRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

/**
 * zstd's levels. The root is compressed already, and so are x86_64's kernel and every initrd; an ARM64 kernel is not: level 19 takes 2.3 MiB
 * off it (of 11.7), and a minute.
 */
export const diskLevels = { development: 3, release: 19 } as const;

export interface CompressInputs {
  readonly disk: FileRef;
  /** {@link diskLevels} */
  readonly level: number;
  readonly tools: string;
}

export const compressDisk: Step<CompressInputs, 'disk.raw.zst'> = {
  name: 'compress',
  title: 'Compress the disk image',
  module: import.meta.url,
  outputs: ['disk.raw.zst'],
  async run({ disk, level }, { directory, signal }) {
    const target = join(directory, 'disk.raw.zst');
    await tool(['zstd', '-q', `-${level}`, '-T2', '--sparse', disk.path, '-o', target], {
      binds: [directory],
      readOnly: [disk.path],
      signal,
    });
  },
};
