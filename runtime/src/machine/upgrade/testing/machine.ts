/** A machine for tests: files as partitions, a directory as boot partition, the real systemd-boot backend. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entryText, SystemdBoot } from '../loader/systemdBoot.ts';
import type { Machine } from '../plan.ts';
import type { SlotName, UpgradePlaces } from '../types.ts';
import type { Version } from './bundles.ts';

export const rootBytes = 8 << 20;
export const verityBytes = 1 << 20;

export interface TestMachine extends Machine {
  readonly folder: string;
}

/** Where everything is in a test's machine. */
export const placesIn = (folder: string): UpgradePlaces => ({
  stateDir: join(folder, 'state'),
  runDir: join(folder, 'run'),
  trustDir: join(folder, 'trust'),
  esp: join(folder, 'esp'),
  root: { a: join(folder, 'root-a'), b: join(folder, 'root-b') },
  verity: { a: join(folder, 'verity-a'), b: join(folder, 'verity-b') },
});

/** `running` in slot a; slot b as a flashed disk has it: empty, without an entry. */
export async function testMachine(
  folder: string,
  running: Version,
  trust: { readonly authorities: string; readonly revoked: string },
): Promise<TestMachine> {
  const places = placesIn(folder);
  for (const path of [
    places.stateDir,
    places.runDir,
    places.trustDir,
    join(places.esp, 'EFI/atoll'),
    join(places.esp, 'loader/entries'),
  ])
    await mkdir(path, { recursive: true });
  await writeFile(join(places.trustDir, 'authorities.pem'), trust.authorities);
  await writeFile(join(places.trustDir, 'revoked.crl.pem'), trust.revoked);
  for (const slot of ['a', 'b'] as const) await fill(places, slot, slot === 'a' ? running : undefined);
  await writeFile(join(places.esp, 'loader/entries/atoll-a.conf'), entryText('a', running.version, 1));
  await writeFile(join(places.esp, 'EFI/atoll/a.efi'), running.uki);
  return {
    folder,
    places,
    loader: new SystemdBoot(places.esp),
    running: { version: running.version, roothash: running.roothash, slot: 'a' },
    compatible: 'atoll-test',
    refused: [],
  };
}

/** A slot's partitions with a version in them, or with nothing. */
export async function fill(places: UpgradePlaces, slot: SlotName, version: Version | undefined): Promise<void> {
  for (const [path, content, size] of [
    [places.root[slot], version?.root, rootBytes],
    [places.verity[slot], version?.verity, verityBytes],
  ] as const) {
    await writeFile(path, content ?? '');
    await truncate(path, size);
  }
}

/** The running slot and everything the loader looks at, as one sum: whatever fails, this stays. */
export async function untouchable({ places, running }: Machine): Promise<string> {
  const sum = createHash('sha256');
  for (const path of [places.root[running.slot], places.verity[running.slot]]) sum.update(await readFile(path));
  for (const folder of ['loader/entries', 'EFI/atoll'])
    for (const name of (await readdir(join(places.esp, folder))).sort())
      if (name !== 'next.efi') sum.update(`${name}\0`).update(await readFile(join(places.esp, folder, name)));
  return sum.digest('hex');
}
