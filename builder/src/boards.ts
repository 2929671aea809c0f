/**
 * Everything that differs between architectures and boards, as data. The rest of the builder asks these tables and never
 * compares an architecture's name.
 */

import type { BoardFirmware } from './firmware/board.ts';
import { raspberryPi5, raspberryPi32, raspberryPi64 } from './firmware/raspberry-pi.ts';

export type ArchitectureName = 'x86_64' | 'arm64' | 'armv7';

export interface Architecture {
  /** Debian's name, as in `Packages` files. */
  readonly debian: string;
  /** `e_machine` of every ELF file in the root. */
  readonly elfMachine: number;
  /** Bits of `e_flags` that no ELF file in the root may have: its loader would pass such a library over. */
  readonly elfWrongFlags: number;
  /** The name in UEFI file names: `BOOTX64.EFI`, `systemd-bootx64.efi`, `linuxx64.efi.stub`. */
  readonly efi: string;
  /** Discoverable Partitions Specification type names for systemd-repart. */
  readonly partitionTypes: { readonly root: string; readonly verity: string };
  /** The kernel file in the `linux-image` package, without the version: `vmlinuz-6.12.…`. */
  readonly kernelPrefix: string;
  /** Library folder under /usr/lib; with a dash behind, the prefix of its compilers and binutils in the tools tree. */
  readonly multiarch: string;
  /** Node's `process.arch`, for node-gyp. */
  readonly node: string;
  /** Of machines that images are built on: the dynamic loader, in the library folder. Absent: Debian lacks compilers that run there. */
  readonly buildLoader?: string;
  /** What Debian compiles everything of this architecture with, where it is not GCC's default (dpkg-buildflags(1), feature `time64`). */
  readonly compilerFlags: readonly string[];
  /** OCI platform of the images in the root. */
  readonly oci: { readonly architecture: string; readonly variant?: string };
}

export const architectures: Readonly<Record<ArchitectureName, Architecture>> = {
  x86_64: {
    debian: 'amd64',
    elfMachine: 62,
    elfWrongFlags: 0,
    efi: 'x64',
    partitionTypes: { root: 'root-x86-64', verity: 'root-x86-64-verity' },
    kernelPrefix: 'vmlinuz-',
    multiarch: 'x86_64-linux-gnu',
    node: 'x64',
    buildLoader: 'ld-linux-x86-64.so.2',
    compilerFlags: [],
    oci: { architecture: 'amd64' },
  },
  arm64: {
    debian: 'arm64',
    elfMachine: 183,
    elfWrongFlags: 0,
    efi: 'aa64',
    partitionTypes: { root: 'root-arm64', verity: 'root-arm64-verity' },
    kernelPrefix: 'vmlinuz-',
    multiarch: 'aarch64-linux-gnu',
    node: 'arm64',
    buildLoader: 'ld-linux-aarch64.so.1',
    compilerFlags: [],
    oci: { architecture: 'arm64' },
  },
  armv7: {
    debian: 'armhf',
    elfMachine: 40,
    // EF_ARM_ABI_FLOAT_SOFT (ELF for the Arm Architecture, section 5.1.1.1): armhf passes floats in registers.
    elfWrongFlags: 0x200,
    efi: 'arm',
    partitionTypes: { root: 'root-arm', verity: 'root-arm-verity' },
    kernelPrefix: 'vmlinuz-',
    multiarch: 'arm-linux-gnueabihf',
    node: 'arm',
    compilerFlags: ['-D_FILE_OFFSET_BITS=64', '-D_TIME_BITS=64'],
    oci: { architecture: 'arm', variant: 'v7' },
  },
};

