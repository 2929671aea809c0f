/**
 * The scheduler's view of the cluster: the shared caches, and what it has decided but does not see yet.
 *
 * Invariant: a pod that was given a node counts on it from the decision on, until the cache shows it there (or gone), or
 * the binding failed. Nodes' sums are kept and computed anew only for nodes where something changed.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/generated/types/core.v1.ts';
import { isTerminal } from '../api/pods.ts';
import { BY_NODE, namespacesOf, nodesOf, podsOf } from '../client/caches.ts';
import type { Informer } from '../client/informer.ts';
import type { Informers } from '../client/informers.ts';
import { keyOf, keyText, PersistentVolumeClaims, PersistentVolumes } from '../client/resources.ts';
import { priorityOf } from './queue.ts';
import { type NodeInfo, nodeInfoOf, type Snapshot } from './snapshot.ts';

export class Cluster {
  readonly nodes: ReturnType<typeof nodesOf>;
  readonly pods: Informer<Pod>;
  readonly namespaces: ReturnType<typeof namespacesOf>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  /** By pod key: the pod with its node, as decided. */
  readonly #assumed = new Map<string, Pod>();
  /** By pod key: pods for which others were made to leave a node, until they are bound or gone. */
  readonly #nominated = new Map<string, { readonly pod: Pod; readonly node: string }>();
  readonly #infos = new Map<string, NodeInfo>();

  constructor(informers: Informers) {
    this.nodes = nodesOf(informers);
    this.pods = podsOf(informers);
    this.namespaces = namespacesOf(informers);
    this.claims = informers.of(PersistentVolumeClaims);
    this.volumes = informers.of(PersistentVolumes);
    const stale = (pod: Pod): void => {
      if (pod.spec?.nodeName) this.#infos.delete(pod.spec.nodeName);
    };
    const seen = (pod: Pod): void => {
      const key = keyText(keyOf(pod));
      const assumed = this.#assumed.get(key);
      if (assumed && (pod.spec?.nodeName || assumed.metadata.uid !== pod.metadata.uid)) {
        this.#assumed.delete(key);
        stale(assumed);
      }
      if (pod.spec?.nodeName) this.#nominated.delete(key);
      stale(pod);
    };
    this.pods.on({
      add: seen,
      update: (pod, old) => {
        stale(old);
        seen(pod);
      },
      delete: pod => {
        this.forget(pod);
        this.#nominated.delete(keyText(keyOf(pod)));
        stale(pod);
      },
    });
    const drop = (name = ''): boolean => this.#infos.delete(name);
    this.nodes.on({
      add: node => drop(node.metadata.name),
      update: node => drop(node.metadata.name),
      delete: node => drop(node.metadata.name),
    });
  }

  get caches(): readonly { readonly synced: Promise<void> }[] {
    return [this.nodes, this.pods, this.namespaces, this.claims, this.volumes];
  }

  /** As `pod` must see it: with the pods on it that have been promised their place before one like it. */
  snapshot(pod: Pod): Snapshot {
    const own = keyText(keyOf(pod));
    const promised = [...this.#nominated].filter(
      ([key, other]) => key !== own && priorityOf(other.pod) >= priorityOf(pod),
    );
    const nodes: NodeInfo[] = [];
    for (const node of this.nodes.list()) {
      const name = node.metadata.name ?? '';
      let info = this.#infos.get(name);
      if (!info) {
        const pods = this.pods.byIndex(BY_NODE, name).filter(pod => !isTerminal(pod));
        for (const pod of this.#assumed.values()) if (pod.spec?.nodeName === name) pods.push(pod);
        info = nodeInfoOf(node, pods);
        this.#infos.set(name, info);
      }
      const guests = promised.filter(([, { node: wanted }]) => wanted === name).map(([, guest]) => guest.pod);
      nodes.push(guests.length === 0 ? info : nodeInfoOf(node, [...info.pods, ...guests]));
    }
    return {
      nodes,
      namespaceLabels: name => this.namespaces.get(undefined, name)?.metadata.labels,
      claim: (namespace, name) => this.claims.get(namespace, name),
      volume: name => this.volumes.get(undefined, name),
    };
  }

  assume(pod: Pod, nodeName: string): void {
    this.#assumed.set(keyText(keyOf(pod)), {
      ...pod,
      spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName },
    });
    this.#infos.delete(nodeName);
  }

  /** The binding failed, or the pod is gone. */
  forget(pod: Pod): void {
    const key = keyText(keyOf(pod));
    const assumed = this.#assumed.get(key);
    if (!assumed) return;
    this.#assumed.delete(key);
    this.#infos.delete(assumed.spec?.nodeName ?? '');
  }

  nominate(pod: Pod, node: string): void {
    this.#nominated.set(keyText(keyOf(pod)), { pod, node });
  }

  nominatedNode(pod: Pod): string | undefined {
    return this.#nominated.get(keyText(keyOf(pod)))?.node;
  }

  isAssumed(pod: Pod): boolean {
    return this.#assumed.has(keyText(keyOf(pod)));
  }
}
