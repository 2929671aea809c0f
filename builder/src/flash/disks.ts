/** The disks of this machine, as lsblk(8) and sysfs tell: what they are, what is on them, what uses them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import { run } from '../process.ts';
import { deviceOf } from './mounts.ts';

export interface BlockDevice {
  /** `sdb`, `mmcblk0`, `loop3` */
  readonly name: string;
  /** `/dev/sdb` */
  readonly path: string;
  /** lsblk's word: disk, part, loop, crypt, lvm, raid1, rom… */
  readonly type: string;
  readonly sizeBytes: number;
  /** Of a logical sector, the unit of partition tables. */
  readonly sectorBytes: number;
  readonly readOnly: boolean;
  /** Made to be taken out, or plugged in from outside. */
  readonly removable: boolean;
  /** usb, sata, nvme, mmc…; empty where it is not known. */
  readonly bus: string;
  /** Vendor and model, for people; empty where it is not known. */
  readonly model: string;
  /** Empty where it is not known. */
  readonly serial: string;
  readonly fileSystem: string;
  /** The file system's label, or the partition's name. */
  readonly label: string;
  /** Folders, and `[SWAP]`. */
  readonly mountPoints: readonly string[];
  /** `8:16` */
  readonly number: string;
  /** Another one after each change of what is in it; empty where the kernel does not tell (before Linux 5.15), and of partitions. */
  readonly sequence: string;
  /** Partitions, and what is made of them (dm, md). */
  readonly children: readonly BlockDevice[];
  /** Of a loop device: the file it shows, and the number of the device that file is on. */
  readonly backing?: { readonly file: string; readonly number: string };
}

const columns =
  'NAME,PATH,TYPE,SIZE,RO,RM,HOTPLUG,TRAN,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,PARTLABEL,MOUNTPOINTS,MAJ:MIN,LOG-SEC'.split(
    ',',
  );

type Row = Readonly<Record<string, unknown>>;

const text = (row: Row, name: string): string => (typeof row[name] === 'string' ? row[name].trim() : '');
/** lsblk before 2.38 writes "1" and "0". */
const flag = (row: Row, name: string): boolean => row[name] === true || row[name] === '1';
const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    content => content.trim(),
    () => '',
  );

/** `sequence` of the device with that number. */
export const sequenceOf = (number: string, root = '/'): Promise<string> =>
  readText(join(root, 'sys/dev/block', number, 'diskseq'));

async function backingOf(name: string, root: string): Promise<BlockDevice['backing']> {
  const file = await readText(join(root, 'sys/block', name, 'loop/backing_file'));
  return file === '' ? undefined : { file, number: await deviceOf(file) };
}

/** Of what an MMC controller drives, only SD cards are taken out: to lsblk, a soldered eMMC is HOTPLUG as well. */
async function isRemovable(row: Row, name: string, bus: string, root: string): Promise<boolean> {
  if (name.startsWith('mmcblk')) return (await readText(join(root, 'sys/block', name, 'device/type'))) === 'SD';
  return flag(row, 'rm') || flag(row, 'hotplug') || bus === 'usb';
}

async function diskOf(row: Row, root: string): Promise<BlockDevice> {
  const name = text(row, 'name');
  const type = text(row, 'type');
  const number = text(row, 'maj:min');
  const backing = type === 'loop' ? await backingOf(name, root) : undefined;
  const bus = text(row, 'tran') || (name.startsWith('mmcblk') ? 'mmc' : '');
  const points = Array.isArray(row.mountpoints) ? row.mountpoints : [];
  const children = Array.isArray(row.children) ? (row.children as Row[]) : [];
  return {
    name,
    path: text(row, 'path') || `/dev/${name}`,
    type,
    sizeBytes: Number(row.size) || 0,
    sectorBytes: Number(row['log-sec']) || 512,
    readOnly: flag(row, 'ro'),
    removable: await isRemovable(row, name, bus, root),
    bus,
    // A number of the PCI vendor says nothing.
    model: [text(row, 'vendor'), text(row, 'model')].filter(word => !/^(0x[0-9a-f]+)?$/.test(word)).join(' '),
    serial: text(row, 'serial'),
    fileSystem: text(row, 'fstype'),
    label: text(row, 'label') || text(row, 'partlabel'),
    mountPoints: points.filter((point): point is string => typeof point === 'string'),
    number,
    sequence: await sequenceOf(number, root),
    children: await Promise.all(children.map(child => diskOf(child, root))),
    ...(backing === undefined ? {} : { backing }),
  };
}

/**
 * All disks, loop devices in use too.
 * @param root of the machine they are of; another than `/` is a copy of its /sys, /dev and /proc.
 * @throws BuildError TOOL_FAILED where lsblk cannot tell.
 */
export async function listDisks(root = '/'): Promise<BlockDevice[]> {
  const ofAnother = root === '/' ? [] : ['--sysroot', root];
  const { stdout } = await run(['lsblk', ...ofAnother, '--json', '--bytes', '--output', columns.join(',')], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  const { blockdevices } = JSON.parse(stdout) as { readonly blockdevices?: Row[] };
  if (!blockdevices) throw new BuildError('TOOL_FAILED', 'lsblk does not say which disks there are', { tail: stdout });
  return Promise.all(blockdevices.map(row => diskOf(row, root)));
}

/** A device and everything made of it. */
export function* withChildren(device: BlockDevice): Generator<BlockDevice> {
  yield device;
  for (const child of device.children) yield* withChildren(child);
}
