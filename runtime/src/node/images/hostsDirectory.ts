/** Brings containerd's folder of registries (`certs.d`) up to date. What others have put there stays. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, writeFileAtomic } from '../../lib/files.ts';
import { HEAD, hostsFiles, type Registries } from './registries.ts';

/** @returns the registries that were written or removed */
export async function writeRegistryHosts(
  directory: string,
  registries: Registries,
  mirrorsOnly: boolean,
): Promise<readonly string[]> {
  const wanted = hostsFiles(registries, mirrorsOnly);
  const changed: string[] = [];
  for (const [registry, text] of Object.entries(wanted)) {
    const path = join(directory, registry, 'hosts.toml');
    const present = await readFile(path, 'utf8').catch(() => undefined);
    if (present === text) continue;
    await mkdir(join(directory, registry), { recursive: true, mode: 0o755 });
    await writeFileAtomic(path, text);
    changed.push(registry);
  }
  for (const registry of await foldersIn(directory)) {
    if (wanted[registry] !== undefined) continue;
    const path = join(directory, registry, 'hosts.toml');
    const present = await readFile(path, 'utf8').catch(() => '');
    if (!present.startsWith(HEAD)) continue;
    await rm(path);
    changed.push(registry);
  }
  return changed;
}

async function foldersIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
