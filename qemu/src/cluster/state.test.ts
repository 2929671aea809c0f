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

  it('keeps what is not of a run', async () => {
    const folder = runFolder(out, 'a');
    await mkdir(folder, { recursive: true });
    for (const file of ['thesis.txt', 'server.log', 'agent-2.log', 'kubeconfig'])
      await writeFile(join(folder, file), '');
    await release(await claim(out, 'a', 'vm'));
    assert.deepEqual(await readdir(folder), ['thesis.txt']);
  });

  for (const text of ['', '{"name":', 'null', '7'])
    it(`of which a power cut has left ${JSON.stringify(text)} is nobody’s`, async () => {
      await mkdir(runFolder(out, 'a'), { recursive: true });
      await writeFile(join(runFolder(out, 'a'), 'run.json'), text);
      assert.deepEqual(await runs(out), []);
      await claim(out, 'a', 'vm');
      assert.equal((await runs(out)).length, 1);
    });

  it('of several processes at once is one’s', async () => {
    const script = `
      import { claim } from ${JSON.stringify(import.meta.resolve('./state.ts'))};
      process.stdin.once('data', async () => {
        console.log(await claim(process.argv[1], 'a', 'vm').then(() => 'mine', error => error.message));
        process.stdin.once('data', () => process.exit());
      });
      console.log('here');`;
    // Left by one that is gone: all of them want to take its place.
    await mkdir(runFolder(out, 'a'), { recursive: true });
    await writeFile(join(runFolder(out, 'a'), 'run.json'), '');
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, out];
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    try {
      const next = async (): Promise<string[]> =>
        Promise.all(children.map(async one => String((await once(one.stdout, 'data'))[0]).trim()));
      await next();
      const said = next();
      for (const one of children) one.stdin.write('go\n');
      const [mine, ...others] = (await said).sort((a, b) => Number(b === 'mine') - Number(a === 'mine'));
      assert.equal(mine, 'mine');
      for (const one of others) assert.match(one, /^a is running already/);
      assert.deepEqual(await readdir(runFolder(out, 'a')), ['run.json']);
    } finally {
      for (const one of children) one.kill('SIGKILL');
    }
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
