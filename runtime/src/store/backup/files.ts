/** The snapshots and backups in a directory: their names, which there are, which go. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackupHeader, readBackupHeader } from './format.ts';

export const SUFFIX = '.atoll-backup';

export interface BackupOnDisk {
  readonly path: string;
  readonly sizeBytes: number;
  /** Undefined: the header cannot be read. */
  readonly header: BackupHeader | undefined;
}

/** Sorts by age. */
export function backupName(content: BackupHeader['content'], now: Date): string {
  return `${content}-${now.toISOString().replace(/[-:]|\.\d+/g, '')}${SUFFIX}`;
}

/** Newest first, by revision: the clock may have been wrong. A directory that is not there has none. */
export async function listBackups(directory: string): Promise<BackupOnDisk[]> {
  const names = await readdir(directory).catch(() => []);
  const found: BackupOnDisk[] = [];
  for (const name of names.filter(name => name.endsWith(SUFFIX) && !name.startsWith('.'))) {
    const path = join(directory, name);
    const size = await stat(path).catch(() => undefined);
    if (!size?.isFile()) continue;
    found.push({ path, sizeBytes: size.size, header: await readBackupHeader(path).catch(() => undefined) });
  }
  return found.sort((a, b) => (b.header?.revision ?? 0) - (a.header?.revision ?? 0) || (a.path < b.path ? 1 : -1));
}

/** Keeps the newest `keep` of those made on schedule; what has another name is somebody's own. Returns what went. */
export async function pruneBackups(
  directory: string,
  content: BackupHeader['content'],
  keep: number,
): Promise<string[]> {
  const made = (await listBackups(directory)).filter(({ path }) =>
    new RegExp(`/${content}-\\d{8}T\\d{6}Z\\${SUFFIX}$`).test(path),
  );
  const gone = made.slice(keep).map(({ path }) => path);
  for (const path of gone) await rm(path, { force: true });
  return gone;
}
