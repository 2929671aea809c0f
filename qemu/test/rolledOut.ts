/** Waiting for the demo deployment. */
import assert from 'node:assert/strict';
import type { AtollNode } from '../src/node.ts';

/** Waits until the deployment runs; says what the cluster and the node know of its pod where it does not. */
export async function rolledOut(node: AtollNode): Promise<void> {
  const timeoutSeconds = 150 * node.machine.emulator.platform.patience;
  const { stdout, stderr, exitCode } = await node.kubectl(
    ['rollout', 'status', 'deployment/hello', `--timeout=${timeoutSeconds}s`],
    { timeoutMs: (timeoutSeconds + 30) * 1000 },
  );
  if (exitCode === 0) return;
  const workloads = await node.kubectl(['get', 'nodes,deployments,replicasets,pods', '-o', 'wide']);
  const pods = await node.kubectl(['describe', 'pods']);
  const journal = await node.machine.shell.run(
    'journalctl -b --no-pager -o short-monotonic -u atoll-server -u atoll-agent -u containerd | tail -n 80',
  );
  assert.fail([stdout + stderr, workloads.stdout, pods.stdout, journal.stdout].join('\n'));
}
