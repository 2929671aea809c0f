/** IPAddresses and ServiceCIDRs: the ranges services get their addresses from. */
import type { IPAddress, ServiceCIDR } from '../../generated/types/networking.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { immutable, required } from '../errors.ts';

export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  shortNames: ['ip'],
  columns: [
    column('ParentRef', 'string', 'Reference to the resource the address is attached to.', ({ spec }) => {
      const parent = spec?.parentRef;
      if (!parent) return '';
      return [`${parent.resource}${parent.group ? `.${parent.group}` : ''}`, parent.namespace, parent.name]
        .filter(Boolean)
        .join('/');
    }),
    ageColumn,
  ],
  validate: ({ spec }) => (spec?.parentRef ? [] : [required('spec.parentRef')]),
  validateUpdate: (object, old) => immutable('spec.parentRef', object.spec?.parentRef, old.spec?.parentRef),
});

export const serviceCidr = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  columns: [
    column('CIDRs', 'string', 'The ranges addresses are taken from.', o => (o.spec?.cidrs ?? []).join(',')),
    ageColumn,
  ],
  validate: ({ spec }) => (spec?.cidrs?.length ? [] : [required('spec.cidrs', 'at least one CIDR required')]),
});
