/**
 * How many pods each ReplicaSet of a Deployment has next: pure arithmetic, upstream's
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment).
 */
import type { Deployment, ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import { byCreation, DESIRED_REPLICAS, MAX_REPLICAS } from './revisions.ts';

export const replicasOf = (set: ReplicaSet | undefined): number => set?.spec?.replicas ?? 0;
export const totalReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, set) => sum + replicasOf(set), 0);
export const totalStatus = (
  sets: readonly ReplicaSet[],
  field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas',
): number => sets.reduce((sum, set) => sum + (set.status?.[field] ?? 0), 0);

export const isRollingUpdate = (deployment: Deployment): boolean => deployment.spec?.strategy?.type !== 'Recreate';
export const desiredReplicas = (deployment: Deployment): number => deployment.spec?.replicas ?? 1;

/** A number, or a share (`25%`) of `total`. */
function resolve(value: number | string | undefined, total: number, round: (share: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value ?? '0%')?.[1];
  return round((Number(percent ?? 0) * total) / 100);
}

/** Pods above and below the desired number during a rolling update; never both 0, or nothing could move. */
export function bounds(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (!isRollingUpdate(deployment) || desiredReplicas(deployment) === 0) return { maxSurge: 0, maxUnavailable: 0 };
  const desired = desiredReplicas(deployment);
  const { maxSurge: surge = '25%', maxUnavailable: unavailable = '25%' } =
    deployment.spec?.strategy?.rollingUpdate ?? {};
  const maxSurge = resolve(surge, desired, Math.ceil);
  const maxUnavailable = Math.min(resolve(unavailable, desired, Math.floor), desired);
  return maxSurge === 0 && maxUnavailable === 0 ? { maxSurge, maxUnavailable: 1 } : { maxSurge, maxUnavailable };
}

export const maxReplicas = (deployment: Deployment): number =>
  desiredReplicas(deployment) + bounds(deployment).maxSurge;

/** The new ReplicaSet's size when it is made or grown. */
export function newSetReplicas(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  const room = maxReplicas(deployment) - totalReplicas(all);
  if (room <= 0) return replicasOf(newSet);
  return replicasOf(newSet) + Math.min(room, desired - replicasOf(newSet));
}

export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** One step of a rolling update. Empty: nothing to do until pods change. The first change must be seen before the next. */
export function rollingStep(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Resize[] {
  const all = [...oldSets, newSet];
  const desired = desiredReplicas(deployment);
  const current = replicasOf(newSet);
  const wanted = current > desired ? desired : current < desired ? newSetReplicas(deployment, all, newSet) : current;
  if (wanted !== current) return [{ set: newSet, replicas: wanted }];
  return shrinkOld(deployment, newSet, oldSets);
}

function shrinkOld(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Resize[] {
  if (totalReplicas(oldSets) === 0) return [];
  const minAvailable = desiredReplicas(deployment) - bounds(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  const all = [...oldSets, newSet];
  let room = totalReplicas(all) - minAvailable - newUnavailable;
  if (room <= 0) return [];
  const sizes = new Map<ReplicaSet, number>();
  const sizeOf = (set: ReplicaSet): number => sizes.get(set) ?? replicasOf(set);
  const oldestFirst = [...oldSets].sort(byCreation);
  // Unhealthy pods of old revisions go first: they hold nothing up, and may be why the rollout is stuck.
  for (const set of oldestFirst) {
    const unhealthy = Math.min(room, replicasOf(set) - (set.status?.availableReplicas ?? 0));
    if (replicasOf(set) === 0 || unhealthy <= 0) continue;
    sizes.set(set, replicasOf(set) - unhealthy);
    room -= unhealthy;
  }
  let spare = totalStatus(all, 'availableReplicas') - minAvailable;
  for (const set of oldestFirst) {
    const cut = Math.min(spare, sizeOf(set));
    if (cut <= 0) continue;
    sizes.set(set, sizeOf(set) - cut);
    spare -= cut;
  }
  return [...sizes].map(([set, replicas]) => ({ set, replicas }));
}

/** Whether the Deployment's size changed since its ReplicaSets were last sized. */
export function isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some(set => {
    const noted = set.metadata.annotations?.[DESIRED_REPLICAS];
    return replicasOf(set) > 0 && noted !== undefined && Number(noted) !== desiredReplicas(deployment);
  });
}

/** Sizes after a change of the Deployment's size, in the middle of a rollout or out of it: in proportion. */
export function scaled(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): Resize[] {
  const desired = desiredReplicas(deployment);
  const all = newSet ? [...oldSets, newSet] : [...oldSets];
  const active = all.filter(set => replicasOf(set) > 0);
  const only = active.length <= 1 ? (active[0] ?? newestOf(newSet, oldSets)) : undefined;
  if (only) return [{ set: only, replicas: desired }];
  if (newSet && isSaturated(deployment, newSet)) {
    return oldSets.filter(set => replicasOf(set) > 0).map(set => ({ set, replicas: 0 }));
  }
  if (!isRollingUpdate(deployment)) return [];
  const allowed = desired > 0 ? maxReplicas(deployment) : 0;
  const toAdd = allowed - totalReplicas(active);
  const growing = toAdd > 0;
  // Larger first; of equals, the newer when growing and the older when shrinking.
  const ordered = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (growing ? byCreation(b, a) : byCreation(a, b)),
  );
  let added = 0;
  const sizes = ordered.map(set => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd, added);
    added += share;
    return { set, replicas: replicasOf(set) + share };
  });
  return sizes.map(({ set, replicas }, index) => ({
    set,
    // The largest takes what rounding left.
    replicas: Math.max(0, index === 0 ? replicas + toAdd - added : replicas),
  }));
}

function shareOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const left = toAdd - added;
  const noted =
    Number(set.metadata.annotations?.[MAX_REPLICAS] ?? 0) || (deployment.status?.replicas ?? 0) || replicasOf(set);
  const wanted = Math.round((replicasOf(set) * maxReplicas(deployment)) / noted) - replicasOf(set);
  return toAdd > 0 ? Math.min(wanted, left) : Math.max(wanted, left);
}

function newestOf(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return newSet ?? [...oldSets].sort(byCreation).at(-1);
}

/** The new ReplicaSet is whole: asked for all, and all available. */
export function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment);
  return (
    replicasOf(set) === desired &&
    Number(set.metadata.annotations?.[DESIRED_REPLICAS] ?? -1) === desired &&
    (set.status?.availableReplicas ?? 0) === desired
  );
}
