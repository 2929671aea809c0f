/**
 * What each file takes of the compressed root, as `dump.erofs` says of the image itself. Small files, and the ends of large ones, lie together
 * in one packed file (`fragments`): its room is shared out among them by what of each is there, and so is what is nobody's (folders,
 * names, padding). The sum is the image.
 */
import { BuildError } from '../errors.ts';
import type { BuildManifest } from '../manifest.ts';
import { fragmentBytes } from '../steps/erofs-layout.ts';
import type { Content } from '../steps/root.ts';
import { tool } from '../tools.ts';

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
  const asked = files.filter(([, bytes]) => fragmentBytes(bytes) < bytes).map(([path]) => path);
  const { stdout } = await tool(['sh', '-c', script, 'sh', raw, String(offset)], {
    readOnly: [raw],
    input: asked.map(path => `${path}\n`).join(''),
  });
  const own = new Map<string, number>();
  for (const [, bytes = '', path = ''] of stdout.matchAll(/^(\d+)\t(.+)$/gm)) own.set(path, Number(bytes));
  const packedBytes = usedBytes - [...own.values()].reduce((sum, bytes) => sum + bytes, 0);
  const inPacked = files.reduce((sum, [, bytes]) => sum + fragmentBytes(bytes), 0);
  return new Map(
    files.map(([path, bytes]) => [
      path,
      (own.get(path) ?? 0) + (packedBytes * fragmentBytes(bytes)) / Math.max(1, inPacked),
    ]),
  );
}
