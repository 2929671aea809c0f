/**
 * The container images that are in the root (pause, demo): imported into containerd and pinned, so that a node starts pods without
 * a network and they are never collected as garbage.
 *
 * Always true: the stamp is written last and holds the archive's hash, so the next start does nothing, another version of Atoll
 * imports its own, and an import that was interrupted, by a power cut say, begins again from nothing: what containerd has of
 * these images then may be names of files whose bytes never reached the disk.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFileIfExists, writeFileAtomic } from '../../lib/files.ts';
import type { CriClient } from '../cri/client.ts';
import { importArchive } from './transfer.ts';

const run = promisify(execFile);

/** Of images that CRI manages and never removes; containerd, pkg/cri/labels. */
const LABELS = { 'io.cri-containerd.image': 'managed', 'io.cri-containerd.pinned': 'pinned' };

export interface BuiltinImagesOptions {
  readonly cri: CriClient;
  /** Holds `images.tar` and `images.list`: the archive's hash after `# `, then a name a line. Neither: there are no images. */
  readonly folder: string;
  /** File that says what has been imported. */
  readonly stamp: string;
  readonly signal: AbortSignal;
}

/**
 * @returns the images that were imported now; none when all are there already
 * @throws ImportError, CriError; call it again then
 */
export async function ensureBuiltinImages(options: BuiltinImagesOptions): Promise<readonly string[]> {
  const { cri, folder, stamp, signal } = options;
  const list = (await readFileIfExists(join(folder, 'images.list')))?.toString('utf8');
  if (list === undefined) return [];
  const names = list.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  const imported = (await readFileIfExists(stamp))?.toString('utf8') === list;
  const present = await Promise.all(names.map(name => cri.imageStatus(name)));
  if (imported && present.every(image => image !== undefined)) return [];
  for (const [at, name] of names.entries()) {
    if (present[at]) await cri.removeImage(name);
  }
  await importArchive({ socket: cri.socket, archive: join(folder, 'images.tar'), labels: LABELS, signal });
  // The stamp must not reach the disk before what it stands for.
  await run('sync', [], { signal });
  await writeFileAtomic(stamp, list, { mode: 0o600 });
  return names;
}
