/**
 * References to files and folders by content, and the few file operations that must not leave halves behind.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file by content: its key in the cache is the hash; the path only says where to find it now. */
export interface FileRef {
  readonly kind: 'file';
  readonly path: string;
  /** Hex: SHA-256, or for a large (sparse) file `sparseDigest`. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A folder by content (names, types, executable bits, link targets and bytes of everything under it). */
export interface TreeRef {
  readonly kind: 'tree';
  readonly path: string;
  readonly sha256: string;
  /** The hash as it is now: the tree is a person's, who may be writing to it. */
  readonly rehash: () => Promise<string>;
}

/** Hex SHA-256 of a file's bytes. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** From here on a file is a disk image: mostly zeros, which are not worth hashing. */
export const sparseFromBytes: number = 256 * 1024 ** 2;
const chunkBytes = 1 << 20;

/** Hex SHA-256 over the size and the chunks of 1 MiB that are not all zeros, with their numbers. Holes cost a read, no hash. */
export async function sparseDigest(path: string): Promise<string> {
  const zeros = Buffer.alloc(chunkBytes);
  const chunk = Buffer.alloc(chunkBytes);
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    hash.update(`sparse ${(await file.stat()).size}\n`);
    for (let index = 0; ; index++) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, index * chunkBytes);
      if (bytesRead === 0) return hash.digest('hex');
      const content = chunk.subarray(0, bytesRead);
      if (!content.equals(zeros.subarray(0, bytesRead))) hash.update(`${index} ${bytesRead}\n`).update(content);
    }
  } finally {
    await file.close();
  }
}

export async function fileRef(path: string): Promise<FileRef> {
  const { size } = await lstat(path);
  return {
    kind: 'file',
    path,
    sha256: await (size >= sparseFromBytes ? sparseDigest(path) : hashFile(path)),
    sizeBytes: size,
  };
}

export interface TreeEntry {
  /** Relative path, `/`-separated, without a leading slash. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly executable: boolean;
  /** Target of a symlink, else empty. */
  readonly target: string;
}

/**
 * Everything under `root`, sorted by path; folders come before what is in them.
 * @param wanted which names directly under `root` count; all of them unless told.
 */
export async function listTree(root: string, wanted: (name: string) => boolean = () => true): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  const visit = async (relative: string): Promise<void> => {
    for (const name of (await readdir(join(root, relative))).sort()) {
      if (relative === '' && !wanted(name)) continue;
      const path = relative === '' ? name : `${relative}/${name}`;
      const stat = await lstat(join(root, path));
      if (stat.isSymbolicLink()) {
        found.push({ path, type: 'symlink', executable: false, target: await readlink(join(root, path)) });
      } else if (stat.isDirectory()) {
        found.push({ path, type: 'directory', executable: false, target: '' });
        await visit(path);
      } else {
        found.push({ path, type: 'file', executable: (stat.mode & 0o100) !== 0, target: '' });
      }
    }
  };
  await visit('');
  return found;
}

export async function treeRef(path: string, wanted?: (name: string) => boolean): Promise<TreeRef> {
  const rehash = async (): Promise<string> => {
    const hash = createHash('sha256');
    for (const entry of await listTree(path, wanted)) {
      hash.update(`${entry.type} ${entry.executable} ${entry.path}\0${entry.target}\0`);
      if (entry.type === 'file') hash.update(await readFile(join(path, entry.path)));
    }
    return hash.digest('hex');
  };
  return { kind: 'tree', path, sha256: await rehash(), rehash };
}

/** Writes a file so that a reader sees the old or the new content, never a part: write, fsync, rename, fsync the folder. */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

/** JSON with sorted keys: equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
