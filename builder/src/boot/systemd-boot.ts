/**
 * systemd-boot as the removable-media loader, and slot A's entry. Sources: UEFI 2.10 section 13.3; UAPI.1 Boot Loader Specification, "Type #1".
 */
import { readFromArchive } from '../packages/archives.ts';
import { type BootMethod, slotKernel } from './method.ts';

const loaderConf = 'timeout 0\neditor no\nsecure-boot-enroll off\n';

/**
 * The boot entry of slot A. It has no counter: a flashed disk has nothing to fall back to, and an entry that is not counted is never
 * written by the loader. Upgrades write theirs beside it (runtime/src/machine/upgrade/loader/systemdBoot.ts, docs/adr/010-upgrades.md).
 */
export function flashedEntry(version: string): string {
  return `title Atoll ${version} (slot a)\nsort-key 0-atoll\nversion 1\nefi /${slotKernel}\n`;
}

export const systemdBoot: BootMethod = {
  partitionType: 'esp',
  behindKernel: [],
  async files({ efi, loader, version }, context) {
    const path = `usr/lib/systemd/boot/efi/systemd-boot${efi}.efi`;
    return {
      [`EFI/BOOT/BOOT${efi.toUpperCase()}.EFI`]: (await readFromArchive(loader, path, context)).content,
      'loader/loader.conf': Buffer.from(loaderConf),
      'loader/entries/atoll-a.conf': Buffer.from(flashedEntry(version)),
    };
  },
};
