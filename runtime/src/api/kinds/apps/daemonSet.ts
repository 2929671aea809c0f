import type { DaemonSet } from '../../generated/types/apps.v1.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import { immutable, invalid, nonNegative, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { intOrPercentErrors, isZero, notMoreThanAll, validateSelectorAndTemplate } from './workload.ts';

const STRATEGIES = ['RollingUpdate', 'OnDelete'];

function validate({ spec }: DaemonSet): FieldError[] {
  if (!spec) return [required('spec')];
  const errors = validateSelectorAndTemplate(spec, 'empty selector is invalid for daemonset');
  errors.push(...nonNegative('spec.minReadySeconds', spec.minReadySeconds));
  const { type = '', rollingUpdate } = spec.updateStrategy ?? {};
  if (!STRATEGIES.includes(type))
    errors.push(notSupported('spec.updateStrategy', spec.updateStrategy ?? {}, STRATEGIES));
  if (type === 'RollingUpdate') {
    const path = 'spec.updateStrategy.rollingUpdate';
    if (!rollingUpdate) errors.push(required(path));
    else {
      const { maxUnavailable, maxSurge } = rollingUpdate;
      errors.push(...intOrPercentErrors(maxUnavailable, `${path}.maxUnavailable`));
      errors.push(...intOrPercentErrors(maxSurge, `${path}.maxSurge`));
      errors.push(...notMoreThanAll(maxUnavailable, `${path}.maxUnavailable`));
      errors.push(...notMoreThanAll(maxSurge, `${path}.maxSurge`));
      if (isZero(maxUnavailable) && isZero(maxSurge))
        errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, 'cannot be 0 when maxSurge is 0'));
      if (!isZero(maxUnavailable) && !isZero(maxSurge))
        errors.push(invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
    }
  }
  errors.push(...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit));
  return errors;
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
  columns: [
    column(
      'Desired',
      'integer',
      'Nodes that should be running the daemon pod.',
      o => o.status?.desiredNumberScheduled ?? 0,
    ),
    column(
      'Current',
      'integer',
      'Nodes that are running at least 1 daemon pod and are supposed to.',
      o => o.status?.currentNumberScheduled ?? 0,
    ),
    column('Ready', 'integer', 'Nodes that have a ready daemon pod.', o => o.status?.numberReady ?? 0),
    column(
      'Up-to-date',
      'integer',
      'Nodes that are running the updated daemon pod.',
      o => o.status?.updatedNumberScheduled ?? 0,
    ),
    column('Available', 'integer', 'Nodes that have an available daemon pod.', o => o.status?.numberAvailable ?? 0),
    column('Node Selector', 'string', 'Labels a node must have to run the pod.', o =>
      selectorText(o.spec?.template?.spec?.nodeSelector),
    ),
    ageColumn,
    ...containerColumns<DaemonSet>(o => o.spec?.template),
    wide('Selector', 'string', 'Label selector for pods.', o => selectorText(o.spec?.selector)),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    spec.updateStrategy ??= {};
    if (!spec.updateStrategy.type) spec.updateStrategy.type = 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    defaultPodSpec(spec.template?.spec);
  },
  validate,
  validateUpdate: (object, old) => immutable('spec.selector', object.spec?.selector, old.spec?.selector),
});
