/** StorageClasses and VolumeAttributesClasses (upstream: `pkg/apis/storage/validation`). */
import type { TopologySelectorTerm } from '../../generated/types/core.v1.ts';
import type { StorageClass, VolumeAttributesClass } from '../../generated/types/storage.v1.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import {
  at,
  child,
  duplicate,
  forbidden,
  immutable,
  invalidEach,
  notSupported,
  required,
  sameValue,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { defaultMarkedName } from '../nameColumn.ts';
import { parameterErrors, provisionerErrors } from './parameters.ts';

const group = 'storage.k8s.io';
const version = 'v1';
const RECLAIM = ['Delete', 'Retain'];
const BINDING = ['Immediate', 'WaitForFirstConsumer'];

const fixed = (field: string, value: unknown, old: unknown): FieldError[] =>
  sameValue(value, old) ? [] : [forbidden(field, `updates to ${field} are forbidden.`)];

function termErrors({ matchLabelExpressions = [] }: TopologySelectorTerm, path: string): FieldError[] {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key, values }, i) => {
    const here = at(child(path, 'matchLabelExpressions'), i);
    const errors: FieldError[] = [];
    const seen = new Set<string>();
    if (!values?.length) errors.push(required(child(here, 'values')));
    for (const [j, value] of (values ?? []).entries()) {
      const field = at(child(here, 'values'), j);
      if (seen.has(value)) errors.push(duplicate(field, value));
      seen.add(value);
      errors.push(...invalidEach(field, value, labelValueErrors(value)));
    }
    errors.push(...invalidEach(child(here, 'key'), key, qualifiedNameErrors(key)));
    if (keys.has(key)) errors.push(duplicate(child(here, 'key'), key));
    keys.add(key);
    return errors;
  });
}

/** The order of values does not make two terms differ. */
const termKey = ({ matchLabelExpressions = [] }: TopologySelectorTerm): string =>
  JSON.stringify(matchLabelExpressions.map(({ key, values }) => [key, [...(values ?? [])].sort()]).sort());

function topologyErrors(terms: readonly TopologySelectorTerm[] | undefined): FieldError[] {
  const seen = new Set<string>();
  return (terms ?? []).flatMap((term, i) => {
    const path = at('allowedTopologies', i);
    const errors = termErrors(term, path);
    if (seen.has(termKey(term))) errors.push(duplicate(child(path, 'matchLabelExpressions'), ''));
    seen.add(termKey(term));
    return errors;
  });
}

export const storageClass = defineKind<StorageClass>({
  group,
  version,
  kind: 'StorageClass',
  shortNames: ['sc'],
  ownNameColumn: true,
  columns: [
    defaultMarkedName(
      'storageclass.kubernetes.io/is-default-class',
      'storageclass.beta.kubernetes.io/is-default-class',
    ),
    column('Provisioner', 'string', 'provisioner indicates the type of the provisioner.', o => o.provisioner),
    column(
      'ReclaimPolicy',
      'string',
      'reclaimPolicy controls the reclaimPolicy for dynamically provisioned PersistentVolumes of this storage class. Defaults to Delete.',
      o => o.reclaimPolicy ?? 'Delete',
    ),
    column(
      'VolumeBindingMode',
      'string',
      'volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound. When unset, VolumeBindingImmediate is used. This field is only honored by servers that enable the VolumeScheduling feature.',
      o => o.volumeBindingMode ?? 'Immediate',
    ),
    column(
      'AllowVolumeExpansion',
      'string',
      'allowVolumeExpansion shows whether the storage class allow volume expand.',
      o => o.allowVolumeExpansion ?? false,
    ),
    ageColumn,
  ],
  defaults: object => {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate: object => {
    const { provisioner = '', reclaimPolicy = '', volumeBindingMode = '' } = object;
    return [
      ...provisionerErrors('provisioner', provisioner),
      ...parameterErrors(object.parameters, true),
      ...(reclaimPolicy === '' || RECLAIM.includes(reclaimPolicy)
        ? []
        : [notSupported('reclaimPolicy', reclaimPolicy, RECLAIM)]),
      ...(BINDING.includes(volumeBindingMode) ? [] : [notSupported('volumeBindingMode', volumeBindingMode, BINDING)]),
      ...topologyErrors(object.allowedTopologies),
    ];
  },
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...fixed('parameters', object.parameters, old.parameters),
    ...fixed('provisioner', object.provisioner, old.provisioner),
    ...fixed('reclaimPolicy', object.reclaimPolicy, old.reclaimPolicy),
    ...immutable('volumeBindingMode', object.volumeBindingMode, old.volumeBindingMode),
  ],
});

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group,
  version,
  kind: 'VolumeAttributesClass',
  shortNames: ['vac'],
  ownNameColumn: true,
  columns: [
    defaultMarkedName('volumeattributesclass.alpha.kubernetes.io/is-default-class'),
    column('DriverName', 'string', 'Name of the CSI driver', o => o.driverName),
    ageColumn,
  ],
  validate: object => [
    ...provisionerErrors('driverName', object.driverName ?? ''),
    ...parameterErrors(object.parameters, false),
  ],
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...fixed('driverName', object.driverName, old.driverName),
    ...fixed('parameters', object.parameters, old.parameters),
    ...provisionerErrors('driverName', object.driverName ?? ''),
    ...parameterErrors(object.parameters, false),
  ],
});
