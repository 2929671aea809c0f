/**
 * Everything that differs between architectures and boards, as data. The rest of the builder asks these tables and never
 * compares an architecture's name.
 */

export type ArchitectureName = 'x86_64' | 'arm64' | 'armv7';

export interface Architecture {
  /** Debian's name, as in `Packages` files. */
  readonly debian: string;
  /** `e_machine` of every ELF file in the root. */
  readonly elfMachine: number;
  /** The name in UEFI file names: `BOOTX64.EFI`, `systemd-bootx64.efi`, `linuxx64.efi.stub`. */
  readonly efi: string;
  /** Discoverable Partitions Specification type names for systemd-repart. */
  readonly partitionTypes: { readonly root: string; readonly verity: string };
  /** The kernel file in the `linux-image` package, without the version: `vmlinuz-6.12.…`. */
  readonly kernelPrefix: string;
  /** Library folder under /usr/lib. */
  readonly multiarch: string;
  /** Node's `process.arch`, for node-gyp and esbuild. */
  readonly node: string;
  /** GCC of the tools tree that makes programs for it. */
  readonly compiler: string;
  /** OCI platform of the images in the root. */
  readonly oci: { readonly architecture: string; readonly variant?: string };
}

export const architectures: Readonly<Partial<Record<ArchitectureName, Architecture>>> = {
  x86_64: {
    debian: 'amd64',
    elfMachine: 62,
    efi: 'x64',
    partitionTypes: { root: 'root-x86-64', verity: 'root-x86-64-verity' },
    kernelPrefix: 'vmlinuz-',
    multiarch: 'x86_64-linux-gnu',
    node: 'x64',
    compiler: 'gcc',
    oci: { architecture: 'amd64' },
  },
};

export interface Board {
  readonly architecture: ArchitectureName;
  readonly description: string;
  /** Kernel command line for the board's consoles; the last one is `/dev/console`. */
  readonly consoles: readonly string[];
  /** Modules the initrd needs to reach its disk and root (with their dependencies and soft dependencies). */
  readonly initrdModules: readonly string[];
}

export const boards: Readonly<Record<string, Board>> = {
  'vm-x86_64': {
    architecture: 'x86_64',
    description: 'QEMU, KVM, Hyper-V, VMware and cloud virtual machines with UEFI',
    consoles: ['console=tty0', 'console=ttyS0,115200'],
    initrdModules: [
      'virtio_pci',
      'virtio_blk',
      'virtio_scsi',
      'sd_mod',
      'nvme',
      'ahci',
      'erofs',
      'dm-verity',
      'overlay',
      'ext4',
    ],
  },
};
