/** A whole node for tests: real API server, real containerd, the agent in this process; and what tests ask of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ContainerStatus, Event, Pod } from '../src/api/generated/types/core.v1.ts';
import { isNotFound } from '../src/client/apiError.ts';
import { Client } from '../src/client/client.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import { ConfigMaps, Events, Nodes, Pods, ServiceAccounts } from '../src/client/resources.ts';
import { delay } from '../src/lib/clock.ts';
import { rootLogger } from '../src/lib/log.ts';
import { type NodeOptions, type RunningNode, startNode } from '../src/node/agent.ts';
import { CriClient } from '../src/node/cri/client.ts';
import { eventually } from './cluster.ts';
import { type Containerd, startContainerd, testImages } from './containerd.ts';
import { adminUser, type InProcessServer, startServer } from './startServer.ts';

export const NODE = 'node-a';

/** Agents are who their certificate says. */
export const nodeUser = { name: `system:node:${NODE}`, groups: ['system:nodes', 'system:authenticated'] };

export interface TestNode {
  readonly server: InProcessServer;
  readonly containerd: Containerd;
  /** The agent's. */
  readonly cri: CriClient;
  readonly client: Client;
  readonly dir: string;
  node: RunningNode;
  /** @param wait until it is Ready; default true. */
  startAgent(options?: Partial<NodeOptions>, wait?: boolean): Promise<void>;
  close(): Promise<void>;
}

export async function startTestNode(overrides: Partial<NodeOptions> = {}): Promise<TestNode> {
  const containerd = await startContainerd();
  const server = await startServer().catch(async error => {
    await containerd.stop();
    throw error;
  });
  const client = new Client(inProcessTransport(server.apiServer.handler, adminUser));
  const asNode = new Client(inProcessTransport(server.apiServer.handler, nodeUser));
  const dir = join(containerd.dir, 'node');
  const dirs = {
    pods: join(dir, 'pods'),
    memory: join(dir, 'memory'),
    logs: join(dir, 'logs'),
    containerLogs: join(dir, 'container-logs'),
  };
  const cri = new CriClient(containerd.socket);
  const start = async (more: Partial<NodeOptions> = {}, wait = true): Promise<RunningNode> => {
    const node = await startNode(
      {
        client: asNode,
        cri,
        nodeName: NODE,
        logger: rootLogger('node', { ATOLL_LOG: process.env.ATOLL_LOG ?? 'error' }),
        version: 'v1.36.4+atoll0.1.0',
        dirs,
        cgroupDriver: 'cgroupfs',
        addresses: { internal: ['192.0.2.10'] },
        machine: undefined,
        metrics: undefined,
        ...overrides,
        ...more,
      },
      new AbortController().signal,
    );
    if (wait) await node.ready(AbortSignal.timeout(60_000));
    return node;
  };
  const close = async (): Promise<void> => {
    await fixture.node?.close();
    cri.close();
    await server.close();
    await containerd.stop();
  };
  const fixture: TestNode = {
    server,
    containerd,
    cri,
    client,
    dir,
    node: undefined as unknown as RunningNode,
    async startAgent(options, wait) {
      fixture.node = await start(options, wait);
    },
    close,
  };
  try {
    fixture.node = await start();
    // The controllers' work: the node's range, the namespace's service account and root certificate.
    await client.create(ServiceAccounts, { metadata: { namespace: 'default', name: 'default' } });
    const root = { metadata: { namespace: 'default', name: 'kube-root-ca.crt' }, data: { 'ca.crt': server.ca } };
    await client.create(ConfigMaps, root);
    await client.patch(Nodes, { name: NODE }, { spec: { podCIDR: containerd.podCidr } }, { type: 'merge' });
  } catch (error) {
    await close();
    throw error;
  }
  return fixture;
}

type Spec = NonNullable<Pod['spec']>;
type PartialContainer = Partial<Spec['containers'][number]>;

/** A pod bound to the test's node; containers run busybox unless told otherwise. */
export function podOf(name: string, spec: Omit<Partial<Spec>, 'containers'> & { containers: PartialContainer[] }): Pod {
  const complete = (c: PartialContainer, i: number): Spec['containers'][number] => ({
    name: c.name ?? `c${i}`,
    image: testImages.busybox,
    imagePullPolicy: 'IfNotPresent',
    ...c,
  });
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: NODE,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      ...spec,
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(complete) } : {}),
      containers: spec.containers.map(complete),
    },
  };
}

export const sh = (script: string): { command: string[] } => ({ command: ['/bin/sh', '-c', script] });

/**
 * Waits until `is` holds of the pod, and gives it as it was then. Every state from now on is looked at: one that is gone a moment later,
 * too. @throws with the pod's last status when none is so within `timeoutMs`
 */
export async function podUntil(
  client: Client,
  name: string,
  is: (pod: Pod) => boolean,
  timeoutMs = 60_000,
): Promise<Pod> {
  // Before the node's first report there is no status of containers to ask about.
  const holds = (pod: Pod): boolean => pod.status?.containerStatuses !== undefined && is(pod);
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), timeoutMs);
  let last = await client.get(Pods, { namespace: 'default', name });
  try {
    if (holds(last)) return last;
    const { resourceVersion } = last.metadata;
    const selection = { namespace: 'default', fieldSelector: `metadata.name=${name}` };
    for await (const { type, object } of client.watch(Pods, { ...selection, resourceVersion, signal: stop.signal })) {
      last = object;
      if (type === 'DELETED') break;
      if (holds(object)) return object;
    }
  } finally {
    clearTimeout(late);
    stop.abort();
  }
  const events = await eventsOf(client, name);
  assert.fail(
    `pod ${name} is not as awaited within ${timeoutMs} ms:\n${JSON.stringify(last.status, null, 1)}\n${events.map(e => `${e.reason}: ${e.message}`).join('\n')}`,
  );
}

export async function podGone(client: Client, name: string, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    try {
      await client.get(Pods, { namespace: 'default', name });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    await delay(50);
  }
  assert.fail(`pod ${name} is still there after ${timeoutMs} ms`);
}

/** Waits until there is such an event of the pod: they are written in the background, behind what they tell of. */
export async function eventOf(
  client: Client,
  name: string,
  what: string,
  is: (event: Event) => boolean,
): Promise<void> {
  await eventually(`the event ${what}`, async () => (await eventsOf(client, name)).some(is));
}

/** Pods that a test has left behind, because it failed: gone, so that the next one has the node to itself. */
export async function removePods({ client, containerd }: TestNode): Promise<void> {
  const { items } = await client.list(Pods, { namespace: 'default' });
  for (const { metadata } of items)
    await client
      .delete(Pods, { namespace: 'default', name: metadata.name ?? '' }, { gracePeriodSeconds: 0 })
      .catch(() => undefined);
  if (items.length > 0)
    await eventually(
      'nothing of the pods is left',
      async () => (await containerd.ctr('containers', 'list', '-q')).trim() === '',
    );
}

export async function eventsOf(client: Client, name: string): Promise<Event[]> {
  const { items } = await client.list(Events, { namespace: 'default' });
  return items.filter(event => event.involvedObject.name === name);
}

export function statusOf(pod: Pod, container: string): ContainerStatus {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const all = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const found = all.find(s => s.name === container);
  assert.ok(found, `the status of ${pod.metadata.name} has no container ${container}`);
  return found;
}

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') === true;
