/**
 * A machine's own directory: `<cache>/machines/<pid>-<random>`, on disk rather than in /tmp (which may be memory), and swept
 * by the next machine if the process that owned it died before it could.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../builder/src/paths.ts';

export async function createWorkspace(cache: string = cacheDirectory()): Promise<string> {
  const machines = join(cache, 'machines');
  await mkdir(machines, { recursive: true });
  await sweep(machines);
  return mkdtemp(join(machines, `${process.pid}-`));
}

async function sweep(machines: string): Promise<void> {
  for (const name of await readdir(machines)) {
    const pid = Number.parseInt(name, 10);
    if (Number.isInteger(pid) && !isAlive(pid)) {
      await rm(join(machines, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
