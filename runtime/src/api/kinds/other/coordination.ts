import type { Lease } from '../../generated/types/coordination.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, nonNegative, POSITIVE } from '../errors.ts';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  columns: [
    column(
      'Holder',
      'string',
      'Contains the identity of the holder of the current lease.',
      o => o.spec?.holderIdentity ?? '',
    ),
    ageColumn,
  ],
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => [
    ...(spec?.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0
      ? [invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, POSITIVE.replace('zero', '0'))]
      : []),
    ...nonNegative('spec.leaseTransitions', spec?.leaseTransitions),
  ],
});
