import type { ControllerRevision } from '../../generated/types/apps.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { immutable, nonNegative, required } from '../errors.ts';

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  columns: [
    column('Controller', 'string', 'Controller of the object', o => {
      const owner = o.metadata.ownerReferences?.find(r => r.controller);
      if (!owner) return '<none>';
      const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
    }),
    column(
      'Revision',
      'string',
      'Revision indicates the revision of the state represented by Data.',
      o => o.revision ?? 0,
    ),
    ageColumn,
  ],
  validate: object => [
    ...(object.data === undefined ? [required('data', 'data is mandatory')] : []),
    ...nonNegative('revision', object.revision),
  ],
  validateUpdate: (object, old) => immutable('data', object.data, old.data),
});
