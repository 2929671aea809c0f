/** A way from a board's firmware to the UKI. What the device does with it: runtime/src/machine/upgrade/loader/. */
import type { FileRef } from '../files.ts';
import type { ArchiveContext } from '../packages/archives.ts';
import type { ResolvedPackage } from '../packages/resolve.ts';

export type BootMethodName = 'systemd-boot' | 'u-boot';

export interface BootInputs {
  /** The architecture's name in UEFI file names: `x64`. */
  readonly efi: string;
  /** The target's `systemd-boot-efi`. */
  readonly loader: ResolvedPackage;
  /** `rootfs/u-boot/boot.cmd` */
  readonly script: FileRef;
  readonly version: string;
}

export interface BootMethod {
  /** GPT type of the boot partition, as repart.d(5) takes it. */
  readonly partitionType: string;
  /** What it needs on the boot partition besides the UKI of slot A: path → content. */
  files(inputs: BootInputs, context: ArchiveContext): Promise<Readonly<Record<string, Buffer>>>;
  /** Those of them that lie behind the kernel on the partition, all others before it: second copies, megabytes away from the first ones. */
  readonly behindKernel: readonly string[];
}

/** Slot A's kernel on the partition. */
export const slotKernel = 'EFI/atoll/a.efi';
