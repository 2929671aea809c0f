/**
 * What each file takes of the compressed root, as `dump.erofs` says of the image itself. Small files lie together in one packed file,
 * whose room is shared out among them by their sizes; so does what is nobody's (folders, names, padding). The sum is the image.
 */
import { BuildError } from '../errors.ts';
import type { BuildManifest } from '../manifest.ts';
import type { Content } from '../steps/root.ts';
import { tool } from '../tools.ts';

/** Smaller files are packed, or so small that a look at each costs more than it tells. */
const askedFromBytes = 64 * 1024;

/** Paths in, a line `<bytes on disk>\t<path>` each out. */
const script = `while IFS= read -r path; do
  dump.erofs --offset="$2" --path="/$path" "$1" | sed -n "s|.*On-disk size: \\([0-9]*\\).*|\\1\t$path|p"
done`;

/** Bytes before the first partition: the table, up to the first MiB. */
const tableBytes = 1024 ** 2;

/** Where the root begins in the raw disk, and what it uses. */
function rootOf({ partitions }: BuildManifest): { offset: number; usedBytes: number } {
  const index = partitions.findIndex(({ label }) => label === 'root-a');
  const root = partitions[index];
  if (!root) throw new BuildError('STEP_BROKEN', 'the manifest has no partition root-a');
  const before = partitions.slice(0, index).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { offset: tableBytes + before, usedBytes: root.usedBytes };
}

/** @returns bytes in the image by path. @param raw the disk image */
export async function compressedSizes(
  raw: string,
  manifest: BuildManifest,
  files: readonly Content[],
): Promise<Map<string, number>> {
  const { offset, usedBytes } = rootOf(manifest);
  const asked = files.filter(([, bytes]) => bytes >= askedFromBytes).map(([path]) => path);
  const { stdout } = await tool(['sh', '-c', script, 'sh', raw, String(offset)], {
    readOnly: [raw],
    input: asked.map(path => `${path}\n`).join(''),
  });
  const sizes = new Map<string, number>();
  for (const [, bytes = '', path = ''] of stdout.matchAll(/^(\d+)\t(.+)$/gm)) sizes.set(path, Number(bytes));
  const known = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const others = files.filter(([path]) => !sizes.has(path));
  const otherBytes = others.reduce((sum, [, bytes]) => sum + bytes, 0);
  for (const [path, bytes] of others)
    sizes.set(path, otherBytes === 0 ? 0 : ((usedBytes - known) * bytes) / otherBytes);
  return sizes;
}
