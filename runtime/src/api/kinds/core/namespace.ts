/** Namespaces (upstream: `pkg/registry/core/namespace`). */
import type { Namespace } from '../../generated/types/core.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { invalid, invalidEach } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { finalizerNameErrors } from '../objectMeta.ts';

const finalizerErrors = (name: string, path: string): FieldError[] => [
  ...invalidEach(path, name, qualifiedNameErrors(name)),
  ...finalizerNameErrors(name, path),
];

export const namespace = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  shortNames: ['ns'],
  selectableFieldNames: ['name', 'status.phase'],
  selectableFields: o => ({ name: o.metadata.name ?? '', 'status.phase': o.status?.phase ?? '' }),
  columns: [column('Status', 'string', 'The status of the namespace', o => o.status?.phase ?? ''), ageColumn],
  defaults: object => {
    if (!object.metadata.name) return;
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  },
  prepareForCreate: object => {
    object.status = { phase: 'Active' };
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = { ...object.spec, finalizers: [...new Set([...finalizers, 'kubernetes'])] };
  },
  // What keeps a namespace from going is changed through its finalize subresource only.
  prepareForUpdate: (object, old) => {
    object.spec = { ...object.spec, finalizers: old.spec?.finalizers ?? [] };
  },
  validate: ({ spec }) => (spec?.finalizers ?? []).flatMap(name => finalizerErrors(name, 'spec.finalizers')),
  validateUpdate: () => [],
  validateUpdateAlone: true,
  validateStatusUpdate: ({ metadata, status }) => {
    const phase = status?.phase ?? '';
    if (metadata.deletionTimestamp === undefined)
      return phase === 'Active'
        ? []
        : [invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    return phase === 'Terminating'
      ? []
      : [invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
  },
});
