/** hostPath volumes and their types (https://kubernetes.io/docs/concepts/storage/volumes/#hostpath). */
import type { Stats } from 'node:fs';
import { chmod, mkdir, open, stat } from 'node:fs/promises';
import type { HostPathVolumeSource } from '../../api/generated/types/core.v1.ts';

const checks: Readonly<Record<string, readonly [(s: Stats) => boolean, string]>> = {
  Directory: [s => s.isDirectory(), 'is not a directory'],
  File: [s => s.isFile(), 'is not a file'],
  Socket: [s => s.isSocket(), 'is not a socket file'],
  CharDevice: [s => s.isCharacterDevice(), 'is not a character device'],
  BlockDevice: [s => s.isBlockDevice(), 'is not a block device'],
};

/** Makes or checks the path as its type says. @throws Error `hostPath type check failed: …`, upstream's words. */
export async function prepareHostPath({ path, type = '' }: HostPathVolumeSource): Promise<void> {
  if (type === '') return;
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found && type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true });
    return chmod(path, 0o755);
  }
  if (!found && type === 'FileOrCreate') {
    await (await open(path, 'a', 0o644)).close();
    return;
  }
  const check = checks[type.replace('OrCreate', '')];
  if (!check) throw new Error(`hostPath type check failed: ${type} is no type`);
  if (!found || !check[0](found)) throw new Error(`hostPath type check failed: ${path} ${check[1]}`);
}
