/**
 * Where things are. Other workspaces (qemu, bench) import this file and nothing else of the builder but `tools.ts`.
 *
 * - The cache is `$ATOLL_CACHE` (default `~/.cache/atoll`), never inside the checkout.
 * - The tools tree (a Debian 13 root with ukify, erofs-utils, QEMU 10, OVMF…) is `<cache>/tools/current`, a symlink to the
 *   tree whose name is the hash of its package list.
 * - The artefacts of an image are in `out/<image>/`, replaced as a whole by a finished build and never half written.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's root (absolute). */
export const repositoryRoot: string = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** `$ATOLL_CACHE`, or `~/.cache/atoll` (absolute). Read from `env` at every call, so a test may hold its own. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.ATOLL_CACHE || join(homedir(), '.cache', 'atoll'));
}

/** The tools tree other modules use: a symlink that always points at a complete tree, or does not exist. */
export function toolsTree(cache: string = cacheDirectory()): string {
  return join(cache, 'tools', 'current');
}

/** The files of one built image. All absolute. */
export interface ArtefactPaths {
  /** `out/<image>` */
  readonly directory: string;
  /** Sparse disk image, for QEMU (use a snapshot or a copy: the guest writes to it). */
  readonly raw: string;
  /** The same, compressed: what is published and flashed. Absent after `--no-compress`. */
  readonly compressed: string;
  /** Which blocks of either have to be written (bmap-tools 2.0). */
  readonly bmap: string;
  /** The same for hypervisors that take QEMU's format: compressed, grows when it is written. Absent like `compressed`. */
  readonly qcow2: string;
  /** The unified kernel image on the ESP. */
  readonly uki: string;
  /** The bare kernel (bzImage/Image) of the UKI, for `qemu -kernel`. */
  readonly kernel: string;
  /** The bare initrd of the UKI. */
  readonly initrd: string;
  readonly manifest: string;
  readonly sbom: string;
  /** Every file of the root with its package, and why each package is there ({@link file://./size/contents.ts}). */
  readonly contents: string;
  readonly sums: string;
}

/** @param image the image's name, as `vm-x86_64`. @param out the output folder, default `<checkout>/out`. */
export function artefactPaths(image: string, out: string = join(repositoryRoot, 'out')): ArtefactPaths {
  const directory = resolve(out, image);
  return {
    directory,
    raw: join(directory, `${image}.raw`),
    compressed: join(directory, `${image}.raw.zst`),
    bmap: join(directory, `${image}.raw.bmap`),
    qcow2: join(directory, `${image}.qcow2`),
    uki: join(directory, `${image}.efi`),
    kernel: join(directory, 'kernel'),
    initrd: join(directory, 'initrd'),
    manifest: join(directory, 'manifest.json'),
    sbom: join(directory, 'sbom.spdx.json'),
    contents: join(directory, 'contents.json'),
    sums: join(directory, 'SHA256SUMS'),
  };
}

/** A bundle's file name in `out/<image>/` and in the channel. */
export const bundleName = (image: string, version: string): string => `${image}-${version}.raucb`;
