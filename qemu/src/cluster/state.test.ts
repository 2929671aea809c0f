import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { claim, release, runFolder, runs, stopRun } from './state.ts';

describe('the folder of a run', () => {
  let out: string;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'atoll-runs-'));
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(out, { recursive: true });
  });

  /** A run of another process, as that would have claimed it. */
  async function other(name: string, script: string): Promise<ChildProcess> {
    child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout ?? child, 'data');
    const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    await mkdir(runFolder(out, name), { recursive: true });
    const state = { name, image: 'vm', pid: child.pid, startTicks };
    await writeFile(join(runFolder(out, name), 'run.json'), JSON.stringify(state));
    return child;
  }

  it('is listed while its process lives, and leaves only the consoles', async () => {
    const folder = await claim(out, 'a', 'vm');
    assert.deepEqual(
      (await runs(out)).map(({ name, image, pid }) => [name, image, pid]),
      [['a', 'vm', process.pid]],
    );
    await writeFile(join(folder, 'server.log'), 'hello');
    await writeFile(join(folder, 'kubeconfig'), 'secret');
    await release(folder);
    assert.deepEqual(await readdir(folder), ['server.log']);
    assert.deepEqual(await runs(out), []);
  });

  it('goes when there was no console', async () => {
    await release(await claim(out, 'a', 'vm'));
    assert.deepEqual(await readdir(join(out, 'run')), []);
  });

  it('of a process that is gone is nobody’s, even when another has its number', async () => {
    const folder = runFolder(out, 'a');
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, 'run.json'),
      JSON.stringify({ name: 'a', image: 'vm', pid: process.ppid, startTicks: '1' }),
    );
    assert.deepEqual(await runs(out), []);
    await claim(out, 'a', 'vm');
    assert.equal((await runs(out)).length, 1);
  });

  it('of another process that lives is not taken', async () => {
    const { pid } = await other('a', 'echo; exec sleep 60');
    await assert.rejects(claim(out, 'a', 'vm'), new RegExp(`a is running already \\(process ${pid}\\)`));
  });

  it('stop waits until the process is gone', async () => {
    const one = await other('a', "trap 'sleep 0.3; exit 0' TERM; echo; while :; do sleep 0.05; done");
    const gone = once(one, 'exit');
    const [state] = await runs(out);
    assert.ok(state);
    await stopRun(out, state);
    assert.deepEqual(await gone, [0, null]);
  });
});
