/**
 * The disk for hypervisors that take QEMU's own format (QEMU, libvirt, Proxmox): compressed, and it grows as the guest writes. zlib, as every
 * version reads it; one thread, which puts the clusters in order, so that the same disk gives the same bytes.
 */
import { join } from 'node:path';
import type { FileRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

/** What the guest sees: room for the other slot and the data, which the first boot makes. It takes none before it is written. */
const guestBytes = 8 * 1024 ** 3;

export interface Qcow2Inputs {
  readonly disk: FileRef;
  readonly tools: string;
}

export const convertToQcow2: Step<Qcow2Inputs, 'disk.qcow2'> = {
  name: 'qcow2',
  title: 'Disk image as qcow2',
  module: import.meta.url,
  outputs: ['disk.qcow2'],
  async run({ disk }, { directory, signal }) {
    const target = join(directory, 'disk.qcow2');
    const mounts = { binds: [directory], readOnly: [disk.path], signal };
    await tool(['qemu-img', 'convert', '-q', '-c', '-m', '1', '-f', 'raw', '-O', 'qcow2', disk.path, target], mounts);
    await tool(['qemu-img', 'resize', '-q', '-f', 'qcow2', target, String(guestBytes)], mounts);
  },
};
