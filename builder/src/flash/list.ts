/** What a person sees of the disks: a table of those that can be flashed, and why others are not in it. */
import { framed } from '../table.ts';
import { type BlockDevice, withChildren } from './disks.ts';
import { mountsOf, systemUse } from './judge.ts';
import { sizeText } from './words.ts';

const longest = 34;
const short = (text: string): string => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

/** `boot (vfat), root (ext4)`; an empty disk is said to be so. */
export function contentText(disk: BlockDevice): string {
  const parts = [...withChildren(disk)]
    .filter(({ children, fileSystem, type }) => children.length === 0 && (fileSystem !== '' || type === 'part'))
    .map(({ label, fileSystem, name }) => `${label || name}${fileSystem === '' ? '' : ` (${fileSystem})`}`);
  return parts.length === 0 ? 'nothing known' : parts.join(', ');
}

/** `SanDisk Ultra, 29.8 GiB` */
export const diskTitle = (disk: BlockDevice): string =>
  `${disk.model || (disk.backing ? disk.backing.file : 'unknown model')}, ${sizeText(disk.sizeBytes)}`;

function whyNot(disk: BlockDevice, disks: readonly BlockDevice[]): string | undefined {
  if (systemUse(disk, disks) !== undefined) return 'the system is on it';
  if (disk.sizeBytes === 0) return 'nothing in it';
  return disk.removable ? undefined : 'built in: --force';
}

/** @param image for the example of a command. */
export function disksText(disks: readonly BlockDevice[], image: string): string {
  const shown = disks.filter(({ type }) => type === 'disk');
  const offered = shown.filter(disk => whyNot(disk, disks) === undefined);
  const others = shown.flatMap(disk => {
    const why = whyNot(disk, disks);
    return why === undefined ? [] : [`${disk.path} (${why})`];
  });
  const rest = others.length === 0 ? '' : `Not offered: ${others.join(', ')}.\n`;
  const [first] = offered;
  if (!first)
    return `No removable disk is there: put in a card or a stick.\n${rest}A file is flashed, too: atoll-builder flash ${image} --to node.img --size 8G\n`;
  const table = framed({
    head: ['Disk', 'Model', 'Size', 'Bus', 'On it', 'Mounted at'],
    aligns: ['left', 'left', 'right', 'left', 'left', 'left'],
    body: offered.map(disk => [
      disk.path,
      disk.model || 'unknown',
      sizeText(disk.sizeBytes),
      disk.bus || '?',
      short(contentText(disk)),
      short(
        mountsOf(disk)
          .map(({ point }) => point)
          .join(', '),
      ),
    ]),
  });
  return `${table.join('\n')}\n${rest}\nFlash one with: atoll-builder flash ${image} --to ${first.path}\n`;
}
