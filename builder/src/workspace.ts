/**
 * Temporary folders that name the process that made them, and where that lives: on which boot of the kernel, in which PID namespace.
 *
 * Always true: a folder under `<cache>/tmp` belongs to a living build, or the next build removes it. So a build that is
 * killed, at any moment, leaves nothing that outlives the next one. Of a folder from elsewhere (another container or machine with the
 * same cache, or this one before it was started anew) nobody here can say whether its build lives: it goes when nothing has been written
 * in it for a day.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const foreignKeptMs = 24 * 3_600_000;

/** The process's start time from `/proc`, so that a recycled process id is not taken for the builder. */
async function processIdentity(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Where process ids mean what they mean here: 8 hex digits of this boot and this PID namespace (pid_namespaces(7)). */
async function whereabouts(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  const namespace = await readlink('/proc/self/ns/pid');
  return createHash('sha256').update(boot).update(namespace).digest('hex').slice(0, 8);
}

/** How a process of this namespace is named: `<pid>-<start time>-<where it lives>`. */
export const ownerName = async (pid: number): Promise<string> =>
  `${pid}-${await processIdentity(pid)}-${await whereabouts()}`;

/** A new empty folder in `parent` named `<prefix><pid>-<start time>-<where it lives>-XXXXXX`. */
export async function makeTemporary(parent: string, prefix = ''): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, `${prefix}${await ownerName(process.pid)}-`));
}

/**
 * Removes what dead builds left in `parent`: only names that `makeTemporary` with this prefix gives, or gave before it said where.
 * @param last what they may end with, in a folder that is ours alone: a regular expression
 */
export async function sweepTemporary(parent: string, prefix = '', last = '[A-Za-z0-9]{6}'): Promise<string[]> {
  const removed: string[] = [];
  const here = await whereabouts();
  const pattern = new RegExp(`^(\\d+)-(?:(\\w+)-)?(?:(\\w+)-)?${last}$`);
  for (const name of await readdir(parent).catch(() => [] as string[])) {
    if (!name.startsWith(prefix)) continue;
    const owner = pattern.exec(name.slice(prefix.length));
    if (!owner) continue;
    const [, pid, startTime, where] = owner;
    const isLiving =
      where === here
        ? (await processIdentity(Number(pid))) === startTime
        : Date.now() - (await lastWritten(join(parent, name))) < foreignKeptMs;
    if (isLiving) continue;
    await rm(join(parent, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** @returns milliseconds since 1970 of the folder and what is right in it; 0 for one that is gone */
async function lastWritten(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const paths = [folder, ...names.map(name => join(folder, name))];
  const times = paths.map(path =>
    stat(path)
      .then(({ mtimeMs }) => mtimeMs)
      .catch(() => 0),
  );
  return Math.max(...(await Promise.all(times)));
}
