import type { ReplicaSet } from '../../generated/types/apps.v1.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { podWarnings } from '../core/podWarnings.ts';
import { defineKind } from '../define.ts';
import { immutable, nonNegative, required } from '../errors.ts';
import { countErrors, replicaErrors, validateSelectorAndTemplate } from './workload.ts';

const REPLICAS = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'];

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
  categories: ['all'],
  selectableFieldNames: ['status.replicas'],
  selectableFields: o => ({ 'status.replicas': String(o.status?.replicas ?? 0) }),
  columns: [
    column('Desired', 'integer', 'The number of desired replicas.', o => o.spec?.replicas ?? 0),
    column(
      'Current',
      'integer',
      'The most recently observed number of non-terminated pods.',
      o => o.status?.replicas ?? 0,
    ),
    column('Ready', 'integer', 'The number of ready replicas.', o => o.status?.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicaSet>(o => o.spec?.template),
    wide('Selector', 'string', 'Label selector for pods.', o => selectorText(o.spec?.selector)),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    spec.replicas ??= 1;
    defaultPodSpec(spec.template?.spec);
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = { replicas: 0 };
  },
  validate: ({ spec }) => {
    if (!spec) return [required('spec')];
    return [
      ...nonNegative('spec.replicas', spec.replicas),
      ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
      ...validateSelectorAndTemplate(spec, { name: 'deployment', endless: 'ReplicaSet' }),
    ];
  },
  validateUpdate: (object, old) => immutable('spec.selector', object.spec?.selector, old.spec?.selector),
  validateStatusUpdate: ({ status }) => [
    ...countErrors(status, ['replicas', ...REPLICAS, 'observedGeneration']),
    ...replicaErrors(status, REPLICAS),
  ],
  warnings: ({ spec, metadata }, old) =>
    old && old.metadata.generation === metadata.generation
      ? []
      : podWarnings(spec?.template?.spec, spec?.template?.metadata, 'spec.template.spec'),
});
