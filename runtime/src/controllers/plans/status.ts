/** A Plan's conditions as values. */
import { wireTime } from '../../client/wireTime.ts';
import type { PlanCondition, PlanStatus } from './types.ts';

export type Said = Omit<PlanCondition, 'lastUpdateTime' | 'lastTransitionTime'> & {
  /** It was looked at anew, also when it is as before. */
  readonly touch?: boolean;
};

/** The same status where nothing is news. */
export function withCondition(status: PlanStatus, { touch = false, ...said }: Said, nowMs: number): PlanStatus {
  const conditions = status.conditions ?? [];
  const before = conditions.find(({ type }) => type === said.type);
  const same =
    before !== undefined &&
    before.status === said.status &&
    (before.reason ?? '') === (said.reason ?? '') &&
    (before.message ?? '') === (said.message ?? '') &&
    before.observedGeneration === said.observedGeneration;
  if (same && !touch) return status;
  const now = wireTime(nowMs);
  const next: PlanCondition = {
    ...said,
    lastUpdateTime: now,
    lastTransitionTime: before?.status === said.status ? (before.lastTransitionTime ?? now) : now,
  };
  return {
    ...status,
    conditions: before ? conditions.map(old => (old === before ? next : old)) : [...conditions, next],
  };
}
