/** Prefer domains with few of the pod's like; pods that say nothing are spread over nodes and zones by their owner. */
import type { Pod, TopologySpreadConstraint } from '../../api/generated/types/core.v1.ts';
import { MAX_SCORE, type ScorePlugin } from '../plugin.ts';
import { topologyOf } from '../podAffinityTerms.ts';
import { constraintsOf, countByDomain } from '../topologySpread.ts';

/** As upstream's system defaults; the pods of one owner are told by the labels they share with the pod. */
function defaultConstraints(pod: Pod): TopologySpreadConstraint[] {
  const owned = pod.metadata.ownerReferences?.some(({ controller }) => controller);
  const matchLabels = pod.metadata.labels;
  if (!owned || !matchLabels || (pod.spec?.topologySpreadConstraints?.length ?? 0) > 0) return [];
  const whenUnsatisfiable = 'ScheduleAnyway';
  const labelSelector = { matchLabels };
  return [
    { topologyKey: 'kubernetes.io/hostname', maxSkew: 3, whenUnsatisfiable, labelSelector },
    { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable, labelSelector },
  ];
}

export const spreadScore: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  score: (pod, snapshot, nodes) => {
    const asked = constraintsOf(pod, 'ScheduleAnyway');
    const constraints = asked.length > 0 ? asked : defaultConstraints(pod);
    if (constraints.length === 0 || nodes.length < 2) return undefined;
    // Of the defaults, each key stands alone: a cluster without zones is still spread over its nodes.
    const prepared = constraints.map(constraint => ({
      constraint,
      counts: countByDomain(constraint, asked.length > 0 ? constraints : [constraint], pod, snapshot),
    }));
    const raw = nodes.map(node =>
      prepared.reduce((sum, { constraint, counts }) => {
        const count = counts.get(topologyOf(node, constraint.topologyKey) ?? '') ?? 0;
        // Few large domains weigh less than many small ones.
        return sum + count * Math.log(counts.size + 2) + (constraint.maxSkew - 1);
      }, 0),
    );
    const [least, most] = [Math.min(...raw), Math.max(...raw)];
    return most === least ? undefined : raw.map(value => Math.floor((MAX_SCORE * (most + least - value)) / most));
  },
};
