/** StatefulSets (upstream: `pkg/registry/apps/statefulset`). */
import type { StatefulSet, StatefulSetSpec } from '../../generated/types/apps.v1.ts';
import type { Volume } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { ageColumn, column, containerColumns } from '../columns.ts';
import { defaultClaimSpec } from '../core/claimDefaults.ts';
import { validateClaimSpec } from '../core/claimValidation.ts';
import { claimWarnings } from '../core/claimWarnings.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { podWarnings } from '../core/podWarnings.ts';
import { defineKind } from '../define.ts';
import { forbidden, invalid, invalidEach, nonNegative, notSupported, required, sameValue } from '../errors.ts';
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

const RETENTIONS = ['Retain', 'Delete'];
const REPLICAS = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'];

function strategyErrors({ updateStrategy = {} }: StatefulSetSpec): FieldError[] {
  const path = 'spec.updateStrategy';
  const { type = '', rollingUpdate } = updateStrategy;
  if (type === '') return [required(path)];
  if (type === 'OnDelete')
    return rollingUpdate
      ? [invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]
      : [];
  if (type !== 'RollingUpdate') {
    const shown = { Type: type, RollingUpdate: rollingUpdate ?? null };
    return [invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")];
  }
  const errors = nonNegative(`${path}.rollingUpdate.partition`, rollingUpdate?.partition);
  const max = rollingUpdate?.maxUnavailable;
  if (max === undefined) return errors;
  const field = `${path}.rollingUpdate.maxUnavailable`;
  errors.push(...intOrPercentErrors(max, field));
  if (isZero(max)) errors.push(invalid(field, max, 'cannot be 0'));
  return [...errors, ...notMoreThanAll(max, field)];
}

/** Its pods mount its claims as if they were volumes of the template. */
const claimVolumes = (spec: StatefulSetSpec): Volume[] =>
  (spec.volumeClaimTemplates ?? []).map(({ metadata }) => {
    const name = metadata.name ?? '';
    return { name, persistentVolumeClaim: { claimName: name } };
  });

function validateSpec(spec: StatefulSetSpec): FieldError[] {
  const errors: FieldError[] = [];
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.push(required('spec.podManagementPolicy'));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel')
    errors.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  errors.push(...strategyErrors(spec));
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = retention?.[field] ?? '';
    if (retention && !RETENTIONS.includes(value))
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, RETENTIONS));
  }
  errors.push(
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.ordinals.start', spec.ordinals?.start),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  );
  const options = { name: 'statefulset', endless: 'StatefulSet', volumes: claimVolumes(spec) };
  return [...errors, ...validateSelectorAndTemplate(spec, options)];
}

function validate({ spec }: StatefulSet): FieldError[] {
  if (!spec) return [required('spec')];
  const errors = validateSpec(spec);
  const { serviceName } = spec;
  if (serviceName) errors.push(...invalidEach('spec.serviceName', serviceName, dns1123LabelErrors(serviceName)));
  for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries())
    errors.push(...validateClaimSpec(claim.spec, `spec.volumeClaimTemplates[${i}].spec`));
  return errors;
}

const UPDATE_TEXT =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function fixedPart(spec: StatefulSetSpec | undefined): unknown {
  const {
    replicas,
    ordinals,
    template,
    updateStrategy,
    revisionHistoryLimit,
    persistentVolumeClaimRetentionPolicy,
    minReadySeconds,
    ...rest
  } = spec ?? ({} as StatefulSetSpec);
  return rest;
}

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
  // Its pods are named after it, with a number more.
  nameErrors: dns1123LabelErrors,
  columns: [
    column(
      'Ready',
      'string',
      'Number of the pod with ready state',
      o => `${o.status?.readyReplicas ?? 0}/${o.spec?.replicas ?? 0}`,
    ),
    ageColumn,
    ...containerColumns<StatefulSet>(o => o.spec?.template),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    if (!spec.podManagementPolicy) spec.podManagementPolicy = 'OrderedReady';
    spec.updateStrategy ??= {};
    if (!spec.updateStrategy.type) {
      spec.updateStrategy.type = 'RollingUpdate';
      spec.updateStrategy.rollingUpdate ??= {};
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate)
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    if (!spec.persistentVolumeClaimRetentionPolicy.whenDeleted)
      spec.persistentVolumeClaimRetentionPolicy.whenDeleted = 'Retain';
    if (!spec.persistentVolumeClaimRetentionPolicy.whenScaled)
      spec.persistentVolumeClaimRetentionPolicy.whenScaled = 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    defaultPodSpec(spec.template?.spec);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = 'v1';
      claim.kind = 'PersistentVolumeClaim';
      defaultClaimSpec(claim.spec);
      claim.status = { phase: 'Pending', ...claim.status };
    }
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = { replicas: 0, availableReplicas: 0 };
  },
  validate,
  validateUpdate: ({ spec }, { spec: old }) => [
    ...(spec ? validateSpec(spec) : [required('spec')]),
    ...(sameValue(fixedPart(spec), fixedPart(old)) ? [] : [forbidden('spec', UPDATE_TEXT)]),
  ],
  validateUpdateAlone: true,
  validateStatusUpdate: ({ status }, { status: old }) => [
    ...countErrors(status, ['replicas', ...REPLICAS, 'observedGeneration', 'collisionCount']),
    ...replicaErrors(status, REPLICAS, 'cannot be greater than status.readyReplicas'),
    ...collisionErrors(status, old),
  ],
  warnings: ({ spec, metadata }, old) => {
    if (old && old.metadata.generation === metadata.generation) return [];
    const warnings = podWarnings(spec?.template?.spec, spec?.template?.metadata, 'spec.template.spec');
    for (const [i, claim] of (spec?.volumeClaimTemplates ?? []).entries())
      warnings.push(...claimWarnings(claim.spec, `spec.volumeClaimTemplates[${i}].spec`));
    if (spec?.revisionHistoryLimit !== undefined && spec.revisionHistoryLimit < 0)
      warnings.push(
        'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
      );
    return warnings;
  },
});
