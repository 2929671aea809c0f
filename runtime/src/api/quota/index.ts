/** The evaluators by resource. */
import { aliases, countEvaluator, type Evaluator } from './evaluator.ts';
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

export interface Measure {
  readonly evaluator: Evaluator;
  /** Of the quota's names, those it measures. */
  readonly names: readonly string[];
}

/** What must be looked at for these names; names that nobody measures are in none. */
export function measuresOf(names: readonly string[]): Measure[] {
  const counted = names.flatMap(name =>
    name.startsWith('count/') ? [name.slice('count/'.length)] : aliases.has(name) ? [name] : [],
  );
  const counting = [...new Set(counted)].flatMap(name => evaluatorOf(name) ?? []);
  return [...new Set([...evaluators, ...counting])].flatMap(evaluator => {
    const matched = evaluator.matching(names);
    return matched.length > 0 ? [{ evaluator, names: matched }] : [];
  });
}
