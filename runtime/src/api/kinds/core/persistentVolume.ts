/** PersistentVolumes (upstream: `pkg/registry/core/persistentvolume`, `ValidatePersistentVolume`). */
import { normalize } from 'node:path/posix';
import type { PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from '../../generated/types/core.v1.ts';
import { dns1123SubdomainErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { formatTime } from '../../times.ts';
import { ageColumn, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import {
  forbidden,
  immutable,
  invalid,
  invalidEach,
  keyed,
  NOT_NEGATIVE,
  notSupported,
  POSITIVE,
  required,
  sameValue,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { unifiedDiff } from '../lineDiff.ts';
import { accessModeErrors, VOLUME_MODES } from './claimValidation.ts';
import { validateNodeSelector } from './placementValidation.ts';
import { nodeTermWarnings } from './podWarnings.ts';
import { secondSource, sourceErrors } from './volumeSources.ts';
import { annotationWarnings, classText, modesText, phaseText } from './volumeTexts.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];

/** In upstream's order. */
const SOURCES = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const;

/** Names under which a second source is reported, where they are not the field's. */
const SECOND: Readonly<Record<string, string>> = { cephfs: 'cephFS' };

function capacityErrors(capacity: PersistentVolumeSpec['capacity'] = {}): FieldError[] {
  const names = Object.keys(capacity);
  const errors = names.length === 0 ? [required('spec.capacity')] : [];
  if (capacity.storage === undefined || names.length > 1)
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'spec.capacity',
      message: `Unsupported value: ${names.length > 0 ? JSON.stringify(capacity) : 'null'}: supported values: "storage"`,
    });
  for (const [name, quantity] of Object.entries(capacity)) {
    const { nanos } = parseQuantity(quantity);
    const path = keyed('spec.capacity', name);
    if (nanos < 0n) errors.push(invalid(path, quantity, NOT_NEGATIVE));
    if (nanos <= 0n) errors.push(invalid(path, quantity, POSITIVE));
  }
  return errors;
}

function affinityErrors(affinity: VolumeNodeAffinity): FieldError[] {
  const path = 'spec.nodeAffinity.required';
  return affinity.required
    ? validateNodeSelector(affinity.required.nodeSelectorTerms, `${path}.nodeSelectorTerms`)
    : [required(path, 'must specify required node constraints')];
}

function volumeSourceErrors(spec: PersistentVolumeSpec, name: string): FieldError[] {
  const errors: FieldError[] = [];
  let found = 0;
  for (const kind of SOURCES) {
    const source = spec[kind];
    if (!source) continue;
    if (found++ > 0 && kind !== 'flexVolume') {
      errors.push(secondSource(SECOND[kind] ?? kind, 'spec'));
      continue;
    }
    errors.push(...(sourceErrors(kind, source, 'spec', { name, persistent: true }) ?? []));
    if (kind === 'local' && !spec.nodeAffinity?.required)
      errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  }
  return found > 0 ? errors : [required('spec', 'must specify a volume type')];
}

function specErrors(spec: PersistentVolumeSpec, name: string): FieldError[] {
  const { persistentVolumeReclaimPolicy: policy, volumeMode, storageClassName, volumeAttributesClassName } = spec;
  const errors = [...accessModeErrors(spec.accessModes, 'spec', ''), ...capacityErrors(spec.capacity)];
  if (policy && !RECLAIM_POLICIES.includes(policy))
    errors.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES));
  if (spec.nodeAffinity) errors.push(...affinityErrors(spec.nodeAffinity));
  errors.push(...volumeSourceErrors(spec, name));
  if (policy === 'Recycle' && spec.hostPath && normalize(spec.hostPath.path ?? '') === '/')
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  if (storageClassName)
    errors.push(...invalidEach('spec.storageClassName', storageClassName, dns1123SubdomainErrors(storageClassName)));
  if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode))
    errors.push(notSupported('spec.volumeMode', volumeMode, VOLUME_MODES));
  if (volumeAttributesClassName === undefined) return errors;
  const path = 'spec.volumeAttributesClassName';
  if (volumeAttributesClassName === '') errors.push(required(path, 'an empty string is disallowed'));
  else errors.push(...invalidEach(path, volumeAttributesClassName, dns1123SubdomainErrors(volumeAttributesClassName)));
  if (!spec.csi) errors.push(required('spec.csi', 'has to be specified when using volumeAttributesClassName'));
  return errors;
}

/** Only what the volume is made of; a secret for growing may be named later. */
function sourceOf(spec: PersistentVolumeSpec, withSecret: boolean): Record<string, unknown> {
  const source: Record<string, unknown> = {};
  for (const kind of SOURCES) if (spec[kind]) source[kind] = spec[kind];
  if (!withSecret && spec.csi) {
    const { controllerExpandSecretRef: _, ...csi } = spec.csi;
    source.csi = csi;
  }
  return source;
}

