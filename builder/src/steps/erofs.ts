/**
 * The read-only root and its hash tree: `root.erofs`, `root.verity`, and `roothash` (hex), which seals both.
 * Sources: mkfs.erofs(1), veritysetup(8), kernel Documentation/admin-guide/device-mapper/verity.rst.
 */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import type { FileRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface ErofsInputs {
  readonly tar: FileRef;
  /** Seconds since 1970, the time of every file. */
  readonly epoch: number;
  /** Fixed identifiers: the same root gives the same bytes. */
  readonly uuid: string;
  readonly verityUuid: string;
  /** Hex. */
  readonly salt: string;
  readonly rootBytes: number;
  readonly verityBytes: number;
  readonly tools: string;
}

/** zstd level 3 on 128 KiB clusters: measured, higher levels win 5 % and cost two to five times the build. */
export const erofsOptions = ['-zzstd,level=3', '-C131072', '-Efragments,ztailpacking'] as const;

export const buildErofs: Step<ErofsInputs, 'root.erofs' | 'root.verity' | 'roothash'> = {
  name: 'erofs',
  title: 'Root file system and verity',
  module: import.meta.url,
  outputs: ['root.erofs', 'root.verity', 'roothash'],
  async run(inputs, { directory, signal }) {
    const image = join(directory, 'root.erofs');
    const hashes = join(directory, 'root.verity');
    const mounts = { binds: [directory], readOnly: [inputs.tar.path], signal };
    const fixed = [`-T${inputs.epoch}`, `-U${inputs.uuid}`, '--quiet'];
    await tool(['mkfs.erofs', ...erofsOptions, ...fixed, '--tar=f', image, inputs.tar.path], mounts);
    const { stdout } = await tool(
      ['veritysetup', 'format', `--salt=${inputs.salt}`, `--uuid=${inputs.verityUuid}`, '--hash=sha256', image, hashes],
      mounts,
    );
    const roothash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(stdout)?.[1];
    if (!roothash) throw new BuildError('STEP_BROKEN', 'veritysetup did not say the root hash', { tail: stdout });
    await writeFile(join(directory, 'roothash'), roothash);
    for (const [path, limit, name] of [
      [image, inputs.rootBytes, 'root'],
      [hashes, inputs.verityBytes, 'verity'],
    ] as const) {
      const { size } = await stat(path);
      if (size > limit) {
        throw new BuildError('PARTITION_TOO_SMALL', `the ${name} image has ${size} bytes, its partition ${limit}`, {
          hint: `Raise partitions.${name} in the image definition, or leave something out of the root.`,
        });
      }
    }
  },
};
