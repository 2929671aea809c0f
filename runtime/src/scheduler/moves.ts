/** Which refusals a change in the cluster may have lifted: pure. The names are the filters'. */
import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod } from '../api/generated/types/core.v1.ts';

export function liftedByNodeUpdate(node: Node, old: Node): readonly string[] {
  const lifted = new Set<string>();
  if (!isDeepStrictEqual(node.status?.allocatable, old.status?.allocatable)) lifted.add('NodeResourcesFit');
  if (!isDeepStrictEqual(node.metadata.labels, old.metadata.labels)) {
    for (const name of ['NodeAffinity', 'PodTopologySpread', 'InterPodAffinity', 'VolumeBinding']) lifted.add(name);
  }
  if (!isDeepStrictEqual(node.spec?.taints, old.spec?.taints)) {
    lifted.add('TaintToleration');
    lifted.add('PodTopologySpread');
  }
  if (node.spec?.unschedulable !== old.spec?.unschedulable) lifted.add('NodeUnschedulable');
  return [...lifted];
}

/** A pod was placed, or its labels changed. */
export const LIFTED_BY_POD: readonly string[] = ['InterPodAffinity', 'PodTopologySpread'];
/** A pod left its node. */
export const LIFTED_BY_DEPARTURE: readonly string[] = [...LIFTED_BY_POD, 'NodeResourcesFit', 'NodePorts'];
export const LIFTED_BY_VOLUME: readonly string[] = ['VolumeBinding'];

/** Whether a waiting pod changed so that it may go elsewhere now. */
export function asksDifferently(pod: Pod, old: Pod): boolean {
  return !isDeepStrictEqual(pod.spec, old.spec) || !isDeepStrictEqual(pod.metadata.labels, old.metadata.labels);
}
