/** The cluster as one scheduling decision sees it: nodes with the pods on them. Values; nothing here changes. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/generated/types/core.v1.ts';
import { type Amounts, amountsOf, podRequests, scoredRequests } from './requests.ts';

export interface NodeInfo {
  readonly node: Node;
  readonly name: string;
  /** Running, starting or assumed here; none that has ended. */
  readonly pods: readonly Pod[];
  readonly allocatable: Amounts;
  readonly requested: Amounts;
  /** CPU and memory with an assumed least for pods that ask for nothing. */
  readonly scored: Amounts;
  /** `<protocol> <ip> <port>` of every host port taken. */
  readonly hostPorts: readonly HostPort[];
}

export interface HostPort {
  readonly protocol: string;
  /** `0.0.0.0`: all addresses. */
  readonly ip: string;
  readonly port: number;
}

export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  /** Labels of a namespace, for affinity terms that select namespaces. */
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly claim: (namespace: string, name: string) => PersistentVolumeClaim | undefined;
  readonly volume: (name: string) => PersistentVolume | undefined;
}

const sums = new WeakMap<Pod, { readonly requests: Amounts; readonly scored: Amounts }>();

/** Computed once a pod object. */
export function sumsOf(pod: Pod): { readonly requests: Amounts; readonly scored: Amounts } {
  let known = sums.get(pod);
  if (!known) {
    known = { requests: podRequests(pod), scored: scoredRequests(pod) };
    sums.set(pod, known);
  }
  return known;
}

export function hostPortsOf(pod: Pod): HostPort[] {
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(container => container.restartPolicy === 'Always'),
  ];
  return containers.flatMap(container =>
    (container.ports ?? [])
      .filter(({ hostPort }) => hostPort)
      .map(({ protocol = 'TCP', hostIP, hostPort = 0 }) => ({ protocol, ip: hostIP || '0.0.0.0', port: hostPort })),
  );
}

export function nodeInfoOf(node: Node, pods: readonly Pod[]): NodeInfo {
  const requested: Record<string, number> = {};
  const scored: Record<string, number> = {};
  for (const pod of pods) {
    const asked = sumsOf(pod);
    for (const [name, amount] of Object.entries(asked.requests)) requested[name] = (requested[name] ?? 0) + amount;
    for (const [name, amount] of Object.entries(asked.scored)) scored[name] = (scored[name] ?? 0) + amount;
  }
  return {
    node,
    name: node.metadata.name ?? '',
    pods,
    allocatable: amountsOf(node.status?.allocatable ?? node.status?.capacity),
    requested,
    scored,
    hostPorts: pods.flatMap(hostPortsOf),
  };
}
