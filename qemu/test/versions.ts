/** Versions of the image that the tests upgrade to: built here when they are not, from the same definition or a broken one of qemu/upgrade/. */
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { loadDefinition } from '../../builder/src/definition/load.ts';
import { readManifest } from '../../builder/src/manifest.ts';
import { artefactPaths, bundleName, repositoryRoot } from '../../builder/src/paths.ts';
import { run } from '../../builder/src/process.ts';
import { tool } from '../../builder/src/tools.ts';
import { type Hashed, type KnownVersion, sha256Of } from '../src/bootable.ts';
import { findPartition } from '../src/gpt.ts';
import { artefacts } from './image.ts';

export interface Version {
  readonly version: string;
  readonly roothash: string;
  /** The signed bundle. */
  readonly bundle: string;
}

const minutes = 60_000;

/**
 * Builds a version with its bundle, or finds it built.
 * @param definition a name of images/, or a file: its path, from qemu/upgrade/
 * @param runtime other sources of the runtime
 */
export async function builtVersion(version: string, definition = 'vm-x86_64', runtime?: string): Promise<Version> {
  const path = definition.endsWith('.yaml') ? resolve(repositoryRoot, 'qemu/upgrade', definition) : definition;
  const { name } = (await loadDefinition(path)).image;
  const out = join(repositoryRoot, 'out/upgrade', `${version}-${basename(definition).replace(/\W+/g, '-')}`);
  const cli = join(repositoryRoot, 'builder/src/cli.ts');
  await run(
    [
      ...([process.execPath, '--import', 'tsx', cli, 'bundle', path, '--version', version, '--out', out] as const),
      ...['--no-compress', ...(runtime === undefined ? [] : ['--runtime', runtime])],
    ],
    { signal: AbortSignal.timeout(15 * minutes), title: `building ${version}` },
  );
  const paths = artefactPaths(name, out);
  const { roothash } = await readManifest(paths.manifest);
  return { version, roothash, bundle: join(paths.directory, bundleName(name, version)) };
}

/** What the flashed image holds. */
export async function flashed(): Promise<KnownVersion> {
  const manifest = await readManifest(artefacts.manifest);
  const used = (label: string): number => manifest.partitions.find(part => part.label === label)?.usedBytes ?? 0;
  return {
    version: manifest.version,
    roothash: manifest.roothash,
    ukis: [await sha256Of(artefacts.uki)],
    root: await hashedAt(await findPartition(artefacts.raw, 'root-a'), used('root-a')),
    verity: await hashedAt(await findPartition(artefacts.raw, 'verity-a'), used('verity-a')),
  };
}

async function hashedAt({ offset }: { offset: number }, sizeBytes: number): Promise<Hashed> {
  return { sizeBytes, sha256: await sha256Of(artefacts.raw, sizeBytes, offset) };
}

/** What a bundle holds, by rauc's neighbour unsquashfs. @param scratch a folder to unpack into */
export async function inBundle({ version, roothash, bundle }: Version, scratch: string): Promise<KnownVersion> {
  await tool(['unsquashfs', '-q', '-n', '-d', scratch, bundle], { binds: [join(scratch, '..')], readOnly: [bundle] });
  const hashed = async (name: string): Promise<Hashed> => {
    const path = join(scratch, `${name}.img`);
    const { size } = await stat(path);
    return { sizeBytes: size, sha256: await sha256Of(path) };
  };
  return {
    version,
    roothash,
    ukis: [(await hashed('uki')).sha256],
    root: await hashed('root'),
    verity: await hashed('verity'),
  };
}
