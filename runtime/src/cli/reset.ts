/** `atoll reset`: erases the data of this machine at the next boot, after asking. */
import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { promisify } from 'node:util';
import { dataProblem } from '../machine/health/text.ts';
import { requestReset, withdrawReset } from '../machine/reset.ts';
import { type CommandContext, UsageError } from './command.ts';

const run = promisify(execFile);

const ALL = `This erases everything on the data partition of this machine: the cluster's store, pods and their volumes,
images, logs, keys and certificates. It comes up again as a new machine, from its image and its configuration.`;
const KEEP = `This erases the data of this machine: the cluster's store, pods and their volumes, images and logs.
Its keys and names stay: machine-id, node key and name, SSH host keys, the cluster's authorities and join token.`;

export async function reset({ values, stdout }: CommandContext): Promise<number> {
  const dataDir = values.one('data-dir');
  if (values.has('cancel')) {
    const was = await withdrawReset(dataDir);
    stdout(was ? 'The reset is withdrawn: nothing will be erased.\n' : 'No reset was asked for.\n');
    return 0;
  }
  const keep = values.has('keep-identity');
  if (!values.has('yes')) {
    if (!process.stdin.isTTY || !process.stdout.isTTY)
      throw new UsageError('nobody can be asked here: atoll reset --yes erases without asking');
    if (!(await agreed(keep))) {
      stdout('Nothing is erased.\n');
      return 1;
    }
  }
  if (dataProblem() !== undefined) return makeAnew(stdout, keep, values.has('no-reboot'));
  await requestReset(dataDir, keep ? 'keep-identity' : 'all');
  if (values.has('no-reboot')) {
    stdout('The data is erased at the next boot; atoll reset --cancel withdraws it.\n');
    return 0;
  }
  stdout('Restarting; the data is erased on the way up.\n');
  await run('systemctl', ['reboot']).catch((error: Error) => {
    throw new Error(`the reset is asked for, but this machine could not be restarted: ${error.message}; restart it`);
  });
  return 0;
}

/** The data partition is not in use, as it is damaged: nothing can be asked of the next boot there, and nothing on it can be kept. */
async function makeAnew(stdout: CommandContext['stdout'], keep: boolean, stay: boolean): Promise<number> {
  if (keep)
    throw new UsageError(
      'the data partition cannot be read: nothing on it can be kept; atoll reset makes it anew as a whole',
    );
  await run('/usr/lib/atoll/data', ['format']).catch((error: Error & { stderr?: string }) => {
    throw new Error(`the data partition cannot be made anew: ${error.stderr?.trim() || error.message}`);
  });
  stdout(`The data partition is made anew; ${stay ? 'it is used from the next boot on' : 'restarting'}.\n`);
  if (!stay) await run('systemctl', ['reboot']);
  return 0;
}

async function agreed(keep: boolean): Promise<boolean> {
  const ask = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await ask.question(
      `${keep ? KEEP : ALL}\n\nType the name of this machine (${hostname()}) to erase it: `,
    );
    return answer.trim() === hostname();
  } finally {
    ask.close();
  }
}
