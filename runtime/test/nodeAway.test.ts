/** What a node does while its server is away. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pod } from '../src/api/generated/types/core.v1.ts';
import { Client } from '../src/client/client.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { Nodes, Pods } from '../src/client/resources.ts';
import type { Transport } from '../src/client/transport.ts';
import { eventually } from './cluster.ts';
import {
  isReady,
  NODE,
  nodeUser,
  podGone,
  podOf,
  podUntil,
  sh,
  startTestNode,
  statusOf,
  type TestNode,
} from './nodeFixture.ts';

/** A transport that can be cut: requests fail as they do when nobody listens, and running watches end. */
function cuttable(inner: () => Transport): { transport: Transport; cut(): void; mend(): void } {
  let line = new AbortController();
  return {
    transport: {
      close: () => {},
      async request(request) {
        line.signal.throwIfAborted();
        const signal = request.signal ? AbortSignal.any([request.signal, line.signal]) : line.signal;
        return inner().request({ ...request, signal });
      },
    },
    cut: () => line.abort(new Error('connect ECONNREFUSED')),
    mend: () => {
      line = new AbortController();
    },
  };
}

let t: TestNode;
const wire = cuttable(() => inProcessTransport(t.server.apiServer.handler, nodeUser));
before(async () => {
  t = await startTestNode();
  await t.node.close();
  await t.startAgent({ client: new Client(wire.transport) });
});
after(() => t?.close());

/** Not those that are only made yet. */
const running = async (): Promise<string[]> =>
  [...(await t.containerd.ctr('tasks', 'list')).matchAll(/^(\S+) .*RUNNING/gm)].map(([, id = '']) => id);

test('a node that is deleted before its agent has seen it there is made again', async () => {
  await t.node.close();
  let deaf = true;
  const transport: Transport = {
    ...wire.transport,
    async request(request) {
      if (deaf && request.method === 'GET' && request.path.startsWith('/api/v1/nodes?')) throw new Error('not yet');
      return wire.transport.request(request);
    },
  };
  await t.startAgent({ client: new Client(transport) });
  await t.client.delete(Nodes, { name: NODE });
  deaf = false;
  await eventually('the node is there again', async () => (await t.client.list(Nodes)).items.length === 1);
});

test('containers are restarted while the server is away, also by an agent that starts meanwhile', async () => {
  await t.client.create(Pods, podOf('steady', { containers: [{ name: 'c', ...sh('exec sleep 1000') }] }));
  const pod = await podUntil(t.client, 'steady', isReady);
  const since = (p: Pod, type: string) => p.status?.conditions?.find(c => c.type === type)?.lastTransitionTime;
  const first = statusOf(pod, 'c').containerID?.replace('containerd://', '') ?? '';
  wire.cut();
  const killAndWait = async (id: string): Promise<string> => {
    const before = new Set(await running());
    await t.containerd.ctr('tasks', 'kill', '-s', 'KILL', id);
    let made: string | undefined;
    await eventually('another container runs', async () => {
      made = (await running()).find(other => !before.has(other));
      return made !== undefined;
    });
    return made ?? '';
  };
  const second = await killAndWait(first);
  await t.node.close();
  await t.startAgent({ client: new Client(wire.transport) }, false);
  const third = await killAndWait(second);
  assert.notEqual(third, second);
  wire.mend();
  const after = await podUntil(t.client, 'steady', p => isReady(p) && statusOf(p, 'c').restartCount === 2);
  assert.equal(statusOf(after, 'c').containerID, `containerd://${third}`);
  assert.equal(after.status?.startTime, pod.status?.startTime, 'the pod began before the agent did');
  for (const type of ['PodScheduled', 'Initialized', 'PodReadyToStartContainers'])
    assert.equal(since(after, type), since(pod, type), type);
});

test('a node that was taken for lost says at once that it is not, and so do its pods', async () => {
  const lost = (type: string, status: string) => ({
    status: { conditions: [{ type, status, reason: 'NodeStatusUnknown' }] },
  });
  const how = { type: 'strategic', subresource: 'status' } as const;
  const pod = { namespace: 'default', name: 'steady' };
  wire.cut();
  await t.client.patch(Nodes, { name: NODE }, lost('Ready', 'Unknown'), how);
  await t.client.patch(Pods, pod, lost('Ready', 'False'), how);
  wire.mend();
  await eventually('the node is Ready', async () => {
    const { status } = await t.client.get(Nodes, { name: NODE });
    return status?.conditions?.find(c => c.type === 'Ready')?.status === 'True';
  });
  await podUntil(t.client, 'steady', isReady);
  await t.client.delete(Nodes, { name: NODE });
  await eventually('the node is there again', async () =>
    (await t.client.list(Nodes)).items.some(
      ({ status }) => status?.conditions?.some(c => c.status === 'True') === true,
    ),
  );
});

test('a readiness gate opens when its condition comes', async () => {
  const gated = podOf('gated', {
    readinessGates: [{ conditionType: 'example.test/gate' }],
    containers: [sh('exec sleep 1000')],
  });
  await t.client.create(Pods, gated);
  const reason = (p: Pod) => p.status?.conditions?.find(c => c.type === 'Ready')?.reason;
  await podUntil(t.client, 'gated', p => reason(p) === 'ReadinessGatesNotReady');
  const open = { status: { conditions: [{ type: 'example.test/gate', status: 'True' }] } };
  const key = { namespace: 'default', name: 'gated' };
  await t.client.patch(Pods, key, open, { type: 'strategic', subresource: 'status' });
  await podUntil(t.client, 'gated', isReady);
  await t.client.delete(Pods, key);
  await podGone(t.client, 'gated');
});

test('a pod deleted while the server could not be reached is ended when it can', async () => {
  wire.cut();
  await t.client.delete(Pods, { namespace: 'default', name: 'steady' });
  await new Promise(resolve => setTimeout(resolve, 500));
  assert.equal((await running()).length, 2);
  wire.mend();
  await eventually('nothing runs', async () => (await running()).length === 0);
});
