/**
 * The first process of every sandbox, compiled for each architecture and run as the first of a PID namespace: here, and where
 * `builder/emulation.sh` has been, the ARM ones too.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { architectures } from '../src/boards.ts';
import { repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';
import { compilePause } from '../src/steps/container-images.ts';
import { eventually, makeWorkshop } from './workshop.ts';

let workshop = '';
before(async () => {
  workshop = await makeWorkshop();
});
after(() => rm(workshop, { recursive: true, force: true }));

/** Pids on this side of the namespace. */
const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);

/** rt_sigtimedwait(2), by `process.arch`: an emulator calls that of its host. */
const waiting: Readonly<Record<string, number>> = { x64: 128, arm64: 137 };

interface Sandbox extends AsyncDisposable {
  readonly unshare: ChildProcess;
  /** Of the first process, on this side. */
  readonly pid: number;
}

async function started(program: string): Promise<Sandbox> {
  const unshare = spawn('unshare', ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', program]);
  let pid = 0;
  await eventually(`${program} waits`, async () => {
    [pid = 0] = await childrenOf(unshare.pid ?? 0);
    // What comes before it waits is ignored: it is the first process of its namespace.
    return pid !== 0 && (await readFile(`/proc/${pid}/syscall`, 'utf8')).startsWith(`${waiting[process.arch]} `);
  });
  return {
    unshare,
    pid,
    // `--kill-child`: the first process goes with it, and all of its namespace with that.
    [Symbol.asyncDispose]: async () => {
      if (unshare.exitCode === null && unshare.kill('SIGKILL')) await once(unshare, 'exit');
    },
  };
}

for (const [name, { node, multiarch }] of Object.entries(architectures)) {
  const emulator = { arm64: 'qemu-aarch64', arm: 'qemu-arm', x64: 'qemu-x86_64' }[node] ?? '';
  const runsHere = node === process.arch || existsSync(join('/proc/sys/fs/binfmt_misc', emulator));
  describe(`pause of ${name}`, () => {
    const program = (): string => join(workshop, name);
    const source = join(repositoryRoot, 'rootfs/containers/pause/pause.c');
    before(() => compilePause({ source, gnu: multiarch, program: program(), signal: new AbortController().signal }));
    test('needs no library and no stack that can be run', async () => {
      const { stdout } = await run(['readelf', '-lW', program()]);
      assert.match(stdout, /GNU_STACK .* RW /);
      assert.doesNotMatch(stdout, /INTERP|DYNAMIC/);
    });

    if (!runsHere) return;
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      test(`ends well at ${signal}`, async () => {
        await using sandbox = await started(program());
        process.kill(sandbox.pid, signal);
        await eventually('it ends', () => sandbox.unshare.exitCode !== null);
        assert.equal(sandbox.unshare.exitCode, 0);
      });

    test('reaps what is left to it', async () => {
      await using sandbox = await started(program());
      const { pid } = sandbox;
      const inside = ['--target', `${pid}`, '--user', '--pid', '--preserve-credentials'];
      for (const _ of [1, 2]) await run(['nsenter', ...inside, 'sh', '-c', 'sleep 1000 > /dev/null 2>&1 &']);
      const orphans = await childrenOf(pid);
      assert.equal(orphans.length, 2, 'two orphans');
      for (const orphan of orphans) process.kill(orphan, 'SIGKILL');
      await eventually('they are reaped', async () => (await childrenOf(pid)).length === 0);
      assert.equal(sandbox.unshare.exitCode, null, 'and goes on');
    });
  });
}
