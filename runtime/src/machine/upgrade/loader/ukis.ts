/**
 * The kernels on the boot partition, the same for both loaders: `EFI/atoll/a.efi` and `b.efi`, and `next.efi`, which is being brought.
 *
 * Always true: a loader is told of `a.efi` or `b.efi` only when that file is complete on the disk, and told to forget it before
 * the file goes. A file that no loader knows of is the rest of a cut, and goes.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../../lib/files.ts';
import type { SlotName } from '../types.ts';
import { move, removeWholly } from './durable.ts';
import { LoaderError } from './errors.ts';
import { readUki, type UkiFacts } from './uki.ts';

/** Boots of a trial before the loader falls back, where the image does not say (images/*.yaml, `boot.tries`). */
export const TRIES = 3;

export const slots: readonly SlotName[] = ['a', 'b'];

export class Ukis {
  readonly #directory: string;

  /** @param esp the mounted EFI system partition */
  constructor(private readonly esp: string) {
    this.#directory = join(esp, 'EFI/atoll');
  }

  /** The folder is made where it is missing: flashed images have it. */
  async staging(): Promise<string> {
    if ((await mkdir(this.#directory, { recursive: true })) !== undefined) {
      for (const folder of [this.#directory, join(this.esp, 'EFI'), this.esp]) await syncDirectory(folder);
    }
    return join(this.#directory, 'next.efi');
  }

  pathOf(slot: SlotName): string {
    return join(this.#directory, `${slot}.efi`);
  }

  /** As on the boot partition: `/EFI/atoll/b.efi`. */
  efiOf(slot: SlotName): string {
    return `/EFI/atoll/${slot}.efi`;
  }

  factsOf(slot: SlotName): Promise<UkiFacts | undefined> {
    return readUki(this.pathOf(slot));
  }

  /** @throws LoaderError NOT_STAGED where the staged kernel does not open the root with this hash */
  async checkStaged(roothash: string): Promise<void> {
    const path = await this.staging();
    const facts = await readUki(path);
    if (facts?.roothash === roothash) return;
    const found = facts ? `opens the root ${facts.roothash.slice(0, 8)}…` : 'is not there, or is cut short';
    throw new LoaderError(
      'NOT_STAGED',
      `${path} ${found}; the version to be armed has the root ${roothash.slice(0, 8)}…`,
      'Nothing has changed: what runs now boots again. Run the upgrade again.',
    );
  }

  /** The staged kernel becomes the slot's. No loader may know of the slot now. */
  async take(slot: SlotName): Promise<void> {
    await removeWholly(this.pathOf(slot));
    await move(await this.staging(), this.pathOf(slot));
  }

  /** Removes what no loader knows of. */
  async sweep(known: ReadonlySet<SlotName>): Promise<void> {
    for (const slot of slots) if (!known.has(slot)) await removeWholly(this.pathOf(slot));
    await removeWholly(await this.staging());
    // What a cut left without a name gets one from fsck.vfat -a, and keeps its space.
    for (const name of await readdir(this.esp))
      if (/^FSCK\d{4}\.REC$/i.test(name)) await removeWholly(join(this.esp, name));
  }
}
