/** What a board's boot ROM and firmware read from the boot partition, as data: which files, and of which packages. */

export interface PackageFile {
  readonly package: string;
  /** In the package; links within it are followed. */
  readonly path: string;
}

/**
 * The firmware that is updated comes in numbered sets, of which `config.txt` chooses one (docs/adr/011-raspberry-pi.md). Set 0 is the flashed one and is
 * never written to; the device makes sets 1 and 2 in turn (runtime/src/machine/firmware/).
 */
export interface BoardFirmware {
  /** Folders of rootfs/firmware/ with what is written by hand, the later ones on top. */
  readonly folders: readonly string[];
  /** Name at the partition's root → file: as flashed, never written again. */
  readonly flashed: Readonly<Record<string, PackageFile>>;
  /** Name at the partition's root with `@` for the set's number → file: `start-@.elf`. Set 0 has the flashed ones instead. */
  readonly numbered: Readonly<Record<string, PackageFile>>;
  /** Name in the set's folder, `atoll-<number>/` → file. */
  readonly inFolder: Readonly<Record<string, PackageFile>>;
  /** Device trees of the kernel's package, by their names below `usr/lib/linux-image-<release>/`; all lie in the set's folder. */
  readonly deviceTrees: readonly string[];
  /** Path in the root → file: what drivers load. */
  readonly inRoot: Readonly<Record<string, PackageFile>>;
}

/** Packages of which single files are taken; none of them is merged into the root. Sorted. */
export function firmwarePackages({ flashed, numbered, inFolder, inRoot }: BoardFirmware): string[] {
  const files = [flashed, numbered, inFolder, inRoot].flatMap(group => Object.values(group));
  return [...new Set(files.map(file => file.package))].sort();
}

/** As in {@link BoardFirmware.deviceTrees}, of a file's path in a kernel's package: with its image, or since Linux 7 with its modules. */
export function deviceTreeName(path: string): string | undefined {
  return /^usr\/lib\/(?:linux-image-[^/]+|modules\/[^/]+\/dtb)\/(.+\.dtb)$/.exec(path)?.[1];
}
