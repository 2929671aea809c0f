/** Validation of what a claim asks for, also where it is a template (upstream: `ValidatePersistentVolumeClaimSpec`). */
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { child, forbidden, invalid, invalidEach, keyed, notSupported, POSITIVE, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];

/** `path` is the spec's. */
export function accessModeErrors(modes: readonly string[] | undefined, path: string, missing: string): FieldError[] {
  const field = child(path, 'accessModes');
  if (!modes?.length) return [required(field, missing)];
  const errors = modes
    .filter(mode => !ACCESS_MODES.includes(mode))
    .map(mode => notSupported(field, mode, ACCESS_MODES));
  const others = modes.some(mode => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode));
  if (others && modes.includes('ReadWriteOncePod'))
    errors.push(forbidden(field, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

function sourceErrors(source: TypedObjectReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!source.name) errors.push(required(child(path, 'name')));
  if (!source.kind) errors.push(required(child(path, 'kind')));
  const group = source.apiGroup ?? '';
  if (group === '' && source.kind !== 'PersistentVolumeClaim')
    errors.push(
      invalid(path, source.kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"),
    );
  if (group !== '') errors.push(...invalidEach(child(path, 'apiGroup'), group, dns1123SubdomainErrors(group)));
  const { namespace } = source;
  if (namespace) errors.push(...invalidEach(child(path, 'namespace'), namespace, dns1123LabelErrors(namespace)));
  return errors;
}

function storageErrors(storage: string | undefined, path: string): FieldError[] {
  if (storage === undefined) return [required(path)];
  return parseQuantity(storage).nanos <= 0n ? [invalid(path, storage, POSITIVE)] : [];
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec | undefined, path: string): FieldError[] {
  const errors = accessModeErrors(spec?.accessModes, path, 'at least 1 access mode is required');
  if (spec?.selector) errors.unshift(...validateLabelSelector(spec.selector, child(path, 'selector')));
  errors.push(...storageErrors(spec?.resources?.requests?.storage, keyed(child(path, 'resources'), 'storage')));
  for (const field of ['storageClassName', 'volumeAttributesClassName'] as const) {
    const name = spec?.[field];
    if (name) errors.push(...invalidEach(child(path, field), name, dns1123SubdomainErrors(name)));
  }
  const mode = spec?.volumeMode;
  if (mode !== undefined && !VOLUME_MODES.includes(mode))
    errors.push(notSupported(child(path, 'volumeMode'), mode, VOLUME_MODES));
  const { dataSource, dataSourceRef } = spec ?? {};
  if (dataSource) errors.push(...sourceErrors(dataSource, child(path, 'dataSource')));
  if (dataSourceRef) errors.push(...sourceErrors(dataSourceRef, child(path, 'dataSourceRef')));
  if (!dataSource || !dataSourceRef) return errors;
  // Upstream shows the path itself as the value, which has nothing to show.
  if (dataSourceRef.namespace)
    errors.push(invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified'));
  else if (
    dataSource.apiGroup !== dataSourceRef.apiGroup ||
    dataSource.kind !== dataSourceRef.kind ||
    dataSource.name !== dataSourceRef.name
  )
    errors.push(invalid(path, {}, 'must match dataSourceRef'));
  return errors;
}
