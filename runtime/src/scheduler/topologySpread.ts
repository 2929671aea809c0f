/** How evenly a pod's like are spread: pure (https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/). */
import type { Pod, TopologySpreadConstraint } from '../api/generated/types/core.v1.ts';
import { labelSelectorMatches } from '../api/selectors.ts';
import { untolerated } from '../api/tolerations.ts';
import { selectsNode } from './nodeSelector.ts';
import { topologyOf } from './podAffinityTerms.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';

export function constraintsOf(
  pod: Pod,
  when: TopologySpreadConstraint['whenUnsatisfiable'],
): TopologySpreadConstraint[] {
  return (pod.spec?.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when);
}

/** Whether `constraint` of `pod` counts `other`, a pod of the same namespace. */
export function countsPod(constraint: TopologySpreadConstraint, pod: Pod, other: Pod): boolean {
  if (other.metadata.namespace !== pod.metadata.namespace || other.metadata.deletionTimestamp) return false;
  if (!labelSelectorMatches(constraint.labelSelector, other.metadata.labels)) return false;
  return (constraint.matchLabelKeys ?? []).every(key => {
    const mine = pod.metadata.labels?.[key];
    return mine === undefined || other.metadata.labels?.[key] === mine;
  });
}

/** Nodes that the pod could never go to are no domains (nodeAffinityPolicy, nodeTaintsPolicy). */
function isDomain(constraint: TopologySpreadConstraint, pod: Pod, { node }: NodeInfo): boolean {
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !selectsNode(pod, node)) return false;
  const taints = constraint.nodeTaintsPolicy === 'Honor';
  return !taints || !untolerated(node.spec?.taints, pod.spec?.tolerations, ['NoSchedule', 'NoExecute']);
}

/** Pods that count, by topology value; a domain without any has 0. Only nodes with all the topology keys count. */
export function countByDomain(
  constraint: TopologySpreadConstraint,
  all: readonly TopologySpreadConstraint[],
  pod: Pod,
  snapshot: Snapshot,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of snapshot.nodes) {
    const value = topologyOf(node, constraint.topologyKey);
    if (value === undefined || all.some(({ topologyKey }) => topologyOf(node, topologyKey) === undefined)) continue;
    if (!isDomain(constraint, pod, node)) continue;
    const count = node.pods.filter(other => countsPod(constraint, pod, other)).length;
    counts.set(value, (counts.get(value) ?? 0) + count);
  }
  return counts;
}
