/** PersistentVolumes and their claims. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types/core.v1.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { ageColumn, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, forbidden, invalid, keyed, notSupported, POSITIVE, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import { defaultClaimSpec } from './claimDefaults.ts';
import { validateNodeSelector } from './placementValidation.ts';

const SHORT: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const MODES = Object.keys(SHORT).sort();
const PV_KEYS = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);

const modes = (list: readonly string[] | undefined): string =>
  Object.keys(SHORT)
    .filter(mode => list?.includes(mode))
    .map(mode => SHORT[mode])
    .join(',');

function modeErrors(list: readonly string[] | undefined): FieldError[] {
  if (!list?.length) return [required('spec.accessModes', 'at least 1 access mode is required')];
  return list.flatMap((mode, i) =>
    MODES.includes(mode) ? [] : [notSupported(at('spec.accessModes', i), mode, MODES)],
  );
}

const className = (object: PersistentVolume | PersistentVolumeClaim): string =>
  object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? object.spec?.storageClassName ?? '';

const phase = (object: PersistentVolume | PersistentVolumeClaim): string =>
  object.metadata.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating';

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
      o => o.spec?.capacity?.storage ?? '',
    ),
    column('Access Modes', 'string', 'All ways the volume can be mounted.', o => modes(o.spec?.accessModes)),
    column(
      'Reclaim Policy',
      'string',
      'What happens to a persistent volume when released from its claim.',
      o => o.spec?.persistentVolumeReclaimPolicy ?? '',
    ),
    column('Status', 'string', 'Whether a volume is available, bound to a claim, or released by a claim.', phase),
    column('Claim', 'string', 'The claim this volume is bound to.', o =>
      o.spec?.claimRef ? `${o.spec.claimRef.namespace ?? ''}/${o.spec.claimRef.name ?? ''}` : '',
    ),
    column('StorageClass', 'string', 'Name of StorageClass to which this persistent volume belongs.', className),
    column(
      'VolumeAttributesClass',
      'string',
      'Name of the VolumeAttributesClass of this volume.',
      o => o.spec?.volumeAttributesClassName || '<unset>',
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
  },
  prepareForCreate: object => {
    object.status = { phase: 'Pending' };
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => {
    if (!spec) return [required('spec')];
    const errors = modeErrors(spec.accessModes);
    if (!spec.capacity?.storage) errors.push(notSupported('spec.capacity', spec.capacity ?? null, ['storage']));
    else if (parseQuantity(spec.capacity.storage).nanos <= 0n)
      errors.push(invalid(keyed('spec.capacity', 'storage'), spec.capacity.storage, POSITIVE));
    const sources = Object.keys(spec).filter(key => !PV_KEYS.has(key));
    if (sources.length === 0) errors.push(required('spec', 'must specify a volume type'));
    for (const source of sources.slice(1))
      errors.push(forbidden(`spec.${source}`, 'may not specify more than 1 volume type'));
    const affinity = spec.nodeAffinity?.required;
    if (spec.nodeAffinity && !affinity)
      errors.push(required('spec.nodeAffinity.required', 'must specify required node constraints'));
    if (affinity)
      errors.push(...validateNodeSelector(affinity.nodeSelectorTerms, 'spec.nodeAffinity.required.nodeSelectorTerms'));
    return errors;
  },
  validateUpdate: ({ spec }, { spec: old }) => {
    const source = (of: typeof spec): unknown =>
      Object.fromEntries(Object.entries(of ?? {}).filter(([key]) => !PV_KEYS.has(key)));
    return sameValue(source(spec), source(old))
      ? []
      : [forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')];
  },
});

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
  selectableFieldNames: ['name'],
  selectableFields: o => ({ name: o.metadata.name ?? '' }),
  columns: [
    column('Status', 'string', 'The current phase of the claim.', phase),
    column('Volume', 'string', 'The volume this claim is bound to.', o => o.spec?.volumeName ?? ''),
    column('Capacity', 'string', 'The actual resources of the underlying volume.', o =>
      o.spec?.volumeName ? (o.status?.capacity?.storage ?? '0') : '',
    ),
    column('Access Modes', 'string', 'The ways the volume can be mounted.', o =>
      o.spec?.volumeName ? modes(o.status?.accessModes) : '',
    ),
    column('StorageClass', 'string', 'Name of the StorageClass required by the claim.', className),
    column(
      'VolumeAttributesClass',
      'string',
      'Name of the VolumeAttributesClass of the claim.',
      o => o.spec?.volumeAttributesClassName || '<unset>',
    ),
    ageColumn,
    wide('VolumeMode', 'string', 'What type of volume is required by the claim.', o => o.spec?.volumeMode ?? '<unset>'),
  ],
  defaults: ({ spec }) => defaultClaimSpec(spec),
  prepareForCreate: object => {
    object.status = { phase: 'Pending' };
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => {
    if (!spec) return [required('spec')];
    const errors = [...modeErrors(spec.accessModes), ...validateLabelSelector(spec.selector, 'spec.selector')];
    const storage = spec.resources?.requests?.storage;
    if (storage === undefined) errors.push(required(keyed('spec.resources', 'storage')));
    else if (parseQuantity(storage).nanos <= 0n)
      errors.push(invalid(keyed('spec.resources', 'storage'), storage, POSITIVE));
    return errors;
  },
  validateUpdate: ({ spec }, { spec: old }) => {
    const fixed = (of: typeof spec): unknown => {
      const { resources, volumeName, volumeAttributesClassName, ...rest } = of ?? {};
      // A claim may be bound once.
      return old?.volumeName ? { ...rest, volumeName } : rest;
    };
    if (!sameValue(fixed(spec), fixed(old)))
      return [
        forbidden(
          'spec',
          'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
        ),
      ];
    const [now, before] = [spec?.resources?.requests?.storage, old?.resources?.requests?.storage];
    return now !== undefined && before !== undefined && compareQuantities(now, before) < 0
      ? [forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')]
      : [];
  },
});
