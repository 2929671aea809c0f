/** The few mounts volumes need, by mount(8) and the kernel's own list of them. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;

/** Mount points under `directory`, deepest first. */
export async function mountsUnder(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8');
  return table
    .split('\n')
    .map(line =>
      (line.split(' ')[1] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter(path => path === directory || path.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

export async function mountTmpfs(directory: string, sizeBytes: number | undefined): Promise<void> {
  const options = ['mode=0777', ...(sizeBytes ? [`size=${sizeBytes}`] : [])].join(',');
  await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { timeout: TIMEOUT_MS });
}

/** Busy mounts are detached: what still has them open keeps them until it closes them. */
export async function unmountUnder(directory: string): Promise<void> {
  for (const path of await mountsUnder(directory)) await run('umount', ['-l', path], { timeout: TIMEOUT_MS });
}
