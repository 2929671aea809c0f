import type { Deployment } from '../../generated/types/apps.v1.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalid, nonNegative, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { intOrPercentErrors, isZero, notMoreThanAll, validateSelectorAndTemplate } from './workload.ts';

const STRATEGIES = ['Recreate', 'RollingUpdate'];

function validate({ spec }: Deployment): FieldError[] {
  if (!spec) return [required('spec')];
  const errors = nonNegative('spec.replicas', spec.replicas);
  errors.push(...validateSelectorAndTemplate(spec, 'empty selector is invalid for deployment'));
  const { type = '', rollingUpdate } = spec.strategy ?? {};
  if (type === 'Recreate' && rollingUpdate)
    errors.push(forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"));
  else if (!STRATEGIES.includes(type)) errors.push(notSupported('spec.strategy', spec.strategy ?? {}, STRATEGIES));
  if (type === 'RollingUpdate') {
    const path = 'spec.strategy.rollingUpdate';
    if (!rollingUpdate) errors.push(required(path, 'this should be defaulted and never be nil'));
    else {
      const { maxUnavailable, maxSurge } = rollingUpdate;
      errors.push(...intOrPercentErrors(maxUnavailable, `${path}.maxUnavailable`));
      errors.push(...intOrPercentErrors(maxSurge, `${path}.maxSurge`));
      errors.push(...notMoreThanAll(maxUnavailable, `${path}.maxUnavailable`));
      if (isZero(maxUnavailable) && isZero(maxSurge))
        errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
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
  validate,
  validateUpdate: (object, old) => immutable('spec.selector', object.spec?.selector, old.spec?.selector),
});
