/** ReplicationControllers: what ReplicaSets were before. */
import type { ReplicationController } from '../../generated/types/core.v1.ts';
import { countErrors, replicaErrors } from '../apps/workload.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, nonNegative, required } from '../errors.ts';
import { defaultPodSpec } from './podDefaults.ts';
import { validatePodTemplate } from './podValidation.ts';
import { podWarnings } from './podWarnings.ts';

const REPLICAS = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'];

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
    const errors = [
      ...nonNegative('spec.replicas', spec.replicas),
      ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ];
    const selector = Object.entries(spec.selector ?? {});
    if (selector.length === 0) errors.push(required('spec.selector'));
    if (!spec.template) return [...errors, required('spec.template')];
    const labels = spec.template.metadata?.labels ?? {};
    if (!selector.every(([k, v]) => labels[k] === v))
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    const options = { restartPolicies: ['Always'], endless: 'ReplicationController' };
    return [...errors, ...validatePodTemplate(spec.template, 'spec.template', options)];
  },
  validateStatusUpdate: ({ status }) => [
    ...countErrors(status, ['replicas', ...REPLICAS, 'observedGeneration']),
    ...replicaErrors(status, REPLICAS),
  ],
  warnings: ({ spec, metadata }, old) =>
    old && old.metadata.generation === metadata.generation
      ? []
      : podWarnings(spec?.template?.spec, spec?.template?.metadata, 'spec.template.spec'),
});
