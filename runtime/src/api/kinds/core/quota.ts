/** ResourceQuotas and LimitRanges. */
import type { LimitRange, ResourceQuota } from '../../generated/types/core.v1.ts';
import { compareQuantities } from '../../quantity.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, immutable, invalid, keyed } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { quantityErrors } from './resourceValidation.ts';

/** `pods: 1/10, requests.cpu: 0/4`: limits apart from the rest. */
function usage(quota: ResourceQuota, limits: boolean): string {
  const hard = quota.status?.hard ?? quota.spec?.hard ?? {};
  return Object.keys(hard)
    .filter(name => name.startsWith('limits') === limits)
    .sort()
    .map(name => `${name}: ${quota.status?.used?.[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuota = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  shortNames: ['quota'],
  columns: [
    column('Request', 'string', 'Requests against the quota.', o => usage(o, false)),
    column('Limit', 'string', 'Limits against the quota.', o => usage(o, true)),
    ageColumn,
  ],
  prepareForCreate: object => {
    delete object.status;
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) =>
    Object.entries(spec?.hard ?? {}).flatMap(([name, quantity]) =>
      quantityErrors(name, quantity, keyed('spec.hard', name)),
    ),
  validateUpdate: (object, old) =>
    immutable('spec.scopes', object.spec?.scopes?.toSorted(), old.spec?.scopes?.toSorted()),
});

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  shortNames: ['limits'],
  columns: [column('Created At', 'date', 'When this object was created.', o => o.metadata.creationTimestamp ?? null)],
  defaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      const limits = { ...item.max, ...item.default };
      const requests = { ...item.min, ...limits, ...item.defaultRequest };
      if (Object.keys(limits).length > 0) item.default = limits;
      if (Object.keys(requests).length > 0) item.defaultRequest = requests;
    }
  },
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: ({ spec }) =>
    (spec?.limits ?? []).flatMap((item, i) => {
      const path = at('spec.limits', i);
      const errors: FieldError[] = [];
      for (const [name, max] of Object.entries(item.max ?? {})) {
        const min = item.min?.[name];
        if (min !== undefined && compareQuantities(min, max) > 0)
          errors.push(
            invalid(keyed(child(path, 'min'), name), min, `min value ${min} is greater than max value ${max}`),
          );
        const limit = item.default?.[name];
        if (limit !== undefined && compareQuantities(limit, max) > 0)
          errors.push(
            invalid(
              keyed(child(path, 'default'), name),
              limit,
              `default value ${limit} is greater than max value ${max}`,
            ),
          );
      }
      return errors;
    }),
});
