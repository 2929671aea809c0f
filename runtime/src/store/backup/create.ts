/** Making a backup or snapshot: streamed, consistent at one moment, durable when it returns. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { renameDurably, temporaryPath } from '../../lib/files.ts';
import type { ConnectionOptions } from '../sqlite/schema.ts';
import { type BackupFile, type BackupHeader, type BackupRecord, encodeBackup } from './format.ts';
import { StoreReading } from './rows.ts';

/** What of the server's directory belongs to a backup, besides the store. */
export const backedUp = ['cred', 'tls', 'node-token'] as const;

export type About = Pick<BackupHeader, 'atoll' | 'host' | 'created' | 'content'>;

/** The bytes of a backup of the store as of now. */
export function* backupChunks(store: ConnectionOptions, files: readonly BackupFile[], about: About): Generator<Buffer> {
  const reading = new StoreReading(store);
  try {
    yield* encodeBackup({ ...about, revision: reading.revision }, concat<BackupRecord>(files, reading.rows()));
  } finally {
    reading.close();
  }
}

function* concat<T>(...all: readonly Iterable<T>[]): Generator<T> {
  for (const one of all) yield* one;
}

/** A backup in a file, mode 600, whole or not at all. Replaces the file. */
export async function writeBackup(
  target: string,
  store: ConnectionOptions,
  files: readonly BackupFile[],
  about: About,
): Promise<{ revision: number; sizeBytes: number }> {
  const temporary = temporaryPath(target);
  let revision = 0;
  try {
    const reading = new StoreReading(store);
    const file = openSync(temporary, 'wx', 0o600);
    try {
      revision = reading.revision;
      for (const chunk of encodeBackup({ ...about, revision }, concat<BackupRecord>(files, reading.rows()))) {
        for (let written = 0; written < chunk.length; ) written += writeSync(file, chunk, written);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
      reading.close();
    }
    await renameDurably(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
  return { revision, sizeBytes: (await stat(target)).size };
}

/** The keys, certificates and token under the server's directory. */
export async function serverFiles(directory: string): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  const add = async (name: string): Promise<void> => {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) {
      for (const entry of (await readdir(path)).sort()) if (!entry.startsWith('.')) await add(`${name}/${entry}`);
    } else if (found?.isFile()) {
      files.push({ kind: 'file', name, mode: found.mode & 0o777, bytes: await readFile(path) });
    }
  };
  for (const name of backedUp) await add(name);
  return files;
}

/**
 * A backup with keys: taken again when the keys changed meanwhile, so that the store in it can be read with the keys in it.
 * @param make writes it with the files given
 */
export async function withStableFiles<T>(directory: string, make: (files: BackupFile[]) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const files = await serverFiles(directory);
    const made = await make(files);
    const after = await serverFiles(directory);
    if (sameFiles(files, after) || attempt === 3) return made;
  }
}

const sameFiles = (a: readonly BackupFile[], b: readonly BackupFile[]): boolean =>
  a.length === b.length && a.every(({ name, bytes }, index) => b[index]?.name === name && b[index].bytes.equals(bytes));
