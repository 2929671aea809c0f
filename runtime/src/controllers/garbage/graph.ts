/**
 * Who depends on whom: pure bookkeeping over metadata.
 *
 * Invariant: `dependentsOf(uid)` are exactly the known objects that name `uid` as an owner, whether or not the owner is known.
 */
import type { OwnerReference } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { ApiObject, ResourceRef } from '../../client/resources.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

export interface Item {
  readonly ref: ResourceRef;
  readonly object: ApiObject;
}

export const ownersOf = (object: ApiObject): readonly OwnerReference[] => object.metadata.ownerReferences ?? [];

const leavesWith = (object: ApiObject, finalizer: string): boolean =>
  object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers?.includes(finalizer) ?? false);

/** Being deleted in the foreground: waits until its dependents are gone. */
export const awaitsDependents = (object: ApiObject): boolean => leavesWith(object, FOREGROUND);
/** Being deleted: its dependents are to be let go first. */
export const orphansDependents = (object: ApiObject): boolean => leavesWith(object, ORPHAN);

export class Graph {
  readonly #items = new Map<string, Item>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  items(): Iterable<Item> {
    return this.#items.values();
  }

  dependentsOf(uid: string): Item[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap(each => this.#items.get(each) ?? []);
  }

  /** Dependents that must go before an owner deleted in the foreground can. */
  blockersOf(uid: string): Item[] {
    return this.dependentsOf(uid).filter(({ object }) =>
      ownersOf(object).some(owner => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
  }

  put(ref: ResourceRef, object: ApiObject): void {
    const uid = object.metadata.uid ?? '';
    this.remove(uid);
    this.#items.set(uid, { ref, object });
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents) dependents.add(uid);
      else this.#dependents.set(owner.uid, new Set([uid]));
    }
  }

  remove(uid: string): void {
    const item = this.#items.get(uid);
    if (!item) return;
    this.#items.delete(uid);
    for (const owner of ownersOf(item.object)) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents?.delete(uid) && dependents.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** What is known of an owner. */
export type OwnerState = 'solid' | 'leaving' | 'absent';

export type Verdict =
  | { readonly do: 'nothing' }
  /** Owners that are gone or going are taken off; others remain. */
  | { readonly do: 'disown'; readonly uids: ReadonlySet<string> }
  | { readonly do: 'delete'; readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan' };

/**
 * What becomes of an object, given what is known of each owner
 * (https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion).
 */
export function judge(
  object: ApiObject,
  stateOf: (owner: OwnerReference) => OwnerState,
  hasBlockers: boolean,
): Verdict {
  const owners = ownersOf(object);
  if (owners.length === 0 || object.metadata.deletionTimestamp) return { do: 'nothing' };
  const gone = owners.filter(owner => stateOf(owner) !== 'solid');
  if (gone.length === 0) return { do: 'nothing' };
  if (gone.length < owners.length) return { do: 'disown', uids: new Set(gone.map(({ uid }) => uid)) };
  const waited = owners.some(owner => stateOf(owner) === 'leaving');
  // An owner waits for all below it: what depends on this object must be gone before this object is.
  if (waited && hasBlockers) return { do: 'delete', propagationPolicy: 'Foreground' };
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(ORPHAN)) return { do: 'delete', propagationPolicy: 'Orphan' };
  return { do: 'delete', propagationPolicy: finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background' };
}
