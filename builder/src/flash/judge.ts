/**
 * Whether a disk may be overwritten. Decided from what is known of the disks alone; nothing is touched.
 *
 * Always true: the disk this system runs from, and any whose content is in use by LVM, RAID or encryption, is refused whatever the
 * options say.
 */
import { type BlockDevice, withChildren } from './disks.ts';
import { sizeText } from './words.ts';

/** Where a system keeps what it cannot do without; anything in /etc is a container's view of its host's disk. */
const systemFolders = /^(\/|\/(boot|efi|usr|var|home|opt|nix|etc)(\/.*)?|\[SWAP\])$/;

export interface Wanted {
  readonly imageBytes: number;
  /** A disk that is built in is meant. */
  readonly force: boolean;
  /** What is mounted from it may be unmounted. */
  readonly unmount: boolean;
}

export interface Refusal {
  /** Completes "<path> …". */
  readonly reason: string;
  readonly hint: string;
}

const named = ({ mountPoints, path }: BlockDevice): string =>
  mountPoints.map(point => (point === '[SWAP]' ? `${path} is swap` : `${point} is on ${path}`)).join(', ');

/** What of the system is on a disk: in its partitions, in what is made of them, in loop devices whose files lie there. */
export function systemUse(
  disk: BlockDevice,
  disks: readonly BlockDevice[],
  seen: ReadonlySet<string> = new Set(),
): string | undefined {
  const parts = [...withChildren(disk)];
  const own = parts.find(({ mountPoints }) => mountPoints.some(point => systemFolders.test(point)));
  if (own) return named({ ...own, mountPoints: own.mountPoints.filter(point => systemFolders.test(point)) });
  const numbers = new Set(parts.map(({ number }) => number));
  for (const loop of disks) {
    if (!loop.backing || !numbers.has(loop.backing.number) || seen.has(loop.path)) continue;
    const use = systemUse(loop, disks, new Set([...seen, loop.path]));
    if (use !== undefined) return `${use}, whose file ${loop.backing.file} is on it`;
  }
  return undefined;
}

/** What is made of a disk or its partitions besides partitions. */
const madeOf = (disk: BlockDevice): BlockDevice | undefined =>
  [...withChildren(disk)].find(({ type, path }) => path !== disk.path && type !== 'part');

export function mountsOf(disk: BlockDevice): readonly { readonly path: string; readonly point: string }[] {
  return [...withChildren(disk)].flatMap(({ path, mountPoints }) => mountPoints.map(point => ({ path, point })));
}

/** Whether what is on the device with that number is lost with this disk: it is of the disk, or of a loop device over a file on it. */
export function holds(disk: BlockDevice, number: string, disks: readonly BlockDevice[]): boolean {
  const numbers = new Set([...withChildren(disk)].map(part => part.number));
  // Loops over files on loops, until there are no more.
  for (let before = 0; before < numbers.size; ) {
    before = numbers.size;
    for (const loop of disks)
      if (loop.backing && numbers.has(loop.backing.number))
        for (const part of withChildren(loop)) numbers.add(part.number);
  }
  return numbers.has(number);
}

/** What of a disk is another now, in words; undefined if it is the one that it was. */
export function exchanged(before: BlockDevice, now: BlockDevice): string | undefined {
  for (const [what, of] of [
    ['size', ({ sizeBytes }: BlockDevice) => `${sizeBytes} bytes`],
    ['model', ({ model }: BlockDevice) => model],
    ['serial number', ({ serial }: BlockDevice) => serial],
    ['file', ({ backing }: BlockDevice) => backing?.file ?? ''],
    ['number in the kernel', ({ number }: BlockDevice) => number],
    // In one reader, two cards of one size differ in nothing else.
    ['number of a change of cards', ({ sequence }: BlockDevice) => sequence],
  ] as const)
    if (of(before) !== of(now)) return `its ${what} was ${of(before) || 'unknown'} and is ${of(now) || 'unknown'}`;
  return undefined;
}

/** Of all that is flashed: cards, sticks, and nearly all disks. */
const imageSectorBytes = 512;
const kinds = new Set(['disk', 'loop']);

/** The device with that path, and the disk it is part of. */
export function locate(
  path: string,
  disks: readonly BlockDevice[],
): { readonly device: BlockDevice; readonly disk: BlockDevice } | undefined {
  for (const disk of disks) {
    const device = [...withChildren(disk)].find(each => each.path === path);
    if (device) return { device, disk };
  }
  return undefined;
}

/** @param path of a block device, no symlink. @returns why it is not overwritten, or undefined. */
export function refusal(path: string, disks: readonly BlockDevice[], wanted: Wanted): Refusal | undefined {
  const found = locate(path, disks);
  if (!found)
    return { reason: 'is no disk with anything in it', hint: 'Is a card in the reader? `lsblk` lists disks.' };
  const { device, disk } = found;
  if (device.type === 'part')
    return { reason: `is a partition of ${disk.path}`, hint: `The image has its own partitions: --to ${disk.path}.` };
  const use = systemUse(disk, disks);
  if (use !== undefined)
    return {
      reason: `is the disk this system runs from: ${use}`,
      hint: 'No option changes that. `atoll-builder flash` alone lists what can be flashed.',
    };
  if (!kinds.has(device.type)) return { reason: `is no disk but ${device.type}`, hint: 'Name the whole disk.' };
  const made = madeOf(disk);
  if (made)
    return {
      reason: `is part of ${made.path} (${made.type}), which is in use`,
      hint: 'Stop what uses it first (vgchange -an, mdadm --stop, cryptsetup close).',
    };
  if (disk.readOnly)
    return { reason: 'is read-only', hint: 'Move the lock at the side of the card, or take another reader.' };
  if (disk.sizeBytes < wanted.imageBytes)
    return {
      reason: `is too small: it has ${sizeText(disk.sizeBytes)}, the image ${sizeText(wanted.imageBytes)}`,
      hint: 'Take a larger one; a node wants 4 GiB or more.',
    };
  if (disk.sectorBytes !== imageSectorBytes)
    return {
      reason: `has sectors of ${disk.sectorBytes} bytes, the image's partition table is for ${imageSectorBytes}`,
      hint: 'No machine would find partitions on it: take another disk.',
    };
  const mounts = mountsOf(disk);
  if (mounts.length > 0 && !wanted.unmount)
    return {
      reason: `is mounted: ${mounts.map(({ path: part, point }) => `${part} on ${point}`).join(', ')}`,
      hint: 'Unmount it, or say --unmount.',
    };
  if (disk.type !== 'loop' && !disk.removable && !wanted.force)
    return {
      reason: `is built in: neither removable nor on USB (${disk.model || 'unknown model'}, ${sizeText(disk.sizeBytes)})`,
      hint: 'If it is really this one: --force.',
    };
  return undefined;
}
