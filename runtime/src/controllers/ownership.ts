/**
 * Who controls whom: a controller owns the objects that name it as controller, takes over orphans its selector matches
 * and lets go of what it no longer matches
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/).
 */
import type { OwnerReference } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { controllerOf } from '../api/owners.ts';
import { isInvalid, isNotFound } from '../client/apiError.ts';
import type { Client } from '../client/client.ts';
import { type ApiObject, apiVersionOf, keyOf, type ResourceRef } from '../client/resources.ts';

/** The reference a controller writes into what it creates. */
export function controllerReference(ref: ResourceRef, owner: ApiObject): OwnerReference {
  const { name = '', uid = '' } = owner.metadata;
  return { apiVersion: apiVersionOf(ref), kind: ref.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export interface Claims<T> {
  readonly keep: T[];
  readonly adopt: T[];
  readonly release: T[];
}

/** Pure: sorts candidates by what should become of them. A controller being deleted neither adopts nor releases. */
export function claim<T extends ApiObject>(
  owner: ApiObject,
  candidates: Iterable<T>,
  matches: (labels: Record<string, string> | undefined) => boolean,
): Claims<T> {
  const claims: Claims<T> = { keep: [], adopt: [], release: [] };
  const leaving = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const wanted = matches(object.metadata.labels);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (wanted) claims.keep.push(object);
      else if (!leaving) claims.release.push(object);
    } else if (wanted && !leaving && !object.metadata.deletionTimestamp) claims.adopt.push(object);
  }
  return claims;
}

/** Carries {@link Claims} out. @returns what the owner now owns. */
export async function settleClaims<O extends ApiObject, T extends ApiObject>(
  client: Client,
  ownerRef: ResourceRef<O>,
  owner: O,
  ref: ResourceRef<T>,
  { keep, adopt, release }: Claims<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const owned = [...keep];
  if (adopt.length > 0) {
    // The cache may show an owner that is gone: adopting for a ghost would hand its children to the garbage collector.
    const live = await client.get(ownerRef, keyOf(owner), { signal });
    if (live.metadata.uid !== owner.metadata.uid || live.metadata.deletionTimestamp) {
      throw new Error(`${ownerRef.kind} ${owner.metadata.name} was deleted: nothing is adopted for it`);
    }
  }
  for (const object of adopt) {
    const patch = {
      metadata: { uid: object.metadata.uid, ownerReferences: [controllerReference(ownerRef, owner)] },
    };
    try {
      await client.patch(ref, keyOf(object), patch, { type: 'strategic', signal });
      owned.push(object);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  for (const object of release) {
    const patch = {
      metadata: { uid: object.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }] },
    };
    try {
      await client.patch(ref, keyOf(object), patch, { type: 'strategic', signal });
    } catch (error) {
      // Gone, or another object of that name by now.
      if (!isNotFound(error) && !isInvalid(error)) throw error;
    }
  }
  return owned;
}
