/**
 * The two kinds of scheduling plugins: small and pure, one file each.
 *
 * A plugin is called once for a pod and a snapshot, prepares what it needs, and returns what is then asked for each node.
 */
import type { Pod } from '../api/generated/types/core.v1.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';

/** Why a node cannot take the pod. The words are upstream's; people and autoscalers match on them. */
export interface Refusal {
  readonly reasons: readonly string[];
  /** Removing other pods from the node would not help. */
  readonly unresolvable?: boolean;
}

/** No node can take the pod, whatever the node: said once, for all of them. */
export interface RefusalOfPod {
  readonly wholly: string;
}

export type NodeFilter = (node: NodeInfo) => Refusal | undefined;

export interface FilterPlugin {
  readonly name: string;
  /** `undefined`: this plugin has nothing to say about the pod. */
  readonly prepare: (pod: Pod, snapshot: Snapshot) => NodeFilter | RefusalOfPod | undefined;
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** A score from 0 to 100 for each of `nodes`, in their order. `undefined`: all are alike. */
  readonly score: (pod: Pod, snapshot: Snapshot, nodes: readonly NodeInfo[]) => readonly number[] | undefined;
}

export const MAX_SCORE = 100;

/** Stretches raw values to 0–100, the largest at 100 (or, reversed, at 0). All alike: `undefined`. */
export function normalized(raw: readonly number[], reverse = false): readonly number[] | undefined {
  const most = Math.max(...raw);
  if (!(most > 0)) return undefined;
  return raw.map(value => {
    const share = Math.floor((value * MAX_SCORE) / most);
    return reverse ? MAX_SCORE - share : share;
  });
}
