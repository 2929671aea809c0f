/**
 * Asking for the data of this machine to be erased. It is done at the next boot, before anything uses the data partition, by
 * `/usr/lib/atoll/reset`: the running system could not do it to itself, and a power cut in the middle is begun again.
 */
import { join } from 'node:path';
import { makeDirectory, removeFileDurably, writeFileAtomic } from '../lib/files.ts';

/** `keep-identity`: the keys and names stay (machine-id, node key and name, the cluster's authorities and join token). */
export type Reset = 'all' | 'keep-identity';

const requestOf = (dataDir: string): string => join(dataDir, 'reset-requested');

/** Durable when it resolves. @param dataDir `/var/lib/atoll` */
export async function requestReset(dataDir: string, reset: Reset): Promise<void> {
  await makeDirectory(dataDir, 0o700);
  await writeFileAtomic(requestOf(dataDir), `${reset}\n`, { mode: 0o600 });
}

/** @returns false when none was asked for */
export const withdrawReset = (dataDir: string): Promise<boolean> => removeFileDurably(requestOf(dataDir));
