/**
 * A node whose agent is silent is not Ready, and the taints of every node say what its conditions say.
 *
 * Invariant: a node is called silent only after a grace of 40 s, unless another is given, in which neither its Lease nor its own Ready condition
 * changed, by a timer of ours: neither the node's clock nor a jump of our own (boards start in 1970) can make it so.
 */
import type { Node } from '../../api/generated/types/core.v1.ts';
import { isReady as isPodReady } from '../../api/pods.ts';
import { isNotFound } from '../../client/apiError.ts';
import { BY_NODE, nodesOf, podsOf } from '../../client/caches.ts';
import { keyOf, Leases, Nodes, Pods } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { type Controller, type ControllerContext, newQueue, reconcile } from '../context.ts';
import { beginsEviction, conditionsOfSilent, isReady, taintsOf, zoneOf } from './health.ts';

const GRACE_MS = 40_000;
const LEASE_NAMESPACE = 'kube-node-lease';

export const nodeLifecycle: Controller = (context, signal) => followNodes(context, signal, GRACE_MS);

/** @param graceMs how long a node may be silent */
export const nodeLifecycleAfter =
  (graceMs: number): Controller =>
  (context, signal) =>
    followNodes(context, signal, graceMs);

const followNodes = async (context: ControllerContext, signal: AbortSignal, graceMs: number): Promise<void> => {
  const { client, informers, clock, events, logger } = context;
  const nodes = nodesOf(informers);
  const pods = podsOf(informers);
  const leases = informers.of(Leases, { namespace: LEASE_NAMESPACE });
  const queue = newQueue(context);
  const alarms = new Map<string, () => void>();
  const silent = new Set<string>();

  const heard = (name: string): void => {
    alarms.get(name)?.();
    if (silent.delete(name)) queue.add(name);
    alarms.set(
      name,
      clock.after(graceMs, () => {
        silent.add(name);
        queue.add(name);
      }),
    );
  };
  const heartbeat = (node: Node): string | undefined =>
    node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
  const recheckAll = (): void => {
    for (const node of nodes.list()) queue.add(node.metadata.name ?? '');
  };
  nodes.on({
    add: node => {
      const { name = '' } = node.metadata;
      heard(name);
      events.event(
        Nodes,
        node,
        'Normal',
        'RegisteredNode',
        `Node ${name} event: Registered Node ${name} in Controller`,
      );
      queue.add(node.metadata.name ?? '');
    },
    update: (node, old) => {
      const name = node.metadata.name ?? '';
      const beat = heartbeat(node);
      if (beat !== undefined && beat !== heartbeat(old)) heard(name);
      if (isReady(node) !== isReady(old)) recheckAll();
      else queue.add(name);
    },
    delete: node => {
      const name = node.metadata.name ?? '';
      alarms.get(name)?.();
      alarms.delete(name);
      silent.delete(name);
    },
  });
  const renewed = (name: string | undefined): void => {
    if (name && alarms.has(name)) heard(name);
  };
  leases.on({
    update: (lease, old) => {
      if (lease.spec?.renewTime !== old.spec?.renewTime) renewed(lease.metadata.name);
    },
  });

  const work = async (name: string): Promise<undefined> => {
    const node = nodes.get(undefined, name);
    if (!node) return;
    const now = wireTime(clock.now());
    try {
      const conditions = silent.has(name) ? conditionsOfSilent(node, now) : undefined;
      if (conditions) {
        // The cache brings the node back here with the new conditions, for its taints.
        await client.patch(
          Nodes,
          { name },
          { status: { conditions } },
          { type: 'strategic', subresource: 'status', signal },
        );
        logger.warn({ node: name, graceMs: GRACE_MS }, 'the node has not been heard of: it is not ready now');
        events.event(Nodes, node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
        return;
      }
      const evicting = [...nodes.list()].some(isReady);
      const taints = taintsOf(node, evicting, now);
      if (taints) {
        const metadata = { resourceVersion: node.metadata.resourceVersion };
        await client.patch(Nodes, { name }, { metadata, spec: { taints } }, { type: 'merge', signal });
        if (beginsEviction(node.spec?.taints, taints)) {
          context.metrics
            ?.counter('node_collector_evictions_total', 'Nodes whose pods began to be evicted.', ['zone'])
            .with(zoneOf(node))
            .inc();
        }
      }
      if (!isReady(node)) await markPodsNotReady(name, now);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  /** Services must not send anybody to a node that does not answer. */
  const markPodsNotReady = async (node: string, now: string): Promise<void> => {
    for (const pod of pods.byIndex(BY_NODE, node)) {
      if (!isPodReady(pod)) continue;
      const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: now }];
      const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions } };
      try {
        await client.patch(Pods, keyOf(pod), patch, { type: 'strategic', subresource: 'status', signal });
        events.event(Pods, pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  };
  await reconcile(context, queue, [nodes, pods, leases], work, signal);
  for (const cancel of alarms.values()) cancel();
};
