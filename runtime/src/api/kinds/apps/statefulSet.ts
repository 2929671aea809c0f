import type { StatefulSet } from '../../generated/types/apps.v1.ts';
import { ageColumn, column, containerColumns } from '../columns.ts';
import { defaultClaimSpec } from '../core/claimDefaults.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import { forbidden, invalid, nonNegative, notSupported, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateSelectorAndTemplate } from './workload.ts';

const POLICIES = ['OrderedReady', 'Parallel'];
const RETENTIONS = ['Retain', 'Delete'];

function validate({ spec }: StatefulSet): FieldError[] {
  if (!spec) return [required('spec')];
  const errors: FieldError[] = [];
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.push(required('spec.podManagementPolicy'));
  else if (!POLICIES.includes(policy)) errors.push(notSupported('spec.podManagementPolicy', policy, POLICIES));
  const { type = '', rollingUpdate } = spec.updateStrategy ?? {};
  if (type === '') errors.push(required('spec.updateStrategy'));
  else if (type === 'OnDelete' && rollingUpdate)
    errors.push(
      invalid('spec.updateStrategy.rollingUpdate', rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"),
    );
  else if (type === 'RollingUpdate')
    errors.push(...nonNegative('spec.updateStrategy.rollingUpdate.partition', rollingUpdate?.partition));
  else if (type !== 'OnDelete')
    errors.push(invalid('spec.updateStrategy', spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"));
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = spec.persistentVolumeClaimRetentionPolicy?.[field];
    if (value !== undefined && !RETENTIONS.includes(value))
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, RETENTIONS));
  }
  errors.push(
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
  );
  if (spec.ordinals) errors.push(...nonNegative('spec.ordinals.start', spec.ordinals.start));
  return [...errors, ...validateSelectorAndTemplate(spec, 'empty selector is invalid for statefulset')];
}

const UPDATE_TEXT =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
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
    if (!spec.updateStrategy.type) spec.updateStrategy.type = 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain';
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
    object.status = { replicas: 0 };
  },
  validate,
  validateUpdate: ({ spec }, { spec: old }) => {
    const fixed = (of: typeof spec): unknown => {
      const {
        replicas,
        ordinals,
        template,
        updateStrategy,
        revisionHistoryLimit,
        persistentVolumeClaimRetentionPolicy,
        minReadySeconds,
        ...rest
      } = of ?? ({} as NonNullable<typeof spec>);
      return rest;
    };
    return sameValue(fixed(spec), fixed(old)) ? [] : [forbidden('spec', UPDATE_TEXT)];
  },
});
