/**
 * Which pods must go so that a more important one can run: pure
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#preemption).
 */
import type { Pod } from '../api/generated/types/core.v1.ts';
import { checksFor, type Failure } from './decide.ts';
import { priorityOf } from './queue.ts';
import { type NodeInfo, nodeInfoOf, type Snapshot } from './snapshot.ts';

export interface Preemption {
  readonly node: string;
  readonly victims: readonly Pod[];
}

export type PreemptionResult = Preemption | { readonly node: undefined; readonly text: string };

/** The node where the least is lost, or upstream's words why there is none. */
export function preempt(pod: Pod, snapshot: Snapshot, failure: Failure): PreemptionResult {
  const none = (reason: string): PreemptionResult => {
    const told = snapshot.nodes.length === 0 ? '' : ` ${snapshot.nodes.length} ${reason}.`;
    return { node: undefined, text: `preemption: 0/${snapshot.nodes.length} nodes are available:${told}` };
  };
  if (pod.spec?.preemptionPolicy === 'Never')
    return { node: undefined, text: 'preemption: not eligible due to preemptionPolicy=Never.' };
  if (failure.wholly !== undefined) return none('Preemption is not helpful for scheduling');
  const candidates: Preemption[] = [];
  const counts = new Map<string, number>();
  for (const node of snapshot.nodes) {
    let reason: string | undefined;
    if (failure.refused.get(node.name)?.unresolvable) reason = 'Preemption is not helpful for scheduling';
    else {
      const victims = victimsOn(node, pod, snapshot);
      if (victims === undefined) reason = 'No preemption victims found for incoming pod';
      else candidates.push({ node: node.name, victims });
    }
    if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const [first, ...rest] = candidates;
  if (first) return rest.reduce((best, candidate) => (isCheaper(candidate, best) ? candidate : best), first);
  const told = [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
  return { node: undefined, text: `preemption: 0/${snapshot.nodes.length} nodes are available: ${told}.` };
}

/** The fewest and least important pods of lower priority without which `pod` fits. `undefined`: it would not fit anyway. */
function victimsOn(node: NodeInfo, pod: Pod, snapshot: Snapshot): readonly Pod[] | undefined {
  const priority = priorityOf(pod);
  const lower = node.pods.filter(other => priorityOf(other) < priority);
  if (lower.length === 0) return undefined;
  let kept = node.pods.filter(other => !lower.includes(other));
  const fits = (pods: readonly Pod[]): boolean => {
    const without = nodeInfoOf(node.node, pods);
    const nodes = snapshot.nodes.map(other => (other === node ? without : other));
    const checks = checksFor(pod, { ...snapshot, nodes });
    return 'of' in checks && checks.of(without) === undefined;
  };
  if (!fits(kept)) return undefined;
  const victims: Pod[] = [];
  // The most important are spared first.
  for (const other of [...lower].sort((a, b) => priorityOf(b) - priorityOf(a) || startOf(a) - startOf(b))) {
    if (fits([...kept, other])) kept = [...kept, other];
    else victims.push(other);
  }
  return victims.length > 0 ? victims : undefined;
}

const startOf = (pod: Pod): number => Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '') || 0;

/** Upstream's order: lowest top priority, lowest sum, fewest, then those that started last. */
function isCheaper(a: Preemption, b: Preemption): boolean {
  const top = (p: Preemption): number => Math.max(...p.victims.map(priorityOf));
  const sum = (p: Preemption): number => p.victims.reduce((total, pod) => total + priorityOf(pod) + 2 ** 31, 0);
  const earliest = (p: Preemption): number =>
    Math.min(...p.victims.filter(pod => priorityOf(pod) === top(p)).map(startOf));
  const difference = top(a) - top(b) || sum(a) - sum(b) || a.victims.length - b.victims.length;
  return difference !== 0 ? difference < 0 : earliest(a) > earliest(b);
}
