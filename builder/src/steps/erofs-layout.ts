/**
 * How the root is laid out in EROFS, so that a change of ours stays a small change of the image.
 *
 * `fragments` packs what is left of each file into one hidden file, compressed in pieces of 512 KiB: a byte more in one of the first
 * files moves all after it, and a fifth of the image is other bytes. So a file behind our own fills what they have there up to a
 * multiple of those pieces: what comes after stays in the same pieces. (Measured with one changed line: 5262 of 26021 blocks before,
 * 521 with it.) It is text that compresses to nothing, and ends in words of its own, or `mkfs.erofs` would find it again elsewhere.
 */

/**
 * Extents of at most 512 KiB, under clusters they always fit into. With smaller clusters mkfs.erofs looks for the input that fills each
 * one and compresses it some ten times: 25 s for what takes 8 s here at a better level, 3 MiB smaller. A boot in QEMU takes
 * as long as with 256 KiB (Ready after 31 s), for 1.5 MiB less, and 3 at a release's level; a page fault on a card reads twice as much.
 */
const clusterBytes = 1024 ** 2;
const extentBytes = 512 * 1024;

/**
 * zstd's levels. Level 19 makes extents of kubectl, containerd and libnode 7 % smaller, and takes twenty times as long (0.6 MB/s a core instead
 * of 14): too long for every changed line, right for what is published. They are unpacked as fast. (Level 15: 6 %, twelve times. LZMA: 16 %, but
 * it unpacks several times slower; and with a second algorithm for some files `mkfs.erofs` 1.8.6 never ends.)
 */
export const zstdLevels = { development: 9, release: 19 } as const;

/**
 * `^fragdedupe`: mkfs.erofs 1.8.6 looks for ends of files that it has packed already, and with `--tar=f` compares the start of the tar
 * instead of the file. That is zeros, so after a file that ends in zeros (as firmware does) small files silently became zeros.
 * `builder/test/erofs.test.ts` shows it.
 *
 * @param level zstd's
 */
export const erofsOptions = (level: number): string[] => [
  `-zzstd,level=${level}`,
  `-C${clusterBytes}`,
  `--max-extent-bytes=${extentBytes}`,
  '-Efragments,ztailpacking,^fragdedupe',
];

/** Bytes of a file that go into the packed file: extents are cut off its front until no more than a cluster is left. */
export function fragmentBytes(sizeBytes: number): number {
  return sizeBytes - extentBytes * Math.max(0, Math.ceil((sizeBytes - clusterBytes) / extentBytes));
}

const line =
  'Fills our own files up to a multiple of what is compressed at once: what lies behind them stays where it was.\n';
const last = 'The end of what fills.\n';

/** Text that fills files of these sizes up to whole pieces of the packed file. */
export function filler(sizes: readonly number[]): string {
  const used = sizes.reduce((sum, sizeBytes) => sum + fragmentBytes(sizeBytes), 0);
  const wanted = extentBytes - (used % extentBytes);
  // The text's own end takes its place too.
  const bytes = wanted < last.length ? wanted + extentBytes : wanted;
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - last.length) + last;
}
