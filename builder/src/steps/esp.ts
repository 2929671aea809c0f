/**
 * The EFI system partition: systemd-boot as the removable-media loader, slot A's UKI and its entry. Made with mkfs.vfat:
 * systemd-repart's own vfat has sectors OVMF cannot read. Sources: UEFI 2.10 section 13.3; UAPI.1 Boot Loader Specification,
 * "Type #1".
 */
import { mkdir, open, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import type { FileRef } from '../files.ts';
import { readFromArchive } from '../packages/archives.ts';
import type { ResolvedPackage } from '../packages/resolve.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface EspInputs {
  readonly uki: FileRef;
  readonly sizeBytes: number;
  readonly efi: string;
  /** The target's `systemd-boot-efi`, which has the loader. */
  readonly loader: ResolvedPackage;
  readonly version: string;
  readonly epoch: number;
  readonly tools: string;
}

const loaderConf = 'timeout 0\neditor no\nsecure-boot-enroll off\n';

/** The running one, the other slot's, and the one that is being written. */
const ukisAtOnce = 3;
/** FAT, loader, configuration, U-Boot's environment. */
const othersBytes = 8 * 1024 ** 2;

/** Slot A's kernel on the partition. */
export const slotKernel = 'EFI/atoll/a.efi';

/**
 * The boot entry of slot A. It has no counter: a flashed disk has nothing to fall back to, and an entry that is not counted is never
 * written by the loader. Upgrades write theirs beside it (runtime/src/machine/upgrade/loader/systemdBoot.ts, docs/adr/010-upgrades.md).
 */
export function flashedEntry(version: string): string {
  return `title Atoll ${version} (slot a)\nsort-key 0-atoll\nversion 1\nefi /${slotKernel}\n`;
}

export const buildEsp: Step<EspInputs, 'esp.img'> = {
  name: 'esp',
  title: 'EFI system partition',
  module: import.meta.url,
  outputs: ['esp.img'],
  async run(inputs, context) {
    const { directory, scratch, signal } = context;
    const image = join(directory, 'esp.img');
    const neededBytes = ukisAtOnce * inputs.uki.sizeBytes + othersBytes;
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
    const boot = join(scratch, 'EFI/BOOT');
    const atoll = join(scratch, 'EFI/atoll');
    const entries = join(scratch, 'loader/entries');
    for (const path of [boot, atoll, entries]) await mkdir(path, { recursive: true });
    const loader = join(boot, `BOOT${inputs.efi.toUpperCase()}.EFI`);
    const uki = join(scratch, slotKernel);
    const entry = join(entries, 'atoll-a.conf');
    await writeFile(entry, flashedEntry(inputs.version));
    await writeFile(join(scratch, 'loader/loader.conf'), loaderConf);
    const { content } = await readFromArchive(
      inputs.loader,
      `usr/lib/systemd/boot/efi/systemd-boot${inputs.efi}.efi`,
      context,
    );
    await writeFile(loader, content);
    await tool(['cp', inputs.uki.path, uki], mounts);
    for (const path of [
      loader,
      uki,
      join(scratch, 'loader/loader.conf'),
      entry,
      boot,
      atoll,
      entries,
      join(scratch, 'EFI'),
      join(scratch, 'loader'),
    ]) {
      await utimes(path, inputs.epoch, inputs.epoch);
    }
    await tool(['mcopy', '-s', '-m', '-i', image, join(scratch, 'EFI'), join(scratch, 'loader'), '::'], mounts);
  },
};