export interface Board {
  readonly architecture: ArchitectureName;
  readonly description: string;
  /** Kernel command line for the board's consoles; the last one is `/dev/console`. */
  readonly consoles: readonly string[];
  /** Modules the initrd needs to reach its disk and root (with their dependencies and soft dependencies). */
  readonly initrdModules: readonly string[];
  /** Drivers of disks that are in the root only: name → why no root is behind them. The others have to be in the initrd. */
  readonly rootlessDisks?: Readonly<Record<string, string>>;
  /** What its boot ROM and firmware read from the boot partition. Absent: nothing, the board has its firmware in itself. */
  readonly firmware?: BoardFirmware;
  /** Absent: Raspberry Pi Imager is not for it. */
  readonly imager?: ImagerBoard;
}

/** What an image is for, in the words of Raspberry Pi Imager's lists (rpi-imager's os-list-schema.json). */
export interface ImagerBoard {
  readonly devices: readonly string[];
  readonly architecture: 'armv8' | 'armhf';
}

/** What every root is made of: EROFS under verity, `/etc` an overlay, the data partition ext4; and the firmware's word on the disk it started from. */
const rootModules = ['erofs', 'dm-verity', 'overlay', 'ext4', 'efivarfs'];
const virtioDisks = ['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sd_mod'];
/** Hyper-V's SCSI; Azure has NVMe disks, too, behind a PCI bus of its own. */
const hyperVDisks = ['hv_vmbus', 'hv_storvsc', 'pci-hyperv'];
/** What hypervisors show their guests, whatever the processor. */
const virtual32Disks = [...virtioDisks, 'xen-blkfront', 'nvme', 'ahci'];
/** The same where guests have 64 bits. */
const virtualDisks = [...virtual32Disks, ...hyperVDisks];
/** What a hypervisor that plays a PC shows: VMware's SCSI; the IDE of QEMU's i440FX. */
const virtualPcDisks = ['vmw_pvscsi', 'ata_piix'];
/** Disks behind PCI, and sticks and cards: an image is installed by being written to any of them. */
const metalDisks = [
  ...['megaraid_sas', 'mpt3sas', 'mpi3mr', 'smartpqi', 'hpsa', 'aacraid', 'sata_sil24', 'sata_mv'],
  ...['xhci-pci', 'xhci-pci-renesas', 'ehci-pci', 'usb-storage', 'uas'],
  ...['sdhci-pci', 'sdhci-acpi', 'mmc_block', 'ufshcd-pci'],
];
/** NVMe disks of PCs may be behind Intel's VMD. */
const pcDisks = ['vmd', 'ata_generic', 'pata_jmicron', 'rtsx_pci_sdmmc'];

/**
 * SD cards, and disks on USB. The regulators feed the card's slot: without them its controller waits for ever. The watchdog is what restarts the
 * board: without it a boot that fails in the initrd stands still where there is no other way (32 bits).
 */
const raspberryPiDisks = [
  ...['bcm2835_wdt', 'fixed', 'gpio-regulator', 'bcm2835', 'sdhci-iproc', 'mmc_block'],
  ...['dwc2', 'phy-generic', 'usb-storage', 'uas', 'sd_mod'],
];
/** USB is behind PCIe. */
const raspberryPi4Disks = [
  ...raspberryPiDisks,
  ...['pcie-brcmstb', 'reset-raspberrypi', 'xhci-pci', 'xhci-pci-renesas', 'xhci-plat-hcd'],
];
/** The card's slot is on the processor; USB and NVMe are behind PCIe. */
const raspberryPi5Disks = [
  ...['bcm2835_wdt', 'fixed', 'gpio-regulator', 'gpio-brcmstb', 'pinctrl-brcmstb-bcm2712', 'sdhci-brcmstb'],
  ...['irq-bcm2712-mip', 'pcie-brcmstb', 'rp1_pci', 'clk-rp1'],
  ...['pinctrl-rp1', 'dwc3', 'xhci-plat-hcd', 'usb-storage', 'uas', 'sd_mod', 'nvme'],
];

const noDiscs = { sr_mod: 'a disc cannot be written' };
const noUsb1 = {
  ohci_pci: 'USB 1 alone is too slow, and what has it has EHCI or xHCI for the same ports',
  uhci_hcd: 'the same',
};

