/**
 * Temporary folders that name the process that made them.
 *
 * Always true: a folder under `<cache>/tmp` belongs to a living build, or the next build removes it. So a build that is
 * killed, at any moment, leaves nothing that outlives the next one.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The process's start time from `/proc`, so that a recycled process id is not taken for the builder. */
async function processIdentity(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** A new empty folder in `parent` named `<prefix><pid>-<start time>-XXXXXX`. */
export async function makeTemporary(parent: string, prefix = ''): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, `${prefix}${process.pid}-${await processIdentity(process.pid)}-`));
}

/** Removes what dead builds left in `parent` (only names that `makeTemporary` with this prefix gives). */
export async function sweepTemporary(parent: string, prefix = ''): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parent).catch(() => [] as string[])) {
    if (!name.startsWith(prefix)) continue;
    const owner = /^(\d+)-(\w+)-[A-Za-z0-9]{6}$/.exec(name.slice(prefix.length));
    if (!owner || (await processIdentity(Number(owner[1]))) === owner[2]) continue;
    await rm(join(parent, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}
