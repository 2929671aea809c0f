/**
 * A cluster that was Ready, kept on disk: what it is of, whether it still holds, and its replacement.
 *
 * Always true: a folder with a `snapshot.json` is a whole snapshot. It is made beside its place and renamed; one that others may be
 * continuing is not replaced by its like. What a killed run has left beside it goes with the next one that is made.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BuildError } from '../../../builder/src/errors.ts';
import { makeTemporary, sweepTemporary } from '../../../builder/src/workspace.ts';
import type { Accelerator } from '../accelerator.ts';
import type { SavedMachine } from '../machine.ts';
import type { SavedCluster } from './cluster.ts';

/** All that has to be the same for a snapshot to be continued. Words that a person may read. */
export type SnapshotKey = Readonly<Record<(typeof aspects)[number], string>>;

const aspects = ['image', 'nodes', 'memory', 'processors', 'disk', 'user-data', 'QEMU', 'accelerator'] as const;

interface SnapshotFile {
  readonly format: 1;
  readonly key: SnapshotKey;
  /** ISO 8601. */
  readonly savedAt: string;
  readonly machines: readonly (Omit<SavedMachine, 'directory'> & { readonly folder: string })[];
}

const fileName = 'snapshot.json';

export interface Snapshot {
  readonly cluster: SavedCluster;
  readonly savedAt: Date;
}

/** A name is a folder in the cache; anything with a `/` is a path. */
export const snapshotFolder = (where: string, cache: string): string =>
  where.includes('/') ? resolve(where) : join(cache, 'snapshots', where);

export interface KeyOptions {
  readonly identity: string;
  readonly title: string;
  readonly nodes: number;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly diskBytes: number;
  readonly userData?: string;
  /** {@link emulatorVersion} */
  readonly version: string;
  readonly accelerator: Accelerator;
  /** The host's processor, as the guest sees it with KVM. */
  readonly processor: string;
}

export function snapshotKey(options: KeyOptions): SnapshotKey {
  const { accelerator, userData } = options;
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
  return {
    image: `${options.title} (${options.identity.replace(/^(\w+:\w{12})\w*/, '$1')})`,
    nodes: String(options.nodes),
    memory: `${options.memoryMiB} MiB`,
    processors: String(options.cpus),
    disk: `${options.diskBytes / 1024 ** 3} GiB`,
    'user-data': userData === undefined ? 'none' : `the one with the checksum ${hash(userData)}`,
    QEMU: options.version,
    accelerator: accelerator.name === 'kvm' ? `KVM on ${options.processor}` : `TCG, ${accelerator.cpu}`,
  };
}

/** Why a snapshot with this key is not one of that, in words; undefined if it is. */
export function difference(saved: Partial<SnapshotKey>, wanted: SnapshotKey): string | undefined {
  const other = aspects.find(aspect => saved[aspect] !== wanted[aspect]);
  return other === undefined ? undefined : `its ${other}: ${saved[other] ?? 'unknown'}, now ${wanted[other]}`;
}

/** @returns undefined for what no run has written to its end */
function parsed(text: string): SnapshotFile | undefined {
  try {
    const file = JSON.parse(text) as Partial<SnapshotFile> | null;
    if (typeof file?.key !== 'object' || file.key === null || !Array.isArray(file.machines)) return undefined;
    return file as SnapshotFile;
  } catch {
    return undefined;
  }
}

/**
 * @returns the snapshot, or why there is none to continue
 * @throws BuildError SNAPSHOT_REFUSED for a folder that holds something else
 */
export async function readSnapshot(folder: string, wanted: SnapshotKey): Promise<Snapshot | string> {
  let text: string;
  try {
    text = await readFile(join(folder, fileName), 'utf8');
  } catch (cause) {
    const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    if (files.length === 0) return 'there is none yet';
    throw new BuildError('SNAPSHOT_REFUSED', `${folder} holds something that is no snapshot`, {
      hint: 'Give --snapshot a name, or a folder that is empty or not there.',
      cause,
    });
  }
  const file = parsed(text);
  if (file === undefined) return 'it is damaged';
  const { format, key, savedAt, machines } = file;
  if (format !== 1) return `it is of another format (${format})`;
  const why = difference(key, wanted);
  if (why !== undefined) return `it was made of something else; ${why}`;
  return {
    savedAt: new Date(savedAt),
    cluster: {
      machines: machines.map(({ folder: own, ...machine }) => ({ ...machine, directory: join(folder, own) })),
    },
  };
}

/**
 * Makes a snapshot by `save`, which fills a folder, and puts it in place of what was there. When another run was faster, its own stays.
 * @param save gets the folder
 * @param broken one that could not be continued: it is replaced, too
 */
export async function writeSnapshot(
  folder: string,
  key: SnapshotKey,
  save: (directory: string) => Promise<SavedCluster>,
  broken?: Snapshot,
): Promise<void> {
  const [parent, prefix] = [dirname(folder), `${basename(folder)}.new-`];
  await mkdir(parent, { recursive: true });
  await sweepTemporary(parent, prefix);
  const temporary = await makeTemporary(parent, prefix);
  const next = join(temporary, 'new');
  try {
    await mkdir(next);
    const { machines } = await save(next);
    const content: SnapshotFile = {
      format: 1,
      key,
      savedAt: new Date().toISOString(),
      machines: machines.map(({ directory, ...machine }) => ({ ...machine, folder: directory.slice(next.length + 1) })),
    };
    await writeFile(join(next, fileName), `${JSON.stringify(content, undefined, 1)}\n`, { mode: 0o600 });
    const isGood = async (): Promise<boolean> => {
      const there = await readSnapshot(folder, key);
      return typeof there !== 'string' && there.savedAt.getTime() !== broken?.savedAt.getTime();
    };
    await putInPlace(next, folder, isGood, join(temporary, 'old'));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * @param isGood whether what is there stays
 * @param aside where it goes if not, to be removed
 */
async function putInPlace(next: string, folder: string, isGood: () => Promise<boolean>, aside: string): Promise<void> {
  for (;;) {
    try {
      // rename(2) replaces an empty folder, and no other.
      return await rename(next, folder);
    } catch (error) {
      if (!/^(ENOTEMPTY|EEXIST)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    if (await isGood()) return;
    await rm(aside, { recursive: true, force: true });
    await rename(folder, aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
