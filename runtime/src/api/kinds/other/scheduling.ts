/** PriorityClasses and RuntimeClasses. */
import type { RuntimeClass } from '../../generated/types/node.v1.ts';
import type { PriorityClass } from '../../generated/types/scheduling.v1.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

/** Beyond it are the system's own. */
const HIGHEST_USER_PRIORITY = 1_000_000_000;
const SYSTEM: Readonly<Record<string, number>> = {
  'system-node-critical': 2000001000,
  'system-cluster-critical': 2000000000,
};

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  shortNames: ['pc'],
  columns: [
    column('Value', 'integer', 'The integer value of this priority class.', o => o.value ?? 0),
    column(
      'Global-Default',
      'boolean',
      'Whether this is the priority of pods that name none.',
      o => o.globalDefault ?? false,
    ),
    ageColumn,
    column('PreemptionPolicy', 'string', 'Whether pods of lower priority make room.', o => o.preemptionPolicy ?? ''),
  ],
  defaults: object => {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
  },
  validate: object => {
    const errors: FieldError[] = [];
    const name = object.metadata.name ?? '';
    if (name.startsWith('system-') && SYSTEM[name] !== object.value)
      errors.push(
        forbidden(
          'metadata.name',
          "priority class names with 'system-' prefix are reserved for system use only. error: the class is not among the known system priority classes",
        ),
      );
    else if (!name.startsWith('system-') && (object.value ?? 0) > HIGHEST_USER_PRIORITY)
      errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`));
    if (!['Never', 'PreemptLowerPriority'].includes(object.preemptionPolicy ?? ''))
      errors.push(notSupported('preemptionPolicy', object.preemptionPolicy, ['Never', 'PreemptLowerPriority']));
    return errors;
  },
  validateUpdate: (object, old) => [
    ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...immutable('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
  ],
});

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  columns: [
    column('Handler', 'string', 'The runtime and configuration that the CRI implementation will use.', o => o.handler),
    ageColumn,
  ],
  validate: object =>
    object.handler ? invalidEach('handler', object.handler, dns1123LabelErrors(object.handler)) : [required('handler')],
  validateUpdate: (object, old) => immutable('handler', object.handler, old.handler),
});
