import type { Deployment } from '../../generated/types/apps.v1.ts';
import type { KubeObject } from '../../object.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { podWarnings } from '../core/podWarnings.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalid, nonNegative, notSupported, required, sameValue } from '../errors.ts';
import { bumpGeneration } from '../generation.ts';
import type { FieldError } from '../kind.ts';
import {
  collisionErrors,
  countErrors,
  intOrPercentErrors,
  isZero,
  notMoreThanAll,
  replicaErrors,
  validateSelectorAndTemplate,
} from './workload.ts';

const STRATEGIES = ['Recreate', 'RollingUpdate'];
const COUNTS = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'collisionCount',
];

function validate({ spec }: Deployment): FieldError[] {
  if (!spec) return [required('spec')];
  const errors = nonNegative('spec.replicas', spec.replicas);
  errors.push(...validateSelectorAndTemplate(spec, { name: 'deployment', endless: 'ReplicaSet' }));
  const { type = '', rollingUpdate } = spec.strategy ?? {};
  if (type === 'Recreate' && rollingUpdate)
    errors.push(forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"));
  else if (!STRATEGIES.includes(type))
    errors.push(notSupported('spec.strategy', { Type: type, RollingUpdate: rollingUpdate ?? null }, STRATEGIES));
  if (type === 'RollingUpdate') {
    const path = 'spec.strategy.rollingUpdate';
    if (!rollingUpdate) errors.push(required(path, 'this should be defaulted and never be nil'));
    else {
      const { maxUnavailable, maxSurge } = rollingUpdate;
      errors.push(...intOrPercentErrors(maxUnavailable, `${path}.maxUnavailable`));
      errors.push(...intOrPercentErrors(maxSurge, `${path}.maxSurge`));
      if (isZero(maxUnavailable) && isZero(maxSurge))
        errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
      errors.push(...notMoreThanAll(maxUnavailable, `${path}.maxUnavailable`));
    }
  }
  errors.push(...nonNegative('spec.minReadySeconds', spec.minReadySeconds));
  errors.push(...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit));
  errors.push(...nonNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds));
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0))
    errors.push(
      invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'),
    );
  return errors;
}

export const deployment = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  columns: [
    column(
      'Ready',
      'string',
      'Number of the pod with ready state',
      o => `${o.status?.readyReplicas ?? 0}/${o.spec?.replicas ?? 0}`,
    ),
    column(
      'Up-to-date',
      'integer',
      'Total number of non-terminated pods that have the desired template spec.',
      o => o.status?.updatedReplicas ?? 0,
    ),
    column(
      'Available',
      'integer',
      'Total number of available non-terminated pods.',
      o => o.status?.availableReplicas ?? 0,
    ),
    ageColumn,
    ...containerColumns<Deployment>(o => o.spec?.template),
    wide('Selector', 'string', 'Label selector for pods.', o => selectorText(o.spec?.selector)),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    if (!spec.strategy.type) spec.strategy.type = 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
      spec.strategy.rollingUpdate.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    defaultPodSpec(spec.template?.spec);
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = {};
  },
  // What a Deployment is annotated with, its ReplicaSets are too: that counts as a change.
  prepareForUpdate: (object, old) => {
    bumpGeneration(object as unknown as KubeObject, old as unknown as KubeObject);
    const { generation } = old.metadata;
    if (generation !== undefined && !sameValue(object.metadata.annotations, old.metadata.annotations))
      object.metadata.generation = generation + 1;
  },
  validate,
  validateUpdate: (object, old) => immutable('spec.selector', object.spec?.selector, old.spec?.selector),
  validateStatusUpdate: ({ status }, { status: old }) => [
    ...countErrors(status, COUNTS),
    ...replicaErrors(status, ['updatedReplicas', 'readyReplicas', 'availableReplicas']),
    ...collisionErrors(status, old),
  ],
  warnings: ({ spec, metadata }, old) =>
    old && old.metadata.generation === metadata.generation
      ? []
      : podWarnings(spec?.template?.spec, spec?.template?.metadata, 'spec.template.spec'),
});
