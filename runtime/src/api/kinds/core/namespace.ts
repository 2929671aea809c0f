/** Namespaces (upstream: `pkg/registry/core/namespace`). */
import type { Namespace } from '../../generated/types/core.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';

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
});
