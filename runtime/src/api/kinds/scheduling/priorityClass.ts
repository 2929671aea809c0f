/** PriorityClasses (upstream: `pkg/apis/scheduling/validation`). */
import type { PriorityClass } from '../../generated/types/scheduling.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

/** Beyond it are the system's own. */
const HIGHEST_USER_PRIORITY = 1_000_000_000;
const PREFIX = 'system-';
const SYSTEM: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};
const POLICIES = ['Never', 'PreemptLowerPriority'];

/** Why a class whose name begins with `system-` is none of the system's; undefined: it is. */
function foreignText({ metadata, value, globalDefault }: PriorityClass): string | undefined {
  const name = metadata.name ?? '';
  const known = SYSTEM[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function valueErrors(object: PriorityClass): FieldError[] {
  if (object.metadata.name?.startsWith(PREFIX)) {
    const text = foreignText(object);
    const reserved = `priority class names with '${PREFIX}' prefix are reserved for system use only. error: ${text}`;
    return text === undefined ? [] : [forbidden('metadata.name', reserved)];
  }
  return (object.value ?? 0) > HIGHEST_USER_PRIORITY
    ? [forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`)]
    : [];
}

function policyErrors(policy: string | undefined): FieldError[] {
  if (policy === undefined || POLICIES.includes(policy)) return [];
  return policy === ''
    ? [required('preemptionPolicy')]
    : [notSupported('preemptionPolicy', policy, [...POLICIES].reverse())];
}

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  shortNames: ['pc'],
  columns: [
    column('Value', 'integer', 'value represents the integer value of this priority class.', o => o.value ?? 0),
    column(
      'Global-Default',
      'boolean',
      'globalDefault specifies whether this PriorityClass should be considered as the default priority for pods that do not have any priority class.',
      o => o.globalDefault ?? false,
    ),
    ageColumn,
    column(
      'PreemptionPolicy',
      'string',
      'preemptionPolicy is the Policy for preempting pods with lower priority.',
      o => o.preemptionPolicy ?? '',
    ),
  ],
  defaults: object => {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
  },
  validate: object => [...valueErrors(object), ...policyErrors(object.preemptionPolicy)],
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...immutable('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
  ],
});