/** Labels of nodes that have got another name since. */
const RENAMED: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** With today's names where `now` has them. */
function renamed(old: VolumeNodeAffinity, now: VolumeNodeAffinity | undefined): VolumeNodeAffinity {
  const copy = structuredClone(old);
  for (const [i, term] of (copy.required?.nodeSelectorTerms ?? []).entries())
    for (const [j, requirement] of (term.matchExpressions ?? []).entries()) {
      const key = now?.required?.nodeSelectorTerms?.[i]?.matchExpressions?.[j]?.key;
      if (key !== undefined && RENAMED[requirement.key] === key) requirement.key = key;
    }
  return copy;
}

function updateErrors(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const [spec, before]: [PersistentVolumeSpec, PersistentVolumeSpec] = [volume.spec ?? {}, old.spec ?? {}];
  const withSecret = before.csi?.controllerExpandSecretRef !== undefined;
  const [source, oldSource] = [sourceOf(spec, withSecret), sourceOf(before, withSecret)];
  const errors: FieldError[] = [];
  if (!sameValue(source, oldSource))
    errors.push(
      forbidden(
        'spec.persistentvolumesource',
        `spec.persistentvolumesource is immutable after creation\n${unifiedDiff(oldSource, source)}`,
      ),
    );
  errors.push(...immutable('volumeMode', spec.volumeMode, before.volumeMode));
  if (before.nodeAffinity)
    errors.push(...immutable('nodeAffinity', spec.nodeAffinity, renamed(before.nodeAffinity, spec.nodeAffinity)));
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  return errors;
}

const PLUGINS_GONE: readonly (readonly [keyof PersistentVolumeSpec, name: string, text: string])[] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

function warnings(volume: PersistentVolume): string[] {
  const { spec } = volume;
  const texts = annotationWarnings(volume);
  if (spec?.persistentVolumeReclaimPolicy === 'Recycle')
    texts.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  for (const [i, term] of (spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries())
    texts.push(...nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`));
  for (const [field, name, text] of PLUGINS_GONE) if (spec?.[field]) texts.push(`spec.${name}: ${text}`);
  return texts;
}

const now = (): string => formatTime(Math.floor(Date.now() / 1000));

export const persistentVolume = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  shortNames: ['pv'],
  selectableFieldNames: ['name'],
  selectableFields: o => ({ name: o.metadata.name ?? '' }),
  columns: [
    column(
      'Capacity',
      'string',
      "The persistent volume's resources and capacity.",
      o => o.spec?.capacity?.storage ?? '0',
    ),
    column('Access Modes', 'string', 'All ways the volume can be mounted.', o => modesText(o.spec?.accessModes)),
    column(
      'Reclaim Policy',
      'string',
      'What happens to a persistent volume when released from its claim.',
      o => o.spec?.persistentVolumeReclaimPolicy ?? '',
    ),
    column('Status', 'string', 'Whether a volume is available, bound to a claim, or released by a claim.', phaseText),
    column('Claim', 'string', 'The claim this volume is bound to.', o =>
      o.spec?.claimRef ? `${o.spec.claimRef.namespace ?? ''}/${o.spec.claimRef.name ?? ''}` : '',
    ),
    column('StorageClass', 'string', 'Name of StorageClass to which this persistent volume belongs.', classText),
    column(
      'VolumeAttributesClass',
      'string',
      'Name of the VolumeAttributesClass of this volume.',
      o => o.spec?.volumeAttributesClassName ?? '<unset>',
    ),
    column('Reason', 'string', 'Why the volume is in this state.', o => o.status?.reason ?? ''),
    ageColumn,
    wide(
      'VolumeMode',
      'string',
      'Whether the volume is formatted or used as a raw block device.',
      o => o.spec?.volumeMode ?? '<unset>',
    ),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    if (!spec.persistentVolumeReclaimPolicy) spec.persistentVolumeReclaimPolicy = 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath) spec.hostPath.type ??= '';
    if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default';
    if (spec.rbd) {
      spec.rbd.pool ||= 'rbd';
      spec.rbd.user ||= 'admin';
      spec.rbd.keyring ||= '/etc/ceph/keyring';
    }
    if (spec.azureDisk) {
      spec.azureDisk.cachingMode ??= 'ReadWrite';
      spec.azureDisk.kind ??= 'Shared';
      spec.azureDisk.fsType ??= 'ext4';
      spec.azureDisk.readOnly ??= false;
    }
    if (spec.scaleIO) {
      spec.scaleIO.storageMode ||= 'ThinProvisioned';
      spec.scaleIO.fsType ||= 'xfs';
    }
  },
  prepareForCreate: object => {
    object.status = {
      phase: 'Pending',
      lastPhaseTransitionTime: object.metadata.creationTimestamp ?? now(),
    };
  },
  prepareForUpdate: () => undefined,
  validate: ({ metadata, spec }) => specErrors(spec ?? {}, metadata.name ?? ''),
  validateUpdate: updateErrors,
  prepareForStatusUpdate: (object, old) => {
    const { status } = object;
    if (!status || status.phase === old.status?.phase) return;
    if (status.lastPhaseTransitionTime === old.status?.lastPhaseTransitionTime) status.lastPhaseTransitionTime = now();
  },
  warnings,
});
