/**
 * The boot partition: slot A's UKI, what the boot method needs, and what the board's own firmware reads. Made with mkfs.vfat:
 * systemd-repart's own vfat has sectors OVMF cannot read.
 */
import { mkdir, open, utimes, writeFile } from 'node:fs/promises';
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
    const method = bootMethods[inputs.method];
    const files = {
      ...(await method.files(inputs, context)),
      ...(inputs.firmware ? await readTarFiles(inputs.firmware.path) : {}),
    };
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), content);
    }
    await mkdir(dirname(join(tree, slotKernel)), { recursive: true });
    await tool(['cp', inputs.uki.path, join(tree, slotKernel)], mounts);
    const order = placed(Object.keys(files), method.behindKernel);
    for (const path of order) await utimes(join(tree, path), inputs.epoch, inputs.epoch);
    await tool(['mmd', '-i', image, ...foldersOf(order).map(path => `::${path}`)], mounts);
    for (const { folder, paths } of neighbours(order))
      await tool(['mcopy', '-m', '-i', image, ...paths.map(path => join(tree, path)), `::${folder}`], mounts);
  },
};

/** Where each file comes to lie, one behind the other: never as the build machine's file system lists them. */
const placed = (paths: readonly string[], behindKernel: readonly string[]): string[] => [
  ...paths.filter(path => !behindKernel.includes(path)).sort(),
  slotKernel,
  ...behindKernel,
];

/** All folders that the files are in, each behind the one it is in. */
function foldersOf(paths: readonly string[]): string[] {
  const above = (path: string): string[] => (path === '.' ? [] : [...above(dirname(path)), path]);
  return [...new Set(paths.flatMap(path => above(dirname(path))))].sort();
}

/** The files in their order, those of one folder that follow each other together. */
function neighbours(paths: readonly string[]): { readonly folder: string; readonly paths: string[] }[] {
  const groups: { folder: string; paths: string[] }[] = [];
  for (const path of paths) {
    const folder = dirname(path);
    const last = groups.at(-1);
    if (last?.folder === folder) last.paths.push(path);
    else groups.push({ folder, paths: [path] });
  }
  return groups;
}
