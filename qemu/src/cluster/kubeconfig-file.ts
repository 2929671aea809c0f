/**
 * The kubeconfig that a run hands over: a file that is there as long as the cluster is.
 *
 * Always true: a file that no run has written is neither overwritten nor removed, and that of another run not while it lives. Ours has a
 * first line that says so, and whose it is.
 */
import { access, constants, lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BuildError } from '../../../builder/src/errors.ts';
import { startTicks } from './state.ts';

const mark = '# Written by atoll-builder run';

/** @returns the first line of this process' own file */
const ownMark = async (): Promise<string> =>
  `${mark} (process ${process.pid}, ${await startTicks(process.pid)}), which removes it when it ends.\n`;

/** The process a file of a run is of, if it lives. */
async function livingWriter(file: string): Promise<number | undefined> {
  const [, pid, ticks] = /^.* \(process (\d+), (\d+)\)/.exec(await readFile(file, 'utf8').catch(() => '')) ?? [];
  return pid !== undefined && (await startTicks(Number(pid))) === ticks ? Number(pid) : undefined;
}

const refused = (file: string, why: string, hint: string, cause?: unknown): BuildError =>
  new BuildError('USAGE', `--kubeconfig: ${file} ${why}`, { hint, ...(cause === undefined ? {} : { cause }) });

/** Whether a run has left it, or nothing is in it (mktemp); undefined where there is no file. */
async function isOurs(file: string): Promise<boolean | undefined> {
  const facts = await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (facts === undefined) return undefined;
  return facts.isFile() && (facts.size === 0 || (await readFile(file, 'utf8')).startsWith(mark));
}

/** Before anything is booted. @throws BuildError USAGE for a file of somebody's, or a place where none can be made */
export async function checkKubeconfigFile(file: string): Promise<void> {
  const folder = dirname(file);
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'does not exist' : 'cannot be written to';
    throw refused(file, `cannot be written: the folder ${folder} ${why}`, 'Make the folder, or name another.', cause);
  });
  if ((await isOurs(file)) === false)
    throw refused(
      file,
      'is there already, and no run has written it',
      'It would be overwritten, and removed at the end: name a file that is not there.',
    );
  const writer = await livingWriter(file);
  if (writer !== undefined && writer !== process.pid)
    throw refused(file, `is of a run that lives (process ${writer})`, 'Stop that, or name another file.');
}

/** Only its owner may read it, whatever was there. @throws BuildError USAGE, as {@link checkKubeconfigFile} */
export async function writeKubeconfigFile(file: string, kubeconfig: string): Promise<void> {
  await checkKubeconfigFile(file);
  await rm(file, { force: true });
  // Exclusively: what somebody has put there meanwhile stays.
  await writeFile(file, `${await ownMark()}${kubeconfig}`, { mode: 0o600, flag: 'wx' });
}

/** Removes it, unless somebody has made another of it (kubectl config, which drops our first line), or another run has. */
export async function removeKubeconfigFile(file: string): Promise<void> {
  if ((await isOurs(file)) && (await livingWriter(file)) === process.pid) await rm(file, { force: true });
}
