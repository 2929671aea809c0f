/**
 * What a Deployment reports: pure. Reasons and texts are upstream's, `kubectl rollout status` and `kubectl wait` read them
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status).
 */
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../api/generated/types/apps.v1.ts';
import { withoutCondition } from '../conditions.ts';
import { bounds, desiredReplicas, totalReplicas, totalStatus } from './rollout.ts';

type Conditions = readonly DeploymentCondition[];

/** The largest int32 means: never. */
const NO_DEADLINE = 2 ** 31 - 1;

export const hasDeadline = (deployment: Deployment): boolean =>
  (deployment.spec?.progressDeadlineSeconds ?? NO_DEADLINE) !== NO_DEADLINE;

const find = (conditions: Conditions, type: string): DeploymentCondition | undefined =>
  conditions.find(condition => condition.type === type);

/** As upstream: the same status and reason change nothing, whatever the text. */
function set(
  conditions: Conditions,
  now: string,
  type: string,
  status: string,
  reason: string,
  message: string,
): Conditions {
  const old = find(conditions, type);
  if (old?.status === status && old.reason === reason) return conditions;
  const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now;
  return [
    ...conditions.filter(condition => condition.type !== type),
    { type, status, reason, message, lastUpdateTime: now, lastTransitionTime },
  ];
}

export type Progress =
  | { readonly reason: 'NewReplicaSetCreated' | 'FoundNewReplicaSet'; readonly set: string }
  | { readonly reason: 'ReplicaSetCreateError'; readonly message: string };

/** After the new ReplicaSet was made, found, or could not be made. */
export function withProgress(
  deployment: Deployment,
  conditions: Conditions,
  progress: Progress,
  now: string,
): Conditions {
  if (!hasDeadline(deployment)) return conditions;
  switch (progress.reason) {
    case 'ReplicaSetCreateError':
      return set(conditions, now, 'Progressing', 'False', progress.reason, progress.message);
    case 'FoundNewReplicaSet':
      return find(conditions, 'Progressing')
        ? conditions
        : set(conditions, now, 'Progressing', 'True', progress.reason, `Found new replica set "${progress.set}"`);
    case 'NewReplicaSetCreated':
      return set(conditions, now, 'Progressing', 'True', progress.reason, `Created new replica set "${progress.set}"`);
  }
}

/** Paused and resumed deployments must not run into their deadline. */
export function withPause(deployment: Deployment, conditions: Conditions, now: string): Conditions {
  const progressing = find(conditions, 'Progressing');
  if (!hasDeadline(deployment) || progressing?.reason === 'ProgressDeadlineExceeded') return conditions;
  const noted = progressing?.reason === 'DeploymentPaused';
  const paused = deployment.spec?.paused === true;
  if (paused && !noted)
    return set(conditions, now, 'Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused');
  if (!paused && noted)
    return set(conditions, now, 'Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed');
  return conditions;
}

/** Counts and the Available condition, on top of `conditions`. */
export function statusOf(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  conditions: Conditions,
  collisionCount: number | undefined,
  now: string,
): DeploymentStatus {
  const availableReplicas = totalStatus(all, 'availableReplicas');
  const enough = availableReplicas >= desiredReplicas(deployment) - bounds(deployment).maxUnavailable;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: totalStatus(all, 'replicas'),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: totalStatus(all, 'readyReplicas'),
    availableReplicas,
    unavailableReplicas: Math.max(0, totalReplicas(all) - availableReplicas),
    terminatingReplicas: totalStatus(all, 'terminatingReplicas'),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: [
      ...(enough
        ? set(conditions, now, 'Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : set(
            conditions,
            now,
            'Available',
            'False',
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
          )),
    ],
  };
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    status.updatedReplicas === desired &&
    status.replicas === desired &&
    status.availableReplicas === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isMoving(old: DeploymentStatus, status: DeploymentStatus): boolean {
  const count = (value: number | undefined): number => value ?? 0;
  return (
    count(status.updatedReplicas) > count(old.updatedReplicas) ||
    count(status.replicas) - count(status.updatedReplicas) < count(old.replicas) - count(old.updatedReplicas) ||
    count(status.readyReplicas) > count(old.readyReplicas) ||
    count(status.availableReplicas) > count(old.availableReplicas)
  );
}

/** Whether the deadline has passed without progress. */
export function hasTimedOut(deployment: Deployment, conditions: Conditions, nowMs: number): boolean {
  const progressing = find(conditions, 'Progressing');
  if (!hasDeadline(deployment) || !progressing || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  return nowMs > deadlineMs(deployment, progressing);
}

const deadlineMs = (deployment: Deployment, progressing: DeploymentCondition): number =>
  Date.parse(progressing.lastUpdateTime ?? progressing.lastTransitionTime ?? '') +
  (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;

/** The status of a rollout under way or done: counts, progress, failures. */
export function rolloutStatusOf(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  conditions: Conditions,
  collisionCount: number | undefined,
  nowMs: number,
  now: string,
): DeploymentStatus {
  const status = statusOf(deployment, newSet, all, conditions, collisionCount, now);
  let next: Conditions = status.conditions ?? [];
  if (!hasDeadline(deployment)) next = withoutCondition(next, 'Progressing');
  const current = find(conditions, 'Progressing');
  const wasComplete = status.replicas === status.updatedReplicas && current?.reason === 'NewReplicaSetAvailable';
  if (hasDeadline(deployment) && !wasComplete) {
    const who = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
    if (isComplete(deployment, status)) {
      next = set(next, now, 'Progressing', 'True', 'NewReplicaSetAvailable', `${who} has successfully progressed.`);
    } else if (isMoving(deployment.status ?? {}, status)) {
      // Every move winds the deadline up again: the update time must change.
      const lastTransitionTime = current?.status === 'True' ? (current.lastTransitionTime ?? now) : now;
      next = set(
        withoutCondition(next, 'Progressing'),
        now,
        'Progressing',
        'True',
        'ReplicaSetUpdated',
        `${who} is progressing.`,
      );
      next = next.map(condition =>
        condition.type === 'Progressing' ? { ...condition, lastTransitionTime } : condition,
      );
    } else if (hasTimedOut(deployment, next, nowMs)) {
      next = set(next, now, 'Progressing', 'False', 'ProgressDeadlineExceeded', `${who} has timed out progressing.`);
    }
  }
  const failure = [newSet, ...all]
    .flatMap(each => each?.status?.conditions ?? [])
    .find(({ type }) => type === 'ReplicaFailure');
  next = failure
    ? set(next, now, 'ReplicaFailure', failure.status, failure.reason ?? '', failure.message ?? '')
    : withoutCondition(next, 'ReplicaFailure');
  return { ...status, conditions: [...next] };
}

/** When to look again although nothing happens: just after the deadline. `undefined`: no need. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const progressing = find(status.conditions ?? [], 'Progressing');
  if (!hasDeadline(deployment) || !progressing || isComplete(deployment, status)) return undefined;
  if (['NewReplicaSetAvailable', 'ProgressDeadlineExceeded', 'DeploymentPaused'].includes(progressing.reason ?? '')) {
    return undefined;
  }
  return Math.max(1000, deadlineMs(deployment, progressing) - nowMs + 1000);
}
