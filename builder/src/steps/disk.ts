/**
 * The disk: a GPT with ESP, root A and verity A, written by systemd-repart from finished images. The rest (root B, verity B,
 * data) is made on the device by the definitions in rootfs/overlay/usr/lib/repart.d. Source: repart.d(5).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSize } from '../definition/yaml-reader.ts';
import type { FileRef } from '../files.ts';
import { addHybridMbr } from '../formats/hybrid-mbr.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface DiskInputs {
  readonly esp: FileRef;
  readonly root: FileRef;
  readonly verity: FileRef;
  readonly sizes: { readonly espBytes: number; readonly rootBytes: number; readonly verityBytes: number };
  /** GPT types, as repart.d(5) takes them. */
  readonly types: { readonly esp: string; readonly root: string; readonly verity: string };
  /** The boot ROM reads an MBR (formats/hybrid-mbr.ts). */
  readonly hybrid: boolean;
  /** Seed of the disk's and partitions' UUIDs. */
  readonly seed: string;
  readonly epoch: number;
  readonly tools: string;
}

export interface PartitionPlan {
  readonly label: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly copyBlocks: string;
}

/** The partitions as flashed, in disk order. */
export function partitionPlan(
  inputs: Pick<DiskInputs, 'esp' | 'root' | 'verity' | 'sizes' | 'types'>,
): PartitionPlan[] {
  const { sizes, types } = inputs;
  return [
    { label: 'esp', type: types.esp, sizeBytes: sizes.espBytes, copyBlocks: inputs.esp.path },
    { label: 'root-a', type: types.root, sizeBytes: sizes.rootBytes, copyBlocks: inputs.root.path },
    { label: 'verity-a', type: types.verity, sizeBytes: sizes.verityBytes, copyBlocks: inputs.verity.path },
  ];
}

/** repart.d text of one partition. */
export function repartDefinition({ label, type, sizeBytes, copyBlocks }: PartitionPlan): string {
  const size = formatSize(sizeBytes);
  return `[Partition]\nType=${type}\nLabel=${label}\nSizeMinBytes=${size}\nSizeMaxBytes=${size}\nCopyBlocks=${copyBlocks}\n`;
}

/** Bytes of the raw image: the partitions, 1 MiB for each end of the table. */
export function diskBytes(partitions: readonly { readonly sizeBytes: number }[]): number {
  return partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 2 * 1024 ** 2);
}

export const buildDisk: Step<DiskInputs, 'disk.raw'> = {
  name: 'disk',
  title: 'Partition table and disk image',
  module: import.meta.url,
  outputs: ['disk.raw'],
  async run(inputs, { directory, scratch, signal }) {
    const plan = partitionPlan(inputs);
    const definitions = join(scratch, 'repart.d');
    await mkdir(definitions);
    for (const [index, partition] of plan.entries()) {
      await writeFile(join(definitions, `${index + 1}0-${partition.label}.conf`), repartDefinition(partition));
    }
    const disk = join(directory, 'disk.raw');
    await tool(
      [
        'systemd-repart',
        ...[
          '--empty=create',
          `--size=${diskBytes(plan)}`,
          `--seed=${inputs.seed}`,
          '--offline=yes',
          '--dry-run=no',
          '--no-pager',
        ],
        `--definitions=${definitions}`,
        disk,
      ],
      {
        binds: [directory, scratch],
        readOnly: plan.map(({ copyBlocks }) => copyBlocks),
        env: { SOURCE_DATE_EPOCH: String(inputs.epoch) },
        signal,
      },
    );
    if (inputs.hybrid) await addHybridMbr(disk);
  },
};
