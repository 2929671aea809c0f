/** A finalizer that is there while an object is used: what is to be done about it, and doing it. */
import { isConflict, isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { type ApiObject, keyOf, type ResourceRef } from '../../client/resources.ts';

/** Objects get theirs from admission; those made before, or robbed of it, from us. `undefined`: nothing is to be done. */
export function stepOf({ metadata }: ApiObject, finalizer: string): 'add' | 'release' | undefined {
  const has = metadata.finalizers?.includes(finalizer) ?? false;
  if (metadata.deletionTimestamp) return has ? 'release' : undefined;
  return has ? undefined : 'add';
}

/** Onto this revision of the object only: of what has changed since, the cache will tell. @throws ApiError */
export async function settle(
  client: Client,
  ref: ResourceRef,
  object: ApiObject,
  finalizer: string,
  step: 'add' | 'release',
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion, finalizers = [] } = object.metadata;
  const others = finalizers.filter(name => name !== finalizer);
  const next = step === 'add' ? [...others, finalizer] : others;
  const metadata = { uid, resourceVersion, finalizers: next.length > 0 ? next : null };
  try {
    await client.patch(ref, keyOf(object), { metadata }, { type: 'merge', signal });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
