/** `atoll kubectl …`: the real kubectl, with this cluster's kubeconfig unless the user has chosen another. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { ownKubeconfig } from '../machine/ownKubeconfig.ts';
import type { CommandContext } from './command.ts';

export async function kubectl({ values, rest }: CommandContext): Promise<number> {
  const file = values.optional('kubeconfig') ?? ownKubeconfig();
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
    throw Object.assign(new Error(denied ? `${file} may be read by root only` : `${file} does not exist`), {
      hint: denied
        ? 'Run it as root, or copy the file for your user.'
        : 'The control plane writes it when it starts: look at `atoll status`. Agents do not have it.',
    });
  }
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', rest, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: file } });
    // The terminal sends its signals to both; kubectl decides when to end.
    const ignore = (): void => undefined;
    process.on('SIGINT', ignore);
    child.on('error', error => {
      process.off('SIGINT', ignore);
      reject(error);
    });
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}
