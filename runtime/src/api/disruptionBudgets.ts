/** What a disruption budget's status says of itself; pure, shared by eviction and the disruption controller. */
import type { Condition } from './generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { PodDisruptionBudgetStatus } from './generated/types/policy.v1.ts';

const TYPE = 'DisruptionAllowed';

/** The conditions with `DisruptionAllowed` as `disruptionsAllowed` has it. @param now for a transition. */
export function disruptionAllowed(status: PodDisruptionBudgetStatus, now: string): Condition[] {
  const allowed = (status.disruptionsAllowed ?? 0) > 0;
  return withCondition(
    status,
    { status: allowed ? 'True' : 'False', reason: allowed ? 'SufficientPods' : 'InsufficientPods', message: '' },
    now,
  );
}

/** The conditions saying that the budget could not be worked out. */
export const syncFailed = (status: PodDisruptionBudgetStatus, message: string, now: string): Condition[] =>
  withCondition(status, { status: 'False', reason: 'SyncFailed', message }, now);

function withCondition(
  { conditions = [], observedGeneration }: PodDisruptionBudgetStatus,
  said: Pick<Condition, 'status' | 'reason' | 'message'>,
  now: string,
): Condition[] {
  const old = conditions.find(({ type }) => type === TYPE);
  const condition: Condition = {
    type: TYPE,
    ...said,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    lastTransitionTime: old?.status === said.status ? old.lastTransitionTime : now,
  };
  return old ? conditions.map(one => (one === old ? condition : one)) : [...conditions, condition];
}
