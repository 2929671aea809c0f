/**
 * A control plane whose data partition is full to the last block when it starts. Runs in a mount and a network namespace of its own, with
 * a tmpfs as the partition; prints one {@link FullStart}.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface FullStart {
  readonly freeBytes: number;
  /** What kubectl said of each. */
  readonly kept: string;
  readonly made: string;
  readonly deleted: string;
  readonly madeWithRoom: string;
}

const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));
const [directory = ''] = process.argv.slice(2);
const disk = join(directory, 'disk');
const kubeconfig = join(directory, 'kubeconfig');

const kubectl = (...words: string[]): string => {
  try {
    return execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr).trim();
  }
};

/** Resolves when the API is ready. @throws Error with what it said when it ends before */
async function start(): Promise<() => Promise<void>> {
  const child = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', bin, 'server', '--data-dir', join(disk, 'data'), '--run-dir', join(directory, 'run')],
      ...['--write-kubeconfig', kubeconfig, '--bind-address', '127.0.0.1'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'exit');
  let said = '';
  const ready = new Promise<void>(resolve => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('"API ready"')) resolve();
      });
  });
  await Promise.race([
    ready,
    ended.then(() => {
      throw new Error(`the server ended: ${said.slice(-3000)}`);
    }),
  ]);
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
}

execFileSync('mkdir', ['-p', disk, join(directory, 'run')]);
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk]);
execFileSync('ip', ['link', 'set', 'lo', 'up']);
let stop = await start();
kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
kubectl('create', 'configmap', 'other', '--from-literal=a=b');
await stop();
const full = join(disk, 'full');
try {
  for (;;) writeFileSync(full, Buffer.alloc(4096), { flag: 'a' });
} catch {
  // ENOSPC: that is what was wanted.
}
const { bavail, bsize } = statfsSync(disk);
stop = await start();
const kept = kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}');
const made = kubectl('create', 'configmap', 'new');
const deleted = kubectl('delete', 'configmap', 'other');
rmSync(full);
let madeWithRoom = '';
for (const deadline = Date.now() + 60_000; !madeWithRoom.includes('created') && Date.now() < deadline; )
  madeWithRoom = kubectl('create', 'configmap', 'new');
await stop();
const found: FullStart = { freeBytes: bavail * bsize, kept, made, deleted, madeWithRoom };
process.stdout.write(`${JSON.stringify(found)}\n`);
