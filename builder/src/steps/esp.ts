/**
 * The boot partition: slot A's UKI, what the boot method needs, and what the board's own firmware reads. Made with mkfs.vfat:
 * systemd-repart's own vfat has sectors OVMF cannot read.
 */
import { mkdir, open, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bootMethods } from '../boot/index.ts';
import { type BootInputs, type BootMethodName, slotKernel } from '../boot/method.ts';
import { BuildError } from '../errors.ts';
import type { FileRef } from '../files.ts';
import { readTarFiles } from '../formats/tar.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface EspInputs extends BootInputs {
  readonly method: BootMethodName;
  readonly uki: FileRef;
  readonly sizeBytes: number;
  /** Files of the board's firmware (steps/firmware.ts): a tar of the partition. */
  readonly firmware?: FileRef;
  readonly epoch: number;
  readonly tools: string;
}

/** The running one, the other slot's, and the one that is being written. */
const ukisAtOnce = 3;
/** FAT, loader, configuration, U-Boot's environment. */
const othersBytes = 8 * 1024 ** 2;
/** Of the board's firmware: as flashed, the set in use, and the one that is being written. */
const firmwareAtOnce = 3;

export const buildEsp: Step<EspInputs, 'esp.img'> = {
  name: 'esp',
  title: 'Boot partition',
  module: import.meta.url,
  outputs: ['esp.img'],
  async run(inputs, context) {
    const { directory, scratch, signal } = context;
    const image = join(directory, 'esp.img');
    const neededBytes =
      ukisAtOnce * inputs.uki.sizeBytes + firmwareAtOnce * (inputs.firmware?.sizeBytes ?? 0) + othersBytes;
    if (neededBytes > inputs.sizeBytes) {
      throw new BuildError(
        'PARTITION_TOO_SMALL',
        `the boot partition has ${inputs.sizeBytes} bytes; an upgrade needs ${neededBytes}`,
        {
          hint: `Raise partitions.esp in the image definition: ${ukisAtOnce} unified kernel images lie there during an upgrade.`,
        },
      );
    }
    const handle = await open(image, 'w');
    await handle.truncate(inputs.sizeBytes).finally(() => handle.close());
    // FAT times are local times of the machine that writes: the tools run in UTC, and every file has the image's time.
    const env = { SOURCE_DATE_EPOCH: String(inputs.epoch), MTOOLS_SKIP_CHECK: '1' };
    const mounts = { binds: [directory, scratch], readOnly: [inputs.uki.path], env, signal };
    await tool(['mkfs.vfat', '-F', '32', '-S', '512', '--invariant', '-n', 'ESP', image], mounts);
    const tree = join(scratch, 'esp');
    const files = {
      ...(await bootMethods[inputs.method].files(inputs, context)),
      ...(inputs.firmware ? await readTarFiles(inputs.firmware.path) : {}),
    };
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), content);
    }
    await mkdir(dirname(join(tree, slotKernel)), { recursive: true });
    await tool(['cp', inputs.uki.path, join(tree, slotKernel)], mounts);
    for (const path of await readdir(tree, { recursive: true }))
      await utimes(join(tree, path), inputs.epoch, inputs.epoch);
    const tops = (await readdir(tree)).sort().map(name => join(tree, name));
    await tool(['mcopy', '-s', '-m', '-i', image, ...tops, '::'], mounts);
  },
};
