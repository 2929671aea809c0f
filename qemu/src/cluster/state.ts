/**
 * What is known of a run from outside of it: `<out>/run/<name>/`, with `run.json` while it lives and its consoles beyond that.
 *
 * Always true: a `run.json` whose process lives belongs to that process; another is a leftover, and nobody's.
 */
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
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
async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

async function living(folder: string): Promise<RunState | undefined> {
  const text = await readFile(stateFile(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const state = JSON.parse(text) as RunState;
  return (await startTicks(state.pid)) === state.startTicks ? state : undefined;
}

/** Makes the run's folder, this process' own, with nothing in it of an earlier one. @throws BuildError USAGE when another has it */
export async function claim(out: string, name: string, image: string): Promise<string> {
  const folder = runFolder(out, name);
  const other = await living(folder);
  if (other && other.pid !== process.pid)
    throw new BuildError('USAGE', `${name} is running already (process ${other.pid})`, {
      hint: `Stop it with \`atoll-builder stop ${name}\`, or give this one another --name.`,
    });
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const state: RunState = { name, image, pid: process.pid, startTicks: (await startTicks(process.pid)) ?? '' };
  const next = `${stateFile(folder)}.new`;
  await writeFile(next, `${JSON.stringify(state)}\n`);
  await rename(next, stateFile(folder));
  return folder;
}

/** What outlives a run is its consoles. */
export async function release(folder: string): Promise<void> {
  for (const name of ['run.json', 'kubeconfig', 'bin']) await rm(join(folder, name), { recursive: true, force: true });
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
