/**
 * Everything that differs between QEMU's machines of the three architectures, as data.
 *
 * Processor models under TCG are the fastest to emulate that Debian's architecture runs on, measured in docs/qemu.md.
 */
import type { ArchitectureName } from '../../builder/src/boards.ts';

export interface Platform {
  /** The emulator is `qemu-system-<this>`. */
  readonly system: string;
  /** The Debian packages of a host without the tools tree. */
  readonly hostPackages: readonly string[];
  /** QEMU's `-machine`. */
  readonly machine: string;
  /** QEMU's `-cpu` under TCG. */
  readonly cpu: string;
  /** UEFI firmware, the same place in the tools tree and on the host: read-only code, and the template of the variable store. */
  readonly firmware: { readonly code: string; readonly vars: string };
  /** U-Boot in the tools tree, for machines without UEFI. Absent: it is not started as firmware there. */
  readonly uBoot?: string;
  /** How many times as long as on x86_64 things may take under TCG, before they count as hanging. */
  readonly patience: number;
  /** Devices with which a machine notices that it is continued from a snapshot (drivers/virt/vmgenid.c: ACPI). */
  readonly generation: readonly string[];
  /** `process.arch` of the hosts whose KVM may run it. */
  readonly kvmHost: string;
}

export const platforms: Readonly<Record<ArchitectureName, Platform>> = {
  x86_64: {
    system: 'x86_64',
    hostPackages: ['qemu-system-x86', 'qemu-utils', 'ovmf'],
    machine: 'q35',
    // `max` takes half as long again to boot.
    cpu: 'qemu64',
    firmware: { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', vars: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
    patience: 1,
    generation: ['-device', 'vmgenid,guid=auto'],
    kvmHost: 'x64',
  },
  arm64: {
    system: 'aarch64',
    hostPackages: ['qemu-system-arm', 'qemu-utils', 'qemu-efi-aarch64'],
    machine: 'virt,gic-version=max',
    // Pointers are signed with QEMU's own function: the architecture's costs more than all else. It has the atomic instructions that older models lack.
    cpu: 'max,pauth-impdef=on',
    firmware: { code: '/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd', vars: '/usr/share/AAVMF/AAVMF_VARS.fd' },
    uBoot: '/usr/lib/u-boot/qemu_arm64/u-boot.bin',
    patience: 2,
    generation: [],
    kvmHost: 'arm64',
  },
  armv7: {
    system: 'arm',
    hostPackages: ['qemu-system-arm', 'qemu-utils', 'qemu-efi-arm'],
    // Debian's kernel reaches 4 GiB: PCI's windows have to lie under that.
    machine: 'virt,highmem=off',
    cpu: 'cortex-a15',
    firmware: { code: '/usr/share/AAVMF/AAVMF32_CODE.fd', vars: '/usr/share/AAVMF/AAVMF32_VARS.fd' },
    uBoot: '/usr/lib/u-boot/qemu_arm/u-boot.bin',
    patience: 2,
    generation: [],
    kvmHost: 'arm',
  },
};
