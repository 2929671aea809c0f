/** Every score; a node's total is the weighted sum. Weights are upstream's defaults. */
import type { ScorePlugin } from '../plugin.ts';
import { interPodAffinityScore } from './interPodAffinity.ts';
import { preferredNodeAffinity } from './nodeAffinity.ts';
import { balancedAllocation, leastAllocated } from './nodeResources.ts';
import { preferUntainted } from './taints.ts';
import { spreadScore } from './topologySpread.ts';

export const scores: readonly ScorePlugin[] = [
  preferUntainted,
  preferredNodeAffinity,
  spreadScore,
  interPodAffinityScore,
  leastAllocated,
  balancedAllocation,
];
