/** A server that listens on one address: whoever has its kubeconfig finds it there. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));
const tsx = fileURLToPath(import.meta.resolve('tsx'));

it('the kubeconfig of a server with a bind-address leads to it', { timeout: 120_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'atoll-bind-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const options = ['--bind-address=127.0.0.2', '--https-listen-port=17643', `--write-kubeconfig=${kubeconfig}`];
  const places = [`--data-dir=${join(dir, 'data')}`, `--run-dir=${join(dir, 'run')}`, '--disable-controller-manager'];
  const server = spawn(
    process.execPath,
    ['--import', tsx, bin, 'server', ...options, ...places, '--disable-scheduler'],
    {
      stdio: 'ignore',
    },
  );
  try {
    const ask = (): Promise<string> =>
      run('kubectl', ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz'], { timeout: 10_000 }).then(
        ({ stdout }) => stdout,
        (error: Error) => error.message,
      );
    let said = await ask();
    for (const end = Date.now() + 90_000; said !== 'ok' && Date.now() < end; said = await ask()) await setTimeout(500);
    assert.equal(said, 'ok');
  } finally {
    const exited = once(server, 'exit');
    if (server.exitCode === null && server.kill()) await exited;
    await rm(dir, { recursive: true, force: true });
  }
});
