/** ResourceQuotas (upstream: `ValidateResourceQuota`). */
import type { ResourceQuota, ResourceQuotaSpec } from '../../generated/types/core.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, keyed, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { quantityErrors, quotaResourceNameErrors } from './resourceValidation.ts';

const SCOPES = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
]);
/** Their operator can only be `Exists`. */
const PLAIN_SCOPES = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'CrossNamespacePodAffinity',
]);
const COMPUTE = new Set(['pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);
const CLAIMS = new Set(['persistentvolumeclaims', 'requests.storage']);
const STANDARD = new Set([
  ...COMPUTE,
  ...CLAIMS,
  'ephemeral-storage',
  'requests.ephemeral-storage',
  'limits.ephemeral-storage',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);

/** Whether a scope says anything of a resource (upstream: `IsResourceQuotaScopeValidForResource`). */
function scopeApplies(scope: string, resource: string): boolean {
  const podLevel = COMPUTE.has(resource) || resource.includes('ephemeral-storage') || resource.includes('hugepages-');
  switch (scope) {
    case 'BestEffort':
      return resource === 'pods';
    case 'VolumeAttributesClass':
      return CLAIMS.has(resource);
    case 'Terminating':
    case 'NotTerminating':
    case 'NotBestEffort':
    case 'PriorityClass':
    case 'CrossNamespacePodAffinity':
      return podLevel;
    default:
      return true;
  }
}

const conflicting = (scopes: readonly string[]): boolean =>
  (scopes.includes('BestEffort') && scopes.includes('NotBestEffort')) ||
  (scopes.includes('Terminating') && scopes.includes('NotTerminating'));

const resourcesOf = ({ hard }: ResourceQuotaSpec): string[] =>
  Object.keys(hard ?? {})
    .filter(name => STANDARD.has(name))
    .sort();

function scopeErrors(spec: ResourceQuotaSpec): FieldError[] {
  const scopes = spec.scopes ?? [];
  const path = 'spec.scopes';
  const errors = scopes.flatMap(scope => [
    ...(SCOPES.has(scope) ? [] : [invalid(path, scopes, 'unsupported scope')]),
    ...resourcesOf(spec)
      .filter(resource => !scopeApplies(scope, resource))
      .map(() => invalid(path, scopes, 'unsupported scope applied to resource')),
  ]);
  if (conflicting(scopes)) errors.push(invalid(path, scopes, 'conflicting scopes'));
  return errors;
}

function selectorErrors(spec: ResourceQuotaSpec): FieldError[] {
  const path = 'spec.scopeSelector.matchExpressions';
  const errors: FieldError[] = [];
  const expressions = spec.scopeSelector?.matchExpressions ?? [];
  for (const { scopeName = '', operator = '', values } of expressions as readonly {
    scopeName?: string;
    operator?: string;
    values?: readonly string[];
  }[]) {
    if (!SCOPES.has(scopeName)) errors.push(invalid(`${path}.scopeName`, scopeName, 'unsupported scope'));
    for (const resource of resourcesOf(spec))
      if (!scopeApplies(scopeName, resource))
        errors.push(invalid(path, spec.scopeSelector, 'unsupported scope applied to resource'));
    if (PLAIN_SCOPES.has(scopeName) && operator !== 'Exists')
      errors.push(
        invalid(
          `${path}.operator`,
          operator,
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
    if (operator === 'In' || operator === 'NotIn') {
      if (!values?.length)
        errors.push(
          required(
            `${path}.values`,
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
          ),
        );
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values?.length)
        errors.push(
          invalid(
            `${path}.values`,
            values,
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
          ),
        );
    } else errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  if (conflicting(expressions.map(e => e.scopeName)))
    errors.push(invalid('spec.scopeSelector.matchExpressions', spec.scopes ?? null, 'conflicting scopes'));
  return errors;
}

const amountErrors = (amounts: Readonly<Record<string, string>> | undefined, path: string): FieldError[] =>
  Object.entries(amounts ?? {}).flatMap(([name, quantity]) => {
    const here = keyed(path, name);
    return [...quotaResourceNameErrors(name, here), ...quantityErrors(name, quantity, here)];
  });

function validate({ spec = {} }: ResourceQuota): FieldError[] {
  return [...amountErrors(spec.hard, 'spec.hard'), ...scopeErrors(spec), ...selectorErrors(spec)];
}

/** `pods: 1/10, requests.cpu: 0/4`: limits apart from the rest. */
function usage(quota: ResourceQuota, limits: boolean): string {
  const hard = quota.status?.hard ?? {};
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
    object.status = {};
  },
  prepareForUpdate: () => undefined,
  validate,
  validateUpdate: ({ spec }, { spec: old }) => {
    const set = (scopes: readonly string[] | undefined): string[] => [...new Set(scopes)].sort();
    return sameValue(set(spec?.scopes), set(old?.scopes))
      ? []
      : [invalid('spec.scopes', spec?.scopes ?? null, 'field is immutable')];
  },
  validateStatusUpdate: ({ status }) => [
    ...amountErrors(status?.hard, 'status.hard'),
    ...amountErrors(status?.used, 'status.used'),
  ],
});
