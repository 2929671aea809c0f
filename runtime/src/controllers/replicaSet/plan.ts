/**
 * What a ReplicaSet does next and what it reports: pure.
 * The order in which pods are given up is upstream's (kubernetes/pkg/controller ActivePodsWithRanks, KEP-2255, KEP-2185).
 */
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../api/generated/types/apps.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { availableInMs, isActive, isReady, isTerminal, podCondition } from '../../api/pods.ts';
import { withCondition, withoutCondition } from '../conditions.ts';

/** No ReplicaSet starts or deletes more pods at once. */
export const BURST = 500;

export type Step =
  | { readonly do: 'nothing' }
  | { readonly do: 'create'; readonly count: number }
  | { readonly do: 'delete'; readonly pods: readonly Pod[] };

/**
 * @param active the pods owned that count.
 * @param related the pods of all ReplicaSets of the same owner: who shares a node with them goes first.
 */
export function nextStep(set: ReplicaSet, active: readonly Pod[], related: readonly Pod[], nowMs: number): Step {
  if (set.metadata.deletionTimestamp) return { do: 'nothing' };
  const missing = (set.spec?.replicas ?? 1) - active.length;
  if (missing > 0) return { do: 'create', count: Math.min(missing, BURST) };
  if (missing === 0) return { do: 'nothing' };
  const pods = inDeletionOrder(active, related, nowMs).slice(0, Math.min(-missing, BURST));
  return { do: 'delete', pods };
}

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** First the pods that are missed least. */
export function inDeletionOrder(active: readonly Pod[], related: readonly Pod[], nowMs: number): Pod[] {
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName;
    if (node && isActive(pod)) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const companions = (pod: Pod): number => perNode.get(pod.spec?.nodeName ?? '') ?? 0;
  const criteria: ((a: Pod, b: Pod) => number)[] = [
    (a, b) => Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)),
    (a, b) => (PHASE_RANK[a.status?.phase ?? ''] ?? 0) - (PHASE_RANK[b.status?.phase ?? ''] ?? 0),
    (a, b) => Number(isReady(a)) - Number(isReady(b)),
    (a, b) => deletionCost(a) - deletionCost(b),
    (a, b) => companions(b) - companions(a),
    (a, b) => byAge(readySince(a), readySince(b), nowMs),
    (a, b) => restarts(b) - restarts(a),
    (a, b) => byAge(a.metadata.creationTimestamp, b.metadata.creationTimestamp, nowMs),
    (a, b) => ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1),
  ];
  return [...active].sort((a, b) => {
    for (const compare of criteria) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '';
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function readySince(pod: Pod): string | undefined {
  return isReady(pod) ? podCondition(pod, 'Ready')?.lastTransitionTime : undefined;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(status => status.restartCount));
}

/** Younger first, in steps that double: pods of about the same age are equal. */
function byAge(a: string | undefined, b: string | undefined, nowMs: number): number {
  const step = (time: string | undefined): number =>
    time ? Math.floor(Math.log2(Math.max(1, nowMs - Date.parse(time)) * 1e6)) : -1;
  return step(a) - step(b);
}

export interface Report {
  readonly status: ReplicaSetStatus;
  /** When a ready pod becomes available by time alone; `undefined`: none will. */
  readonly changesInMs: number | undefined;
}

/** @param failure what went wrong in this round, as a condition. */
export function reportOf(
  set: ReplicaSet,
  owned: readonly Pod[],
  failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined,
  nowMs: number,
  now: string,
): Report {
  const active = owned.filter(isActive);
  const templateLabels = Object.entries(set.spec?.template?.metadata?.labels ?? {});
  let ready = 0;
  let available = 0;
  let labelled = 0;
  let changesInMs: number | undefined;
  for (const pod of active) {
    if (templateLabels.every(([name, value]) => pod.metadata.labels?.[name] === value)) labelled += 1;
    if (!isReady(pod)) continue;
    ready += 1;
    const inMs = availableInMs(pod, set.spec?.minReadySeconds ?? 0, nowMs);
    if (inMs === 0) available += 1;
    else if (inMs !== undefined) changesInMs = Math.min(changesInMs ?? Number.POSITIVE_INFINITY, inMs);
  }
  const conditions: readonly ReplicaSetCondition[] = set.status?.conditions ?? [];
  // As upstream, the same failure again changes nothing, whatever its text: texts name random pods, and each change of
  // the status would bring the set back at once, past its back-off.
  const known =
    failure && conditions.some(({ type, reason }) => type === 'ReplicaFailure' && reason === failure.reason);
  return {
    status: {
      replicas: active.length,
      fullyLabeledReplicas: labelled,
      readyReplicas: ready,
      availableReplicas: available,
      terminatingReplicas: owned.filter(pod => pod.metadata.deletionTimestamp && !isTerminal(pod)).length,
      observedGeneration: set.metadata.generation ?? 0,
      conditions: known
        ? [...conditions]
        : failure
          ? [
              ...withCondition(conditions, {
                type: 'ReplicaFailure',
                status: 'True',
                lastTransitionTime: now,
                ...failure,
              }),
            ]
          : [...withoutCondition(conditions, 'ReplicaFailure')],
    },
    changesInMs,
  };
}
