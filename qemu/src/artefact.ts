/** From a built image to the machine it is for. */
import { basename, dirname, join } from 'node:path';
import { type ArchitectureName, architectures, boards } from '../../builder/src/boards.ts';
import { BuildError } from '../../builder/src/errors.ts';
import { type BuildManifest, readManifest } from '../../builder/src/manifest.ts';
import { artefactPaths } from '../../builder/src/paths.ts';
import type { Firmware } from './arguments.ts';

export interface ImageMachine {
  readonly architecture: ArchitectureName;
  readonly firmware: Firmware;
}

/** What a machine has before the image's own boot method. */
const firmwareFor = { 'systemd-boot': 'uefi', 'u-boot': 'u-boot' } as const satisfies Record<
  BuildManifest['boot'],
  Firmware
>;

/** Nothing of QEMU's is such a board as a whole (docs/boards). */
function refuseFirmwareOfItsOwn(image: string, boardName: string): void {
  const board = boards[boardName];
  if (board?.firmware === undefined) return;
  throw new BuildError('USAGE', `${image} cannot be run in QEMU: it is for ${board.description}`, {
    hint: `Flash it to a card with \`atoll-builder flash\` (docs/boards); vm-${board.architecture} is the same node for QEMU.`,
  });
}

/** @throws BuildError USAGE for an image that no virtual machine starts */
export function machineFor(image: Pick<BuildManifest, 'image' | 'architecture' | 'board' | 'boot'>): ImageMachine {
  refuseFirmwareOfItsOwn(image.image, image.board);
  return { architecture: image.architecture, firmware: firmwareFor[image.boot] };
}

const longestFirst = (names: readonly string[]): string[] => [...names].sort((a, b) => b.length - a.length);

/**
 * The same for a disk somebody has downloaded: what the manifest beside it says; else what its name does, as images are called by their
 * board (`vm-arm64-0.2.0.qcow2`); else the usual machine, with UEFI.
 * @throws BuildError USAGE for an image that no virtual machine starts
 */
export async function machineForFile(file: string): Promise<ImageMachine> {
  const name = basename(file);
  const manifest = await readManifest(join(dirname(file), 'manifest.json')).catch(() => undefined);
  if (manifest?.sizes !== undefined && name in manifest.sizes) return machineFor(manifest);
  const board = longestFirst(Object.keys(boards)).find(one => name.startsWith(one));
  if (board !== undefined) refuseFirmwareOfItsOwn(name, board);
  const architecture = (Object.keys(architectures) as ArchitectureName[]).find(one => name.includes(one));
  return { architecture: architecture ?? 'x86_64', firmware: 'uefi' };
}

/** An image of `out/`, with the disk that it is. @throws BuildError USAGE; what reading its manifest throws */
export async function builtMachine(image: string): Promise<ImageMachine & { readonly raw: string }> {
  const { raw, manifest } = artefactPaths(image);
  return { ...machineFor(await readManifest(manifest)), raw };
}
