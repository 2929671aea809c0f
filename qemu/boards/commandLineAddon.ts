/**
 * An addon for systemd-stub, which adds words to the kernel's command line from beside the UKI (systemd-stub(7), "addons"): for machines that can be told
 * them in no other way.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { architectures } from '../../builder/src/boards.ts';
import type { BuildManifest } from '../../builder/src/manifest.ts';
import { readFromArchive } from '../../builder/src/packages/archives.ts';
import type { ResolvedPackage } from '../../builder/src/packages/resolve.ts';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { tool } from '../../builder/src/tools.ts';

/** @param directory of the caller's, where it is made. @returns its path */
export async function commandLineAddon(
  { architecture, packages }: BuildManifest,
  words: readonly string[],
  directory: string,
): Promise<string> {
  const { efi } = architectures[architecture];
  const loader = packages.find(({ name }) => name === 'systemd-boot-efi');
  if (!loader) throw new Error('the image has no systemd-boot-efi');
  const context = { cache: cacheDirectory(), signal: AbortSignal.timeout(60_000), note: () => {}, warn: () => {} };
  const path = `usr/lib/systemd/boot/efi/addon${efi}.efi.stub`;
  const { content } = await readFromArchive(loader as ResolvedPackage, path, context);
  const [stub, addon] = [join(directory, 'addon.stub'), join(directory, 'test.addon.efi')];
  await writeFile(stub, content);
  const facts = [`--cmdline=${words.join(' ')}`, `--stub=${stub}`, `--efi-arch=${efi}`, `--output=${addon}`];
  await tool(['ukify', 'build', ...facts], { binds: [directory] });
  return addon;
}
