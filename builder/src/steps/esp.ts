/**
 * The EFI system partition: systemd-boot as the removable-media loader, and the UKI with its boot counter. Made with mkfs.vfat:
 * systemd-repart's own vfat has sectors OVMF cannot read. Sources: UEFI 2.10 section 13.3; UAPI.1 Boot Loader Specification,
 * "Boot counting".
 */
import { mkdir, open, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface EspInputs {
  readonly uki: FileRef;
  readonly sizeBytes: number;
  readonly efi: string;
  readonly version: string;
  readonly tries: number;
  readonly epoch: number;
  readonly tools: string;
}

const loaderConf = 'timeout 0\neditor no\nsecure-boot-enroll off\n';

/** `atoll_0.1.0+3.efi` */
export function ukiName(version: string, tries: number): string {
  return `atoll_${version}+${tries}.efi`;
}

export const buildEsp: Step<EspInputs, 'esp.img'> = {
  name: 'esp',
  title: 'EFI system partition',
  module: import.meta.url,
  outputs: ['esp.img'],
  async run(inputs, { directory, scratch, signal }) {
    const image = join(directory, 'esp.img');
    const handle = await open(image, 'w');
    await handle.truncate(inputs.sizeBytes).finally(() => handle.close());
    // FAT times are local times of the machine that writes: the tools run in UTC, and every file has the image's time.
    const env = { SOURCE_DATE_EPOCH: String(inputs.epoch), MTOOLS_SKIP_CHECK: '1' };
    const mounts = { binds: [directory, scratch], readOnly: [inputs.uki.path], env, signal };
    await tool(['mkfs.vfat', '-F', '32', '-S', '512', '--invariant', '-n', 'ESP', image], mounts);
    const boot = join(scratch, 'EFI/BOOT');
    const linux = join(scratch, 'EFI/Linux');
    for (const path of [boot, linux, join(scratch, 'loader')]) await mkdir(path, { recursive: true });
    const loader = join(boot, `BOOT${inputs.efi.toUpperCase()}.EFI`);
    const uki = join(linux, ukiName(inputs.version, inputs.tries));
    await writeFile(join(scratch, 'loader/loader.conf'), loaderConf);
    await tool(['cp', `/usr/lib/systemd/boot/efi/systemd-boot${inputs.efi}.efi`, loader], mounts);
    await tool(['cp', inputs.uki.path, uki], mounts);
    for (const path of [
      loader,
      uki,
      join(scratch, 'loader/loader.conf'),
      boot,
      linux,
      join(scratch, 'EFI'),
      join(scratch, 'loader'),
    ]) {
      await utimes(path, inputs.epoch, inputs.epoch);
    }
    await tool(['mcopy', '-s', '-m', '-i', image, join(scratch, 'EFI'), join(scratch, 'loader'), '::'], mounts);
  },
};
