/**
 * The status of a disruption budget: pure arithmetic
 * (https://kubernetes.io/docs/tasks/run-application/configure-pdb/; upstream: `pkg/controller/disruption`).
 */
import { disruptionAllowed } from '../../api/disruptionBudgets.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/types/policy.v1.ts';
import { isReady } from '../../api/pods.ts';
import { wireTime } from '../../client/wireTime.ts';

/** An evicted pod that is not being deleted after so long will not be. */
export const DELETION_TIMEOUT_MS = 2 * 60_000;

export interface Expected {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/** Whether the pods' controllers must be asked how many pods there should be; a plain `minAvailable` does without. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean =>
  spec?.maxUnavailable !== undefined || (spec?.minAvailable !== undefined && typeof spec.minAvailable !== 'number');

/** @param scale the sum of what the pods' controllers want; ignored unless {@link needsScale}. */
export function expectedOf({ spec }: PodDisruptionBudget, podCount: number, scale: number): Expected {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - share(maxUnavailable, scale)) };
  }
  if (typeof minAvailable === 'string') return { expectedPods: scale, desiredHealthy: share(minAvailable, scale) };
  return { expectedPods: podCount, desiredHealthy: minAvailable ?? 0 };
}

/** `3`, or `50%` of the whole, rounded up. */
function share(value: number | string, whole: number): number {
  if (typeof value === 'number') return value;
  const [, percent] = /^(\d+)%$/.exec(value) ?? [];
  if (percent === undefined) throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage`);
  return Math.ceil((Number(percent) * whole) / 100);
}

export interface Disrupted {
  /** Evictions that have been let through and not been seen yet. */
  readonly pods: Readonly<Record<string, string>>;
  /** Pods that should have gone and have not. */
  readonly overdue: readonly Pod[];
  /** When the next of them is overdue. */
  readonly againInMs: number | undefined;
}

export function disruptedOf(budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Disrupted {
  const known = budget.status?.disruptedPods ?? {};
  const kept: Record<string, string> = {};
  const overdue: Pod[] = [];
  let againInMs: number | undefined;
  for (const pod of pods) {
    const at = known[pod.metadata.name ?? ''];
    if (at === undefined || pod.metadata.deletionTimestamp) continue;
    const leftMs = Date.parse(at) + DELETION_TIMEOUT_MS - nowMs;
    if (leftMs <= 0) {
      overdue.push(pod);
      continue;
    }
    kept[pod.metadata.name ?? ''] = at;
    againInMs = Math.min(againInMs ?? leftMs, leftMs);
  }
  return { pods: kept, overdue, againInMs };
}

export function statusOf(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expectedPods, desiredHealthy }: Expected,
  disrupted: Disrupted,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const currentHealthy = pods.filter(
    pod => !pod.metadata.deletionTimestamp && disrupted.pods[pod.metadata.name ?? ''] === undefined && isReady(pod),
  ).length;
  // A budget without pods allows nothing: its first pods appear before this is worked out again.
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const { generation } = budget.metadata;
  const status: PodDisruptionBudgetStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(Object.keys(disrupted.pods).length > 0 ? { disruptedPods: { ...disrupted.pods } } : {}),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: budget.status?.conditions,
  };
  return { ...status, conditions: disruptionAllowed(status, wireTime(nowMs)) };
}
