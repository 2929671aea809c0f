/**
 * A directory of files that changes as one (kubelet `volume/util/atomic_writer.go`, KEP-less; its layout is relied upon by programs
 * that watch `..data`):
 *
 *   ..2026_11_21_10_00_00.000000001/   the files
 *   ..data -> ..2026_…                 replaced by rename(2)
 *   config.yaml -> ..data/config.yaml  one link for each first path segment
 *
 * Always true: a reader who resolves `..data` once sees files of one payload only.
 */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ProjectedFile {
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
  /** Owner; root where unset. */
  readonly uid?: number | undefined;
}

/** By relative path, without `..` segments. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const DATA = '..data';

/** @returns whether anything changed. `group`: the pod's fsGroup, which gets what the owner may read. */
export async function writePayload(
  directory: string,
  payload: Payload,
  options: { readonly group?: number | undefined } = {},
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await mkdir(directory, { recursive: true });
  const old = await readlink(join(directory, DATA)).catch(() => undefined);
  if (old !== undefined && (await holds(join(directory, old), payload))) return false;
  const name = `..${new Date().toISOString().replaceAll(/[-:T]/g, '_').replace('Z', '')}${randomBytes(4).toString('hex')}`;
  const target = join(directory, name);
  await makeDirectory(target, options.group);
  for (const [path, file] of payload) await writeProjected(target, path, file, options.group);
  const temporary = join(directory, '..data_tmp');
  await rm(temporary, { force: true });
  await symlink(name, temporary);
  await rename(temporary, join(directory, DATA));
  await link(directory, payload);
  // Also what a crash left between two renames.
  for (const entry of await readdir(directory))
    if (entry.startsWith('..') && entry !== DATA && entry !== name)
      await rm(join(directory, entry), { recursive: true, force: true });
  return true;
}

function checkPath(path: string): void {
  const segments = path.split('/');
  if (path === '' || path.startsWith('/') || segments.includes('..') || segments[0]?.startsWith('..'))
    throw new Error(
      `invalid path ${JSON.stringify(path)}: it must be relative and must not begin with or contain '..'`,
    );
}

async function holds(directory: string, payload: Payload): Promise<boolean> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    if (entries.filter(e => !e.isDirectory()).length !== payload.size) return false;
    for (const [path, file] of payload) {
      const { mode } = await lstat(join(directory, path));
      if ((mode & 0o700) !== (file.mode & 0o700)) return false;
      if (!(await readFile(join(directory, path))).equals(file.data)) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function writeProjected(
  root: string,
  path: string,
  file: ProjectedFile,
  group: number | undefined,
): Promise<void> {
  let parent = root;
  for (const segment of dirname(path)
    .split('/')
    .filter(s => s !== '.')) {
    parent = join(parent, segment);
    await makeDirectory(parent, group);
  }
  const target = join(root, path);
  await writeFile(target, file.data);
  const mode = group === undefined ? file.mode : file.mode | ((file.mode & 0o400) >> 3) | 0o040;
  if (group !== undefined || file.uid !== undefined) await chown(target, file.uid ?? 0, group ?? 0);
  await chmod(target, mode);
}

async function makeDirectory(path: string, group: number | undefined): Promise<void> {
  await mkdir(path, { recursive: true });
  if (group !== undefined) await chown(path, 0, group);
  await chmod(path, group === undefined ? 0o755 : 0o2775);
}

async function link(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map(path => path.split('/')[0] ?? ''));
  for (const entry of await readdir(directory))
    if (!entry.startsWith('..') && !wanted.has(entry))
      await rm(join(directory, entry), { recursive: true, force: true });
  for (const name of wanted) {
    const path = join(directory, name);
    const target = `${DATA}/${name}`;
    if ((await readlink(path).catch(() => undefined)) === target) continue;
    await rm(path, { recursive: true, force: true });
    await symlink(target, path);
  }
}
