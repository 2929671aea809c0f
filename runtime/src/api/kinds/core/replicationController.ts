/** ReplicationControllers: what ReplicaSets were before. */
import type { ReplicationController } from '../../generated/types/core.v1.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, nonNegative, required } from '../errors.ts';
import { validateLabels } from '../objectMeta.ts';
import { defaultPodSpec } from './podDefaults.ts';
import { validatePodTemplate } from './podValidation.ts';

export const replicationController = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  shortNames: ['rc'],
  categories: ['all'],
  selectableFieldNames: ['status.replicas'],
  selectableFields: o => ({ 'status.replicas': String(o.status?.replicas ?? 0) }),
  columns: [
    column('Desired', 'integer', 'The number of desired replicas.', o => o.spec?.replicas ?? 0),
    column('Current', 'integer', 'The most recently observed number of replicas.', o => o.status?.replicas ?? 0),
    column('Ready', 'integer', 'The number of ready replicas.', o => o.status?.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicationController>(o => o.spec?.template),
    wide('Selector', 'string', 'Labels of the pods that are counted.', o => selectorText(o.spec?.selector)),
  ],
  defaults: object => {
    const { spec } = object;
    if (!spec) return;
    spec.replicas ??= 1;
    const labels = spec.template?.metadata?.labels;
    if (labels) {
      if (!Object.keys(spec.selector ?? {}).length) spec.selector = { ...labels };
      if (!Object.keys(object.metadata.labels ?? {}).length) object.metadata.labels = { ...labels };
    }
    defaultPodSpec(spec.template?.spec);
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = { replicas: 0 };
  },
  validate: ({ spec }) => {
    if (!spec) return [required('spec')];
    const errors = nonNegative('spec.replicas', spec.replicas);
    if (!Object.keys(spec.selector ?? {}).length) errors.push(required('spec.selector'));
    errors.push(...validateLabels(spec.selector, 'spec.selector'));
    if (!spec.template) return [...errors, required('spec.template')];
    const labels = spec.template.metadata?.labels ?? {};
    if (!Object.entries(spec.selector ?? {}).every(([k, v]) => labels[k] === v))
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    return [...errors, ...validatePodTemplate(spec.template, 'spec.template')];
  },
});
