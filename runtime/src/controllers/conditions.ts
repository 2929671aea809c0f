/** Lists of conditions as values; pure. */
import { isDeepStrictEqual } from 'node:util';

export interface ConditionLike {
  type: string;
  status: string;
  reason?: string | undefined;
  message?: string | undefined;
  lastTransitionTime?: string | undefined;
}

/**
 * The list with the condition in it. Unchanged (the same array) when status, reason and message are what they were; the
 * transition time is kept while the status is.
 */
export function withCondition<C extends ConditionLike>(conditions: readonly C[], condition: C): readonly C[] {
  const index = conditions.findIndex(({ type }) => type === condition.type);
  const old = conditions[index];
  if (old && old.status === condition.status && old.reason === condition.reason && old.message === condition.message) {
    return conditions;
  }
  const next =
    old?.status === condition.status ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  return old ? conditions.with(index, next) : [...conditions, next];
}

export function withoutCondition<C extends ConditionLike>(conditions: readonly C[], type: string): readonly C[] {
  return conditions.some(condition => condition.type === type)
    ? conditions.filter(condition => condition.type !== type)
    : conditions;
}

/** Go writes no zero value of an `omitempty` field: in a merge patch, zero is null. */
export function omitZero(value: number): number | null {
  return value === 0 ? null : value;
}

/** Whether a merge patch would change nothing. */
export function patchIsVain(patch: unknown, object: unknown): boolean {
  if (patch === null) return object === undefined || object === null;
  if (typeof patch !== 'object' || Array.isArray(patch)) return isDeepStrictEqual(patch, object);
  const fields = typeof object === 'object' && object !== null ? (object as Record<string, unknown>) : {};
  return Object.entries(patch).every(([name, value]) => value === undefined || patchIsVain(value, fields[name]));
}
