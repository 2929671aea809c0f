/** `atoll-builder run` with one node: forwards, a command's status, snapshots, Ctrl-C, --detach and stop. Boots three times. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { access, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cacheDirectory, repositoryRoot } from '../../builder/src/paths.ts';
import { atollBuilder } from './guest.ts';

const minutes = 60_000;
const name = `test-${process.pid}`;
const runFolder = join(repositoryRoot, 'out/run', name);

/** Processes of this machine whose command line has the run's machines' directory. */
async function machinesOf(pid: number | undefined): Promise<string[]> {
  const names = await readdir(join(cacheDirectory(), 'machines')).catch(() => []);
  return names.filter(one => one.startsWith(`${pid}-`));
}

/** Nothing of a run is left but its consoles. */
async function assertGone(pid: number | undefined): Promise<void> {
  assert.deepEqual(await machinesOf(pid), [], 'its disks are gone');
  assert.deepEqual(await readdir(runFolder), ['server.log']);
}

describe('atoll-builder run', { timeout: 30 * minutes }, () => {
  let home: string;
  let snapshot: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'atoll-run-'));
    // On the disk the machines are on: it holds a gigabyte of memory.
    snapshot = join(await mkdtemp(join(cacheDirectory(), 'run-test-')), 'ready');
  });
  after(async () => {
    await rm(home, { recursive: true, force: true });
    await rm(join(snapshot, '..'), { recursive: true, force: true });
    await rm(runFolder, { recursive: true, force: true });
  });
  const words = (...more: string[]): string[] => ['run', '--name', name, '--memory', '640', ...more];
  const port = 20_000 + (process.pid % 10_000);

  it('boots, keeps a snapshot, runs a command with a kubeconfig, and exits as it does', async () => {
    const script = `kubectl get nodes --no-headers; curl -sk https://127.0.0.1:${port}/version; exit 7`;
    const { child, outcome } = atollBuilder(
      words('-p', `${port}:6443`, '--snapshot', snapshot, '--run', 'sh', '-c', script),
      15 * minutes,
    );
    const { stdout, stderr, status } = await outcome;
    assert.equal(status, 7, stderr);
    assert.match(stdout, /Node atoll-\w+ is Ready after [\d.]+ s/);
    assert.match(stdout, new RegExp(`127.0.0.1:${port} is port 6443 of the node`));
    assert.match(stdout, /^atoll-\w+ +Ready /m);
    assert.match(stdout, /"gitVersion": *"v1\.\d+/);
    await assertGone(child.pid);
    assert.match(await readFile(join(runFolder, 'server.log'), 'utf8'), /State +Ready/);
  });

  it('continues it in seconds: the clock is right, the Lease is renewed, and so it may be continued again', async () => {
    for (let round = 0; round < 2; round++) {
      const before = Date.now();
      const lease = 'get lease -n kube-node-lease -o jsonpath={.items[0].spec.renewTime}';
      const { child, outcome } = atollBuilder(
        words('--snapshot', snapshot, '--run', 'sh', '-c', `kubectl ${lease}; kubectl create namespace again`),
        5 * minutes,
      );
      const { stdout, stderr, status } = await outcome;
      assert.equal(status, 0, stderr);
      assert.match(stderr, /Continue /);
      const renewed = Date.parse(/\d{4}-\S+Z/.exec(stdout)?.[0] ?? '');
      assert.ok(
        renewed > before && renewed < Date.now() + 2000,
        `renewed ${new Date(renewed).toISOString()}, begun ${new Date(before).toISOString()}`,
      );
      const [, seconds] = /Ready after ([\d.]+) s/.exec(stdout) ?? [];
      assert.ok(Number(seconds) < 30, `Ready after ${seconds} s: a boot takes longer`);
      await assertGone(child.pid);
    }
  });

  it('a damaged snapshot is told, and made anew', async () => {
    await truncate(join(snapshot, 'server', 'memory'), 1024 ** 2);
    const { child, outcome } = atollBuilder(words('--snapshot', snapshot, '--run', 'true'), 15 * minutes);
    const { stderr, status } = await outcome;
    assert.equal(status, 0, stderr);
    assert.match(
      stderr,
      /The snapshot cannot be continued \(.+\): booting[\s\S]*Boot [\s\S]*Keep it in [\s\S]*Continue /,
    );
    await assertGone(child.pid);
    const again = await atollBuilder(words('--snapshot', snapshot, '--run', 'true'), 5 * minutes).outcome;
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stderr, /Continue /);
    assert.doesNotMatch(again.stderr, /cannot be continued|Boot /);
  });

  it('a snapshot of another machine is refused with the reason, and Ctrl-C leaves nothing', async () => {
    const { child, outcome, said } = atollBuilder(words('--cpus', '1', '--snapshot', snapshot), 5 * minutes);
    while (!/Boot /.test(said())) await new Promise(resolve => setTimeout(resolve, 100));
    child.kill('SIGINT');
    const { stderr, status } = await outcome;
    assert.equal(status, 130);
    assert.match(stderr, /its processors: 2, now 1\. It is made anew/);
    await access(join(snapshot, 'snapshot.json'));
    assert.deepEqual(await machinesOf(child.pid), []);
  });

  it('in the background: the kubeconfig works until stop, and a second of the same name is refused', async () => {
    const kubeconfig = join(home, 'kubeconfig');
    const detached = await atollBuilder(
      words('--detach', '--snapshot', snapshot, '--kubeconfig', kubeconfig),
      5 * minutes,
    ).outcome;
    assert.equal(detached.status, 0, detached.stderr);
    assert.match(detached.stdout, new RegExp(`Stop it: atoll-builder stop ${name}`));
    const { pid } = JSON.parse(await readFile(join(runFolder, 'run.json'), 'utf8')) as { pid: number };
    assert.equal((await machinesOf(pid)).length, 1);
    const again = await atollBuilder(words('--snapshot', snapshot), minutes).outcome;
    assert.equal(again.status, 2);
    assert.match(again.stderr, new RegExp(`${name} is running already \\(process ${pid}\\)`));
    const { stdout, status } = await atollBuilder(['stop', name], minutes).outcome;
    assert.deepEqual([stdout, status], [`${name} is stopped\n`, 0]);
    await assertGone(pid);
    assert.ok(!existsSync(kubeconfig), 'a kubeconfig of nothing is of no use');
  });
});
