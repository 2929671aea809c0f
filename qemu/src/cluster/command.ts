/** The commands `run` and `stop` of atoll-builder. */
import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from '../../../builder/src/errors.ts';
import { createProgress, type Progress } from '../../../builder/src/progress.ts';
import type { DaemonMessage } from './daemon.ts';
import { parseRun, parseStop, type RunOptions } from './options.ts';
import { shownProgress } from './relayed.ts';
import { run } from './run.ts';
import { checkName, runs, stopRun } from './state.ts';

/** As a shell says it of a program that Ctrl-C has ended. */
const interruptedStatus = 130;

/** @param argv what follows `run`. @returns the exit status */
export async function runCommand(argv: readonly string[], defaultImage: string, signal: AbortSignal): Promise<number> {
  const options = parseRun(argv, defaultImage);
  const progress = createProgress(process.stderr);
  try {
    if (options.detach) return await detached(options, progress, signal);
    return await run(options, {
      progress,
      signal,
      say: text => process.stdout.write(`${text}\n`),
      onReady: () => progress.close(),
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.close();
    process.stderr.write('Stopped; nothing runs any more.\n');
    return interruptedStatus;
  } finally {
    progress.close();
  }
}

/** Starts a process of its own and waits until what it runs is Ready. */
async function detached(options: RunOptions, progress: Progress, signal: AbortSignal): Promise<number> {
  const folder = join(options.out, 'run');
  // The log of one that lives is its own.
  await checkName(options.out, options.name);
  mkdirSync(folder, { recursive: true });
  const log = openSync(join(folder, `${options.name}.log`), 'w');
  const child = fork(join(import.meta.dirname, 'daemon.ts'), {
    detached: true,
    execArgv: ['--import', import.meta.resolve('tsx')],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const show = shownProgress(progress);
  try {
    const ended = new Promise<never>((_, reject) => {
      child.on('error', reject);
      child.on('exit', () =>
        reject(signal.aborted ? signal.reason : new Error(`it ended; see ${folder}/${options.name}.log`)),
      );
    });
    const ready = new Promise<string>((resolve, reject) => {
      child.on('message', (message: DaemonMessage) => {
        if (message.type === 'progress') show(message.message);
        else if (message.type === 'ready') resolve(message.text);
        else reject(new BackgroundError(message.text));
      });
    });
    child.send(options);
    const text = await Promise.race([ready, ended]);
    progress.close();
    process.stdout.write(text);
    return 0;
  } catch (error) {
    if (!(error instanceof BackgroundError)) throw error;
    progress.close();
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** The text a person sees, made by the process in the background. */
class BackgroundError extends Error {}

/** @param argv what follows `stop`. @returns the exit status */
export async function stopCommand(argv: readonly string[]): Promise<number> {
  const { name, out } = parseStop(argv);
  const living = await runs(out);
  const names = living.map(one => one.name);
  const chosen = name === undefined && living.length === 1 ? living[0] : living.find(one => one.name === name);
  if (chosen === undefined) {
    const all = names.length === 0 ? 'Nothing runs.' : `What runs: ${names.join(', ')}.`;
    throw new BuildError('USAGE', name === undefined ? 'stop needs a name' : `${name} does not run`, { hint: all });
  }
  await stopRun(out, chosen);
  process.stdout.write(`${chosen.name} is stopped\n`);
  return 0;
}
