/** The Name column of kinds that mark the object which is the default of its kind. */
import type { ObjectMeta } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { Column } from './kind.ts';

/** `fast (default)` where one of `annotations` is `true`. For kinds with `ownNameColumn`. */
export function defaultMarkedName(...annotations: readonly string[]): Column<{ readonly metadata: ObjectMeta }> {
  return {
    name: 'Name',
    type: 'string',
    format: 'name',
    description:
      'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.',
    priority: 0,
    cell: ({ metadata }) => {
      const isDefault = annotations.some(annotation => metadata.annotations?.[annotation] === 'true');
      return isDefault ? `${metadata.name ?? ''} (default)` : (metadata.name ?? '');
    },
  };
}
