/**
 * Every node has a range of pod addresses of its own: a /24 of the cluster's.
 *
 * Invariant: one node at a time is given a range, and none that another node in the cache or given since has.
 */
import { isConflict, isNotFound } from '../client/apiError.ts';
import { nodesOf } from '../client/caches.ts';
import { Nodes } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

/** The lowest free /24 of `clusterCidr` (IPv4, /24 or wider). `undefined`: all are taken. */
export function freePodCidr(clusterCidr: string, taken: ReadonlySet<string>): string | undefined {
  const [address = '', prefixText = ''] = clusterCidr.split('/');
  const octets = address.split('.').map(Number);
  const prefix = Number(prefixText);
  const [a = 0, b = 0, c = 0] = octets;
  if (octets.length !== 4 || octets.some(octet => !(octet >= 0 && octet <= 255)) || !(prefix >= 8 && prefix <= 24)) {
    throw new Error(
      `the cluster's pod network "${clusterCidr}" must be an IPv4 range between /8 and /24, e.g. 10.42.0.0/16`,
    );
  }
  const count = 2 ** (24 - prefix);
  const first = Math.floor((a * 65536 + b * 256 + c) / count) * count;
  for (let n = first; n < first + count; n++) {
    const cidr = `${Math.floor(n / 65536)}.${Math.floor(n / 256) % 256}.${n % 256}.0/24`;
    if (!taken.has(cidr)) return cidr;
  }
  return undefined;
}

export function nodeIpam(clusterCidr: string): Controller {
  freePodCidr(clusterCidr, new Set());
  return (context, signal) => {
    const { client, informers, logger, events } = context;
    const nodes = nodesOf(informers);
    const queue = newQueue(context);
    /** By node; kept until the cache shows the node with its range. */
    const given = new Map<string, string>();
    nodes.on({
      add: node => queue.add(node.metadata.name ?? ''),
      update: node => {
        if (!node.spec?.podCIDR) queue.add(node.metadata.name ?? '');
      },
      delete: node => given.delete(node.metadata.name ?? ''),
    });
    const work = async (name: string): Promise<undefined> => {
      const node = nodes.get(undefined, name);
      if (node?.spec?.podCIDR) given.delete(name);
      if (!node || node.spec?.podCIDR || given.has(name)) return;
      const taken = new Set(given.values());
      for (const other of nodes.list()) for (const cidr of other.spec?.podCIDRs ?? []) taken.add(cidr);
      const podCIDR = freePodCidr(clusterCidr, taken);
      if (!podCIDR) {
        events.event(Nodes, node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
        throw new Error(
          `no free /24 is left in ${clusterCidr} for node ${name}: remove nodes that are gone or widen the pod network`,
        );
      }
      try {
        const { resourceVersion } = node.metadata;
        const patch = { metadata: { resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
        await client.patch(Nodes, { name }, patch, { type: 'merge', signal });
        given.set(name, podCIDR);
        logger.info({ node: name, podCIDR }, 'gave the node its pod addresses');
      } catch (error) {
        // A conflict: the cache is about to show the newer node, which comes back here.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    };
    return reconcile(context, queue, [nodes], work, signal, 1);
  };
}
