/**
 * The disks of a machine, made with qemu-img, and what a power cut leaves on them.
 *
 * Every writable disk is a qcow2 overlay in the machine's own directory over a file nobody writes to: the artefact stays as
 * it was built, snapshots have a place, and disposing a machine is deleting a directory.
 *
 * **What a power cut models.** The disk is a drive with a volatile write cache (QEMU's `cache=writeback`): the guest sees a
 * flush command, and QEMU passes it on. `Machine.powerCut()` kills QEMU, which loses the guest's memory, the requests in flight
 * and qcow2's cached tables, that is, writes to new places which were not flushed. Writes to places that were written
 * before may survive without a flush (the host's page cache outlives QEMU), so a kill alone is too kind to a guest that
 * forgets a flush. `cache=none` would not change that and `cache=unsafe` would ignore the flushes, so neither is used.
 * For the strict case give the disk a `writeLog`: QEMU then logs every write and flush in order, and `cuts.ts` makes the disk
 * as a cut at any point of that log leaves it, with any part of the unflushed writes missing.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DiskBus } from './arguments.ts';
import type { Emulator } from './emulator.ts';

export interface DiskOptions {
  /** The image the disk starts as; it is only read. */
  readonly file: string;
  /** Default `raw`. */
  readonly format?: 'raw' | 'qcow2';
  /** Size the guest sees; default the file's. May be larger: like flashing an image to a bigger card. */
  readonly sizeBytes?: number;
  /** Default false. The guest can not write, and no overlay is made. */
  readonly readOnly?: boolean;
  /** virtio serial number, the guest's `/dev/disk/by-id/virtio-<serial>`; at most 20 characters. */
  readonly serial?: string;
  /** What it is connected to; default `virtio`. NVMe disks need a serial number. */
  readonly bus?: DiskBus;
  /** When the firmware tries it, from 1; default its place in the list. The guest names disks by their places. */
  readonly bootIndex?: number;
  /** Where to log writes and flushes (see above; made anew at each power-on). Excludes snapshots and discard. */
  readonly writeLog?: string;
}

const run = promisify(execFile);

/** Runs qemu-img. @throws its words, with what was asked for */
export async function qemuImg(emulator: Emulator, args: readonly string[]): Promise<string> {
  const [program = '', ...prefix] = emulator.qemuImg;
  const { stdout } = await run(program, [...prefix, ...args], {
    env: { ...process.env, ...emulator.environment },
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** What a guest sees of an image: `virtual-size` of qemu-img(1)'s `info`. */
export async function virtualBytes(emulator: Emulator, { file, format = 'raw' }: DiskOptions): Promise<number> {
  const told = JSON.parse(await qemuImg(emulator, ['info', '--output=json', '-f', format, file])) as {
    readonly 'virtual-size': number;
  };
  return told['virtual-size'];
}

/** Makes `overlay`, a qcow2 file whose untouched parts are those of `disk`. */
export async function createOverlay(emulator: Emulator, overlay: string, disk: DiskOptions): Promise<void> {
  const size = disk.sizeBytes === undefined ? [] : [String(disk.sizeBytes)];
  await qemuImg(emulator, [
    'create',
    '-q',
    '-f',
    'qcow2',
    '-b',
    disk.file,
    '-F',
    disk.format ?? 'raw',
    overlay,
    ...size,
  ]);
}

/** Writes the disk as the guest saw it to a sparse raw file. The machine must be off. */
export async function exportRaw(emulator: Emulator, overlay: string, raw: string): Promise<void> {
  await qemuImg(emulator, ['convert', '-q', '-O', 'raw', overlay, raw]);
}

/** Writes a disk that needs no other file: an overlay with what it lies over. The machine must be off. */
export async function flatten(emulator: Emulator, overlay: string, whole: string): Promise<void> {
  await qemuImg(emulator, ['convert', '-q', '-f', 'qcow2', '-O', 'qcow2', overlay, whole]);
}
