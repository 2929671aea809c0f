/** A disruption budget asked for one disruption: pure; refusals in upstream's words. */

import { disruptionAllowed } from '../../api/disruptionBudgets.ts';
import type { PodDisruptionBudget } from '../../api/generated/types/policy.v1.ts';
import { forbidden, StatusError } from '../../api/status.ts';

/** Evictions the controller has not noticed yet: so many at most. */
const MAX_DISRUPTED_PODS = 2000;

const WOULD_VIOLATE = "Cannot evict pod as it would violate the pod's disruption budget.";
const budgets = { group: 'policy', resource: 'poddisruptionbudget' };

/**
 * The budget with the pod's disruption charged. @param now as the API writes times. @throws StatusError 429 with the cause
 * `DisruptionBudget`, 403.
 */
export function charge<T extends PodDisruptionBudget>(budget: T, podName: string, now: string): T {
  const { metadata, status = {} } = budget;
  const name = metadata.name ?? '';
  const { observedGeneration = 0, disruptionsAllowed = 0, disruptedPods = {} } = status;
  if (observedGeneration < (metadata.generation ?? 0)) throw stillProcessed(name);
  if (disruptionsAllowed < 0) throw forbidden(budgets, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED_PODS) {
    throw forbidden(budgets, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (disruptionsAllowed === 0) throw tooMany(whyNot(budget));
  const left = disruptionsAllowed - 1;
  const next = { ...status, disruptionsAllowed: left, disruptedPods: { ...disruptedPods, [podName]: now } };
  return { ...budget, status: left === 0 ? { ...next, conditions: disruptionAllowed(next, now) } : next };
}

function whyNot({ metadata, status }: PodDisruptionBudget): string {
  const name = metadata.name ?? '';
  const { currentHealthy = 0, desiredHealthy = 0, conditions = [] } = status ?? {};
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed');
  if (condition?.status === 'False' && condition.reason === 'SyncFailed') {
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  }
  return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}

/** The controller has not seen the budget as it is now; nobody knows what it allows. */
export const stillProcessed = (name: string): StatusError =>
  tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);

const tooMany = (message: string, retryAfterSeconds?: number): StatusError =>
  new StatusError(429, 'TooManyRequests', WOULD_VIOLATE, {
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    causes: [{ reason: 'DisruptionBudget', message }],
  });
