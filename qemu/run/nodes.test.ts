/** `atoll-builder run --nodes 2`: they find each other, are kept together, and continue together. Boots once. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cacheDirectory, repositoryRoot } from '../../builder/src/paths.ts';
import { atollBuilder } from './guest.ts';

const minutes = 60_000;
const name = `nodes-${process.pid}`;

describe('atoll-builder run --nodes 2', { timeout: 40 * minutes }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(cacheDirectory(), 'run-test-'));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(join(repositoryRoot, 'out/run', name), { recursive: true, force: true });
  });
  const run = (command: string, timeoutMs: number) =>
    atollBuilder(
      [
        'run',
        '--name',
        name,
        '--nodes',
        '2',
        '--memory',
        '640',
        '--timeout',
        '1200',
        '--snapshot',
        join(folder, 'ready'),
        '--run',
        'sh',
        '-c',
        command,
      ],
      timeoutMs,
    ).outcome;

  it('boots both, and continues both', async () => {
    const { stdout, stderr, status } = await run('kubectl get nodes -o wide --no-headers', 25 * minutes);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^agent-1 +Ready .* 10\.77\.0\.2 /m);
    assert.match(stdout, /^server +Ready .* 10\.77\.0\.1 /m);
  });

  it('a pod of a continued agent runs, and its log comes through the tunnel', async () => {
    const overrides = JSON.stringify({ spec: { nodeName: 'agent-1' } });
    const pod = `kubectl run hello --image=docker.io/atoll/demo:1 --image-pull-policy=IfNotPresent --restart=Never --overrides='${overrides}'`;
    const wait = 'kubectl wait --for=condition=Ready pod/hello --timeout=150s';
    const { stdout, stderr, status } = await run(`${pod} && ${wait} && kubectl logs hello`, 10 * minutes);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Nodes agent-1, server are Ready after/m);
    assert.match(stdout, /^hello from hello/m);
  });
});
