/** IPAddresses and ServiceCIDRs: the ranges services get their addresses from (KEP-1880; upstream: `pkg/apis/networking/validation`). */
import type { IPAddress, ParentReference, ServiceCIDR } from '../../generated/types/networking.v1.ts';
import { parseCidr } from '../../ip.ts';
import { dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, IMMUTABLE, immutable, invalid, invalidEach, required } from '../errors.ts';
import { cidrErrors, ipErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';

/** `Invalid value: "x": text` without what stands before the text. */
const textOf = (error: FieldError): string => error.message.replace(/^Invalid value: "(?:[^"\\]|\\.)*": /, '');

function parentErrors(parent: ParentReference | undefined): FieldError[] {
  const path = 'spec.parentRef';
  if (!parent) return [required(path)];
  const errors: FieldError[] = [];
  if (parent.group)
    errors.push(...invalidEach(child(path, 'group'), parent.group, dns1123SubdomainErrors(parent.group)));
  for (const field of ['resource', 'name'] as const) {
    const value = parent[field] ?? '';
    errors.push(
      ...(value === ''
        ? [required(child(path, field))]
        : invalidEach(child(path, field), value, pathSegmentErrors(value))),
    );
  }
  if (parent.namespace)
    errors.push(...invalidEach(child(path, 'namespace'), parent.namespace, pathSegmentErrors(parent.namespace)));
  return errors;
}

export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  shortNames: ['ip'],
  selectableFieldNames: [
    'spec.parentRef.group',
    'spec.parentRef.resource',
    'spec.parentRef.namespace',
    'spec.parentRef.name',
  ],
  selectableFields: ({ spec }) => {
    const { group = '', resource = '', namespace = '', name = '' } = spec?.parentRef ?? {};
    return {
      'spec.parentRef.group': group,
      'spec.parentRef.resource': resource,
      'spec.parentRef.namespace': namespace,
      'spec.parentRef.name': name,
    };
  },
  columns: [
    column('ParentRef', 'string', 'Reference to the resource the address is attached to.', ({ spec }) => {
      const parent = spec?.parentRef;
      if (!parent) return '<none>';
      const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
      return [resource, parent.namespace, parent.name].filter(Boolean).join('/');
    }),
    ageColumn,
  ],
  nameErrors: name => ipErrors('', name).map(textOf),
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => parentErrors(spec?.parentRef),
  validateUpdateAlone: true,
  validateUpdate: (object, old) => immutable('spec.parentRef', object.spec?.parentRef, old.spec?.parentRef),
});

const CIDRS = 'spec.cidrs';

function rangeErrors({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(CIDRS, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(CIDRS, spec, 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((cidr, i) => cidrErrors(at(CIDRS, i), cidr));
  const [first, second] = cidrs.map(cidr => parseCidr(cidr)?.ip.family);
  if (cidrs.length === 2 && first !== undefined && first === second)
    errors.push(
      invalid(CIDRS, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    );
  return errors;
}

export const serviceCidr = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  columns: [
    column('CIDRs', 'string', 'The ranges addresses are taken from.', o => (o.spec?.cidrs ?? []).join(',')),
    ageColumn,
  ],
  prepareForCreate: object => {
    delete object.status;
  },
  prepareForUpdate: () => undefined,
  validate: rangeErrors,
  validateUpdateAlone: true,
  validateUpdate: (object, old) => {
    const [cidrs, before] = [object.spec?.cidrs ?? [], old.spec?.cidrs ?? []];
    const changed = (i: number): FieldError[] =>
      cidrs[i] === before[i] ? [] : [invalid(at(CIDRS, i), cidrs[i], IMMUTABLE)];
    if (cidrs.length === before.length) return before.flatMap((_, i) => changed(i));
    // A second family may be added.
    if (before.length === 1 && cidrs.length === 2) return [...changed(0), ...rangeErrors(object)];
    return [invalid(CIDRS, cidrs, IMMUTABLE)];
  },
});
