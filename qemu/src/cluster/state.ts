/**
 * What is known of a run from outside of it: `<out>/run/<name>/`, with `run.json` while it lives and its consoles beyond that.
 *
 * Always true: a `run.json` whose process lives belongs to that process; another (also one that a power cut has emptied) is a leftover,
 * and nobody's. It appears whole, and only where there is none: of two who want a name at once, one gets it. What else somebody keeps
 * in the folder is left alone.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { BuildError } from '../../../builder/src/errors.ts';

export interface RunState {
  readonly name: string;
  readonly image: string;
  readonly pid: number;
  /** When that process was started, in the kernel's ticks: another process may get its number. */
  readonly startTicks: string;
}

export const runFolder = (out: string, name: string): string => join(out, 'run', name);
const stateFile = (folder: string): string => join(folder, 'run.json');

/** proc_pid_stat(5), field 22; the second is a name that may hold blanks and brackets. */
export async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** The run that a `run.json` tells of, if it lives. */
async function livingIn(file: string): Promise<RunState | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    const state = JSON.parse(text) as RunState;
    const ticks = await startTicks(state.pid);
    return ticks !== undefined && ticks === state.startTicks ? state : undefined;
  } catch {
    return undefined;
  }
}

const living = (folder: string): Promise<RunState | undefined> => livingIn(stateFile(folder));

/** @throws BuildError USAGE when another process has that name */
export async function checkName(out: string, name: string): Promise<void> {
  refuseOther(await living(runFolder(out, name)), name);
}

function refuseOther(other: RunState | undefined, name: string): void {
  if (other === undefined || other.pid === process.pid) return;
  throw new BuildError('USAGE', `${name} is running already (process ${other.pid})`, {
    hint: `Stop it with \`atoll-builder stop ${name}\`, or give this one another --name.`,
  });
}

/** Makes the run's folder, this process' own, with nothing in it of an earlier one. @throws BuildError USAGE when another has it */
export async function claim(out: string, name: string, image: string): Promise<string> {
  const folder = runFolder(out, name);
  await mkdir(folder, { recursive: true });
  const state: RunState = { name, image, pid: process.pid, startTicks: (await startTicks(process.pid)) ?? '' };
  const [next, leftover] = [`${stateFile(folder)}.${randomUUID()}`, `${stateFile(folder)}.${randomUUID()}`];
  try {
    await writeFile(next, `${JSON.stringify(state)}\n`);
    while (!(await isLinked(next, stateFile(folder)))) {
      await checkName(out, name);
      // Whoever moves it away looks at it once more: another may have had the name since.
      await rename(stateFile(folder), leftover).catch(unlessMissing);
      const other = await livingIn(leftover);
      if (other !== undefined && other.pid !== process.pid) await isLinked(leftover, stateFile(folder));
      refuseOther(other, name);
    }
  } finally {
    for (const file of [next, leftover]) await rm(file, { force: true });
  }
  for (const file of await readdir(folder))
    if (isOurs(file) && file !== 'run.json') await rm(join(folder, file), { recursive: true, force: true });
  return folder;
}

/** @returns false where there is one already */
const isLinked = (from: string, to: string): Promise<boolean> =>
  link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** What runs put into their folder: consoles, and what goes with the run. */
const gone = ['run.json', 'kubeconfig', 'bin'];
const isOurs = (file: string): boolean => gone.includes(file) || /^(server|agent-\d+)\.log$/.test(file);

/** What outlives a run is its consoles. */
export async function release(folder: string): Promise<void> {
  for (const name of gone) await rm(join(folder, name), { recursive: true, force: true });
  await rmdir(folder).catch(() => {});
}

/** The runs that live, sorted by name. */
export async function runs(out: string): Promise<RunState[]> {
  const names = await readdir(join(out, 'run')).catch(() => []);
  const found = await Promise.all(names.sort().map(name => living(runFolder(out, name))));
  return found.filter(state => state !== undefined);
}

const stopMs = 30_000;

/** Asks a run to end and waits until it has; one that does not is killed, and its machines with it. */
export async function stopRun(out: string, { name, pid }: RunState): Promise<void> {
  const folder = runFolder(out, name);
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + stopMs;
  // Nobody tells a stranger that a process has ended.
  while ((await living(folder)) !== undefined) {
    if (performance.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      await release(folder);
      return;
    }
    await setTimeout(50);
  }
}
