/** The evaluators by resource. */
import { countEvaluator, type Evaluator } from './evaluator.ts';
import { claimEvaluator, deviceClaimEvaluator, serviceEvaluator } from './others.ts';
import { podEvaluator } from './pods.ts';

export * from './evaluator.ts';
export { isTerminatingScope } from './pods.ts';

/** Resources with more to measure than their number. */
export const evaluators: readonly Evaluator[] = [podEvaluator, serviceEvaluator, claimEvaluator, deviceClaimEvaluator];

/** Not measured: they come by the thousand and go by themselves, or are never stored. */
const unmeasured = new Set([
  'bindings',
  'events',
  'events.events.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
]);

const counting = new Map<string, Evaluator>();

/** @param groupResource of a namespaced resource: `pods`, `deployments.apps`. Undefined: no quota measures it. */
export function evaluatorOf(groupResource: string): Evaluator | undefined {
  if (unmeasured.has(groupResource)) return undefined;
  const own = evaluators.find(evaluator => evaluator.groupResource === groupResource);
  if (own) return own;
  let evaluator = counting.get(groupResource);
  if (!evaluator) {
    evaluator = countEvaluator(groupResource);
    counting.set(groupResource, evaluator);
  }
  return evaluator;
}
