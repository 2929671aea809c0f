/** The images and the machines they are booted on: one line a machine. What is said of each has to hold on all (`boards.test.ts`). */
import type { DiskBus } from '../src/arguments.ts';

export interface BoardMachine {
  readonly image: string;
  /** What stands in the machine, where it is not virtio. */
  readonly with?: string;
  readonly bus?: DiskBus;
  /** More arguments of QEMU's. */
  readonly qemu?: readonly string[];
  readonly nicModel?: string;
  /** Bytes of the disk, where not the usual. */
  readonly diskBytes?: number;
  /** QEMU starts the UKI, as the firmware does not know such disks; the root is on the disk all the same. */
  readonly handed?: boolean;
  /** What is behind Ready does not depend on the disk, and is shown by another line. */
  readonly readyOnly?: boolean;
  /** What `uname -m` says in a pod. */
  readonly machine: string;
  /** The node's label `kubernetes.io/arch`. */
  readonly arch: string;
  /** `e_machine` of the pod's programs. */
  readonly elfMachine: number;
}

const x86 = { machine: 'x86_64', arch: 'amd64', elfMachine: 62 } as const;
const arm64 = { machine: 'aarch64', arch: 'arm64', elfMachine: 183 } as const;
const armv7 = { machine: 'armv7l', arch: 'arm', elfMachine: 40 } as const;

/** Drivers are proved where QEMU has the device: NVMe, AHCI, IDE, USB and VMware's disks, SD cards, Intel's network cards. */
const machines: readonly BoardMachine[] = [
  { image: 'vm-arm64', ...arm64 },
  { image: 'vm-armv7', ...armv7 },
  { image: 'vm-arm64-uboot', with: 'U-Boot', ...arm64 },
  { image: 'vm-armv7-uboot', with: 'U-Boot', ...armv7 },
  { image: 'pc-x86_64', with: 'an NVMe disk and an e1000e network card', bus: 'nvme', nicModel: 'e1000e', ...x86 },
  { image: 'pc-x86_64', with: 'a SATA disk and an igb network card', bus: 'ahci', nicModel: 'igb', ...x86 },
  { image: 'pc-x86_64', with: 'a USB stick', bus: 'usb', readyOnly: true, ...x86 },
  // QEMU's cards have a power of two.
  {
    image: 'pc-x86_64',
    with: 'an SD card',
    bus: 'sd',
    diskBytes: 4 * 1024 ** 3,
    handed: true,
    readyOnly: true,
    ...x86,
  },
  { image: 'vm-x86_64', with: "VMware's SCSI disk", bus: 'pvscsi', handed: true, readyOnly: true, ...x86 },
  { image: 'vm-x86_64', with: "an old PC's IDE disk", bus: 'ide', qemu: ['-machine', 'pc'], readyOnly: true, ...x86 },
  { image: 'server-arm64', with: 'an NVMe disk and an igb network card', bus: 'nvme', nicModel: 'igb', ...arm64 },
];

/** `BOARDS="vm-arm64 …"` chooses images. */
const chosen = process.env.BOARDS?.split(/\s+/).filter(name => name !== '') ?? [];

export const isChosen = ({ image }: { readonly image: string }): boolean =>
  chosen.length === 0 || chosen.includes(image);

export const boardMachines: readonly BoardMachine[] = machines.filter(isChosen);
