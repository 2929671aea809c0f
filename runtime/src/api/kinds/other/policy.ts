import type { PodDisruptionBudget } from '../../generated/types/policy.v1.ts';
import { intOrPercentErrors, notMoreThanAll } from '../apps/workload.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid } from '../errors.ts';
import { validateLabelSelector } from '../objectMeta.ts';

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
  validate: ({ spec }) => {
    const errors = validateLabelSelector(spec?.selector, 'spec.selector');
    if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined)
      errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
    for (const field of ['minAvailable', 'maxUnavailable'] as const)
      errors.push(
        ...intOrPercentErrors(spec?.[field], `spec.${field}`),
        ...notMoreThanAll(spec?.[field], `spec.${field}`),
      );
    return errors;
  },
});
