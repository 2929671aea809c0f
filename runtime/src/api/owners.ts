/** Who controls an object (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/); pure. */
import type { ObjectMeta, OwnerReference } from './generated/types/apimachinery.pkg.apis.meta.v1.ts';

/** The one owner that manages the object, of all that it has. */
export function controllerOf(object: { readonly metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(reference => reference.controller);
}
