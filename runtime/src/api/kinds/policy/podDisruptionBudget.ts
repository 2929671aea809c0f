/** PodDisruptionBudgets (upstream: `pkg/apis/policy/validation`, `pkg/registry/policy/poddisruptionbudget`). */
import type { PodDisruptionBudget } from '../../generated/types/policy.v1.ts';
import { intOrPercentErrors, notMoreThanAll } from '../apps/workload.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, nonNegative, notSupported } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { metaConditionErrors } from '../metaConditions.ts';
import { validateLabelSelector } from '../objectMeta.ts';

const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];

function budgetErrors({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const path = `spec.${field}`;
    errors.push(...intOrPercentErrors(spec[field], path), ...notMoreThanAll(spec[field], path));
  }
  errors.push(...validateLabelSelector(spec.selector, 'spec.selector'));
  const { unhealthyPodEvictionPolicy: policy } = spec;
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy))
    errors.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, EVICTION_POLICIES));
  return errors;
}

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  shortNames: ['pdb'],
  columns: [
    column('Min Available', 'string', 'The minimum number of pods that must be available.', o =>
      String(o.spec?.minAvailable ?? 'N/A'),
    ),
    column('Max Unavailable', 'string', 'The maximum number of pods that may be unavailable.', o =>
      String(o.spec?.maxUnavailable ?? 'N/A'),
    ),
    column(
      'Allowed Disruptions',
      'integer',
      'Calculated number of pods that may be disrupted at this time.',
      o => o.status?.disruptionsAllowed ?? 0,
    ),
    ageColumn,
  ],
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate: budgetErrors,
  validateStatusUpdate: ({ status }) => [
    ...metaConditionErrors(status?.conditions, 'status.conditions'),
    ...(['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap(field =>
      nonNegative(`status.${field}`, status?.[field]),
    ),
  ],
});