export const boards: Readonly<Record<string, Board>> = {
  'vm-x86_64': {
    architecture: 'x86_64',
    description: 'QEMU, KVM, Hyper-V, VMware and cloud virtual machines with UEFI',
    consoles: ['console=tty0', 'console=ttyS0,115200'],
    initrdModules: [...virtualDisks, ...virtualPcDisks, ...rootModules],
    rootlessDisks: noDiscs,
  },
  'vm-arm64': {
    architecture: 'arm64',
    description: 'QEMU, KVM, Hyper-V, Parallels and cloud virtual machines with UEFI',
    consoles: ['console=tty0', 'console=ttyAMA0,115200'],
    initrdModules: [...virtualDisks, ...rootModules],
    rootlessDisks: noDiscs,
  },
  'vm-armv7': {
    architecture: 'armv7',
    description: 'QEMU and KVM virtual machines of 32 bits with UEFI',
    consoles: ['console=tty0', 'console=ttyAMA0,115200'],
    initrdModules: [...virtual32Disks, ...rootModules],
    rootlessDisks: noDiscs,
  },
  'rpi-arm64': {
    architecture: 'arm64',
    description: 'Raspberry Pi 3, 4, 400, CM3, CM4 and Zero 2 W',
    // The serial line on the pins is the small UART.
    consoles: ['console=tty0', 'console=ttyS1,115200'],
    initrdModules: [...raspberryPi4Disks, ...rootModules],
    rootlessDisks: { nvme: "Debian's U-Boot for it has no driver of NVMe disks" },
    firmware: raspberryPi64,
    imager: { devices: ['pi3-64bit', 'pi4-64bit'], architecture: 'armv8' },
  },
  'rpi5-arm64': {
    architecture: 'arm64',
    description: 'Raspberry Pi 5 (never started yet: no emulator has one)',
    // The connector between the HDMI ports.
    consoles: ['console=tty0', 'console=ttyAMA10,115200'],
    initrdModules: [...raspberryPi5Disks, ...rootModules],
    firmware: raspberryPi5,
  },
  'rpi-armv7': {
    architecture: 'armv7',
    description: 'Raspberry Pi 2 and 3, and Zero 2 W in 32 bits',
    // The serial line on the pins: the Pi 3's is the small UART, the Pi 2's the large one.
    consoles: ['console=tty0', 'console=ttyS1,115200', 'console=ttyAMA0,115200'],
    initrdModules: [...raspberryPiDisks, ...rootModules],
    firmware: raspberryPi32,
    imager: { devices: ['pi2-32bit', 'pi3-32bit'], architecture: 'armhf' },
  },
  'pc-x86_64': {
    architecture: 'x86_64',
    description: 'PCs, industrial PCs and servers with UEFI',
    // A person stands before the screen.
    consoles: ['console=ttyS0,115200', 'console=tty0'],
    initrdModules: [...virtualDisks, ...virtualPcDisks, ...metalDisks, ...pcDisks, ...rootModules],
    rootlessDisks: { ...noDiscs, ...noUsb1 },
  },
  'server-arm64': {
    architecture: 'arm64',
    description: 'servers with 64-bit ARM processors, UEFI and ACPI (SBSA)',
    // One of the two is there; the firmware's own table (SPCR) names it too.
    consoles: ['console=tty0', 'console=ttyS0,115200', 'console=ttyAMA0,115200'],
    initrdModules: [
      ...virtualDisks,
      ...metalDisks,
      'ahci_platform',
      'ahci_xgene',
      'hisi_sas_v3_hw',
      'xhci-plat-hcd',
      ...rootModules,
    ],
    rootlessDisks: { ...noDiscs, ...noUsb1 },
  },
};

/** What is meant where nobody says which image. */
export const defaultImage = 'vm-x86_64';
