/** Prefer nodes with much left (LeastAllocated), and with CPU and memory used alike (BalancedAllocation). */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { MAX_SCORE, type ScorePlugin } from '../plugin.ts';
import { type NodeInfo, sumsOf } from '../snapshot.ts';

const RESOURCES = ['cpu', 'memory'];

/** Shares used with the pod on the node, of the resources the node has; over 1: more than there is. */
function shares(pod: Pod, { allocatable, scored }: NodeInfo): number[] {
  const asked = sumsOf(pod).scored;
  return RESOURCES.filter(name => (allocatable[name] ?? 0) > 0).map(
    name => ((scored[name] ?? 0) + (asked[name] ?? 0)) / (allocatable[name] ?? 1),
  );
}

export const leastAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  score: (pod, _snapshot, nodes) =>
    nodes.map(node => {
      const used = shares(pod, node);
      if (used.length === 0) return 0;
      const left = used.map(share => (share > 1 ? 0 : Math.floor((1 - share) * MAX_SCORE)));
      return Math.floor(left.reduce((sum, score) => sum + score, 0) / left.length);
    }),
};

export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  score: (pod, _snapshot, nodes) =>
    nodes.map(node => {
      const [a = 0, b = a] = shares(pod, node).map(share => Math.min(1, share));
      // The standard deviation of two values is half their distance.
      return Math.floor((1 - Math.abs(a - b) / 2) * MAX_SCORE);
    }),
};
