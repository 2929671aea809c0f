/** Silence, taints and evictions against a real API server, with time in the test's hand. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../../../test/cluster.ts';
import { adminUser, type InProcessServer, startServer } from '../../../test/startServer.ts';
import type { Node, Pod } from '../../api/generated/types/core.v1.ts';
import { isNotFound } from '../../client/apiError.ts';
import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { Informers } from '../../client/informers.ts';
import { inProcessTransport } from '../../client/inProcess.ts';
import { Leases, Nodes, Pods, ServiceAccounts } from '../../client/resources.ts';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { podGarbage } from '../podGarbage.ts';
import { taintEviction } from '../taintEviction.ts';
import { nodeLifecycle } from './index.ts';

let server: InProcessServer;
let client: Client;
let work: Promise<unknown>;
const stop = new AbortController();
const clock = new ManualClock(Date.now());

before(async () => {
  server = await startServer();
  client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
  await client.create(ServiceAccounts, { metadata: { namespace: 'default', name: 'default' } });
  // Caches live in real time; only the controllers' timers are ours.
  const informers = new Informers({ client, logger: silentLogger });
  const events = new EventRecorder({ client, logger: silentLogger, component: 'test' });
  const context = { client, informers, events, logger: silentLogger, clock };
  work = Promise.all(
    [nodeLifecycle, taintEviction, podGarbage(100)].map(controller => controller(context, stop.signal)),
  );
  informers.start(stop.signal);
  await informers.synced(AbortSignal.timeout(20_000));
});
after(async () => {
  stop.abort();
  await work;
  assert.equal(clock.pending, 0, 'every timer has been cancelled');
  await server.close();
});

const node = (name: string): Promise<Node> => client.get(Nodes, { name });
const pod = (name: string): Promise<Pod> => client.get(Pods, { namespace: 'default', name });
const readiness = async (name: string): Promise<string | undefined> =>
  (await node(name)).status?.conditions?.find(({ type }) => type === 'Ready')?.status;
const taints = async (name: string): Promise<string> =>
  ((await node(name)).spec?.taints ?? [])
    .map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`)
    .sort()
    .join();
let beats = 0;
/** Whole seconds, as the API keeps them: each heartbeat must be another, however fast the test is. */
const heartbeatTime = (): string => new Date(Date.now() + beats++ * 1000).toISOString();
const beReady = (name: string) =>
  client.patch(
    Nodes,
    { name },
    {
      status: {
        conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: heartbeatTime() }],
      },
    },
    { type: 'strategic', subresource: 'status' },
  );

async function beat(name: string): Promise<void> {
  const renewTime = new Date(Date.now() + beats++).toISOString().replace('Z', '000Z');
  await client.patch(Leases, { namespace: 'kube-node-lease', name }, { spec: { renewTime } }, { type: 'merge' });
}

async function join(name: string): Promise<void> {
  await client.create(Nodes, { metadata: { name } });
  await client.create(Leases, { metadata: { namespace: 'kube-node-lease', name }, spec: { holderIdentity: name } });
  await beReady(name);
  await eventually(`${name} untainted`, async () => (await taints(name)) === '');
}

const place = (name: string, nodeName: string, spec: object = {}): Promise<Pod> =>
  client.create(Pods, {
    metadata: { namespace: 'default', name },
    spec: { nodeName, terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }], ...spec },
  });
const gone = (name: string): Promise<boolean> =>
  eventually(`${name} gone`, () =>
    pod(name).then(({ metadata }) => metadata.deletionTimestamp !== undefined, isNotFound),
  );

test('a node that renews its lease stays ready; a silent one is unknown, tainted, and loses its pods in time', async () => {
  await join('a');
  await join('b');
  const forever = { tolerations: [{ operator: 'Exists' }] };
  const aWhile = {
    tolerations: [
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 },
    ],
  };
  await place('stays', 'a', forever);
  await place('leaves', 'a', aWhile);
  for (let seconds = 0; seconds < 50; seconds += 10) {
    await beat('b');
    // The beat must have been seen before time goes on.
    await eventually('the beat', async () => {
      await clock.advance(0);
      return true;
    });
    await new Promise(resolve => setTimeout(resolve, 50));
    await clock.advance(10_000);
  }
  await eventually('a unknown', async () => (await readiness('a')) === 'Unknown');
  assert.equal(await readiness('b'), 'True');
  await eventually('a tainted', async () => (await taints('a')) === 'unreachable:NoExecute,unreachable:NoSchedule');
  assert.equal((await pod('leaves')).metadata.deletionTimestamp, undefined, 'it may stay for 60 s');
  await eventually('its stay is over', async () => {
    await beat('b');
    await new Promise(resolve => setTimeout(resolve, 20));
    await clock.advance(10_000);
    return pod('leaves').then(({ metadata }) => metadata.deletionTimestamp !== undefined, isNotFound);
  });
  assert.equal((await pod('stays')).metadata.deletionTimestamp, undefined);
  await beReady('a');
  await eventually('a untainted', async () => (await taints('a')) === '');
});

test('a cordoned node is tainted, and a NoExecute taint by hand evicts at once', async () => {
  await join('c');
  await place('evicted', 'c');
  await client.patch(Nodes, { name: 'c' }, { spec: { unschedulable: true } }, { type: 'merge' });
  await eventually('the taint', async () => (await taints('c')) === 'unschedulable:NoSchedule');
  const { spec, metadata } = await node('c');
  const evict = { key: 'example.com/away', effect: 'NoExecute' };
  await client.patch(
    Nodes,
    { name: 'c' },
    { metadata: { resourceVersion: metadata.resourceVersion }, spec: { taints: [...(spec?.taints ?? []), evict] } },
    { type: 'merge' },
  );
  await gone('evicted');
});

test('pods of a node that is gone are removed after a while', async () => {
  await join('d');
  await place('lost', 'd');
  await client.delete(Nodes, { name: 'd' });
  await eventually('lost is removed', async () => {
    await clock.advance(10_000);
    await beat('b');
    return pod('lost').then(() => false, isNotFound);
  });
});
