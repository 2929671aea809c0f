/** PersistentVolumeClaims (upstream: `pkg/registry/core/persistentvolumeclaim`, `ValidatePersistentVolumeClaim`). */
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/types/core.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { ageColumn, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalid, keyed, NOT_NEGATIVE, notSupported, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { unifiedDiff } from '../lineDiff.ts';
import { defaultClaimSpec } from './claimDefaults.ts';
import { validateClaimSpec } from './claimValidation.ts';
import { claimWarnings } from './claimWarnings.ts';
import { annotationWarnings, classText, modesText, phaseText, STORAGE_CLASS_ANNOTATION } from './volumeTexts.ts';

const IMMUTABLE_SPEC =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
const RESIZE_STATUSES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** A claim is filled from one source, which has two fields for it. In place. */
function settleSources(spec: PersistentVolumeClaimSpec): void {
  const { dataSource } = spec;
  if (dataSource) {
    const isClaim = dataSource.kind === 'PersistentVolumeClaim' && !dataSource.apiGroup;
    const isSnapshot = dataSource.kind === 'VolumeSnapshot' && dataSource.apiGroup === 'snapshot.storage.k8s.io';
    // Anything else is what only the newer field may name.
    if (!isClaim && !isSnapshot) delete spec.dataSource;
  }
  if (spec.dataSourceRef?.namespace) return;
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource) {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name };
  }
}

/** The class has been named by an annotation, or by nothing, and may now be named by its field. */
function classMayBeNamed(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const [name, before] = [claim.spec?.storageClassName, old.spec?.storageClassName];
  const annotated = old.metadata.annotations?.[STORAGE_CLASS_ANNOTATION];
  return name !== undefined && before === undefined && (annotated === undefined || annotated === name);
}

function annotationErrors(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [now, before] = [claim, old].map(o => o.metadata.annotations?.[STORAGE_CLASS_ANNOTATION]);
  const upgraded = before !== undefined && classMayBeNamed(claim, old) && now === undefined;
  return upgraded || (now ?? '') === (before ?? '')
    ? []
    : [invalid(keyed('metadata.annotations', STORAGE_CLASS_ANNOTATION), now ?? '', 'field is immutable')];
}

/** The new spec with what may change as it was. */
function withoutAllowed(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): PersistentVolumeClaimSpec {
  const [spec, before] = [claim.spec ?? {}, old.spec ?? {}];
  const rest: PersistentVolumeClaimSpec = { ...spec };
  // A claim is bound once.
  if (!before.volumeName) rest.volumeName = before.volumeName;
  if (classMayBeNamed(claim, old)) rest.storageClassName = before.storageClassName;
  if (claim.status?.phase !== 'Bound') return rest;
  rest.volumeAttributesClassName = before.volumeAttributesClassName;
  const storage = before.resources?.requests?.storage;
  if (rest.resources?.requests && storage !== undefined)
    rest.resources = { ...rest.resources, requests: { ...rest.resources.requests, storage } };
  return rest;
}

function sizeErrors(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const size = claim.spec?.resources?.requests?.storage ?? '0';
  const before = old.spec?.resources?.requests?.storage ?? '0';
  const actual = old.status?.capacity?.storage ?? '0';
  return compareQuantities(size, before) < 0 && compareQuantities(size, actual) <= 0
    ? [forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')]
    : [];
}

function classRemovalErrors(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [name, before] = [claim.spec?.volumeAttributesClassName, old.spec?.volumeAttributesClassName];
  if (name === before || old.status?.currentVolumeAttributesClassName === undefined || name) return [];
  const to = name === undefined ? 'nil' : 'empty string';
  return [
    forbidden(
      'spec.volumeAttributesClassName',
      `update to ${to} is forbidden when status.currentVolumeAttributesClassName is not nil`,
    ),
  ];
}

function updateErrors(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const rest = withoutAllowed(claim, old);
  const before = old.spec ?? {};
  return [
    ...annotationErrors(claim, old),
    ...(sameValue(rest, before) ? [] : [forbidden('spec', `${IMMUTABLE_SPEC}\n${unifiedDiff(before, rest)}`)]),
    ...sizeErrors(claim, old),
    ...immutable('volumeMode', claim.spec?.volumeMode, before.volumeMode),
    ...classRemovalErrors(claim, old),
  ];
}

/** A claim asks for storage; others may be measured under names of their own domains. */
function resourceKeyErrors(name: string, path: string): FieldError[] {
  const wrong = qualifiedNameErrors(name).map(text => invalid(path, name, text));
  if (wrong.length > 0) return wrong;
  const native = !name.includes('/') || name.slice(0, name.indexOf('/')).endsWith('kubernetes.io');
  return native && name !== 'storage' ? [notSupported(path, name, ['storage'])] : [];
}

const amountErrors = (quantity: string, path: string): FieldError[] =>
  parseQuantity(quantity).nanos < 0n ? [invalid(path, quantity, NOT_NEGATIVE)] : [];

function statusErrors({ spec, status }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = spec?.accessModes?.length ? [] : [required('Spec.accessModes')];
  for (const [name, quantity] of Object.entries(status?.capacity ?? {}))
    errors.push(...amountErrors(quantity, keyed('status.capacity', name)));
  for (const [name, state] of Object.entries(status?.allocatedResourceStatuses ?? {})) {
    errors.push(...resourceKeyErrors(name, 'status.allocatedResourceStatuses'));
    if (!RESIZE_STATUSES.includes(state))
      errors.push(notSupported('status.allocatedResourceStatuses', name, RESIZE_STATUSES));
  }
  for (const [name, quantity] of Object.entries(status?.allocatedResources ?? {})) {
    const wrong = resourceKeyErrors(name, 'status.allocatedResources');
    errors.push(...(wrong.length > 0 ? wrong : amountErrors(quantity, keyed('status.allocatedResources', name))));
  }
  return errors;
}

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
  selectableFieldNames: ['name'],
  selectableFields: o => ({ name: o.metadata.name ?? '' }),
  columns: [
    column('Status', 'string', 'The current phase of the claim.', phaseText),
    column('Volume', 'string', 'The volume this claim is bound to.', o => o.spec?.volumeName ?? ''),
    column('Capacity', 'string', 'The actual resources of the underlying volume.', o =>
      o.spec?.volumeName ? (o.status?.capacity?.storage ?? '0') : '',
    ),
    column('Access Modes', 'string', 'The ways the volume can be mounted.', o =>
      o.spec?.volumeName ? modesText(o.status?.accessModes) : '',
    ),
    column('StorageClass', 'string', 'Name of the StorageClass required by the claim.', classText),
    column(
      'VolumeAttributesClass',
      'string',
      'Name of the VolumeAttributesClass of the claim.',
      o => o.spec?.volumeAttributesClassName ?? '<unset>',
    ),
    ageColumn,
    wide('VolumeMode', 'string', 'What type of volume is required by the claim.', o => o.spec?.volumeMode ?? '<unset>'),
  ],
  defaults: ({ spec }) => defaultClaimSpec(spec),
  prepareForCreate: object => {
    object.status = { phase: 'Pending' };
    if (object.spec) settleSources(object.spec);
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => validateClaimSpec(spec, 'spec'),
  validateUpdate: updateErrors,
  validateStatusUpdate: statusErrors,
  warnings: claim => [...annotationWarnings(claim), ...claimWarnings(claim.spec, 'spec')],
});
