/** Leases (upstream: `pkg/apis/coordination/validation`). */
import type { Lease } from '../../generated/types/coordination.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, invalid, invalidEach, nonNegative, notSupported } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const STRATEGIES = ['OldestEmulationVersion'];

/** The doubled name is upstream's. */
function strategyErrors(strategy: string): FieldError[] {
  const field = 'spec.strategy.strategy';
  if (strategy.includes('/')) return invalidEach(field, strategy, qualifiedNameErrors(strategy));
  return STRATEGIES.includes(strategy) ? [] : [notSupported(field, strategy, STRATEGIES)];
}

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
  validate: ({ spec }) => {
    const { leaseDurationSeconds: seconds, leaseTransitions, strategy, preferredHolder } = spec ?? {};
    const errors: FieldError[] = [];
    if (seconds !== undefined && seconds <= 0)
      errors.push(invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
    errors.push(...nonNegative('spec.leaseTransitions', leaseTransitions));
    if (strategy !== undefined) errors.push(...strategyErrors(strategy));
    if (preferredHolder && !strategy)
      errors.push(forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'));
    return errors;
  },
});
