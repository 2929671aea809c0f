/**
 * Recording who wrote what, on every create, update and patch (upstream: `managedfields.FieldManager.Update`).
 *
 * Always true: a write that changes nothing changes no entry; an object that nobody tracks (it was reset, or is older than
 * tracking) is tracked again from its first apply on.
 */
import { TypedError } from '../../api/apply/elements.ts';
import { equalValues } from '../../api/apply/equal.ts';
import { union } from '../../api/apply/fieldSet.ts';
import {
  capped,
  decodeSent,
  decodeStored,
  encodeManaged,
  identify,
  isReset,
  type Managed,
  type Manager,
  nobody,
} from '../../api/apply/managedFields.ts';
import type { ManagedFieldsEntry } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { timestamp } from '../objectMeta.ts';
import { comparable, managerIn, ownedByMaker, SELF, settled, updaterOf, type Writing } from './owners.ts';

type Entries = readonly ManagedFieldsEntry[] | undefined;

/**
 * Sets `metadata.managedFields` of an object about to be written, defaults filled in.
 *
 * @param next as the client wants it, with the entries it sent
 * @param live as it is stored; undefined: it is created
 */
export function trackWrite(writing: Writing, next: KubeObject, live: KubeObject | undefined): void {
  const sent = next.metadata.managedFields;
  const stored = live?.metadata.managedFields;
  delete next.metadata.managedFields;
  const { managed, entries } = known(sent, stored, writing.subresource !== '');
  if (managed.owners.size === 0 && live) return;
  const tracked = afterWrite(writing, managed, next, live);
  const result = tracked === managed ? (entries ?? encodeManaged(managed)) : tracked && encodeManaged(tracked);
  if (result) next.metadata.managedFields = [...result];
}

/** The entries to go on with: those of the object as sent where they can be used, else those it had. */
function known(
  sent: Entries,
  stored: Entries,
  ofSubresource: boolean,
): { readonly managed: Managed; readonly entries?: Entries } {
  if (!ofSubresource && sent !== undefined && !equalValues(sent, stored)) {
    if (isReset(sent)) return { managed: nobody };
    const own = readable(sent);
    if (own && own.owners.size > 0) return { managed: own };
  }
  return { managed: decodeStored(stored), entries: stored };
}

function readable(sent: readonly ManagedFieldsEntry[]): Managed | undefined {
  try {
    return decodeSent(sent);
  } catch {
    return undefined; // clients that do not understand the entries must not destroy them
  }
}

/** Of a new object. */
function made(writing: Writing, manager: Manager, object: KubeObject): Managed | undefined {
  try {
    const owned = ownedByMaker(writing, manager.apiVersion, object);
    if (!owned) return nobody;
    const id = identify(manager);
    return { owners: new Map([[id, owned]]), times: new Map([[id, timestamp(writing.nowMs)]]) };
  } catch (error) {
    if (error instanceof TypedError) return undefined;
    throw error;
  }
}

/** The same value where nothing changes; undefined where the object is not of its type, which its validation will say. */
function afterWrite(
  writing: Writing,
  managed: Managed,
  next: KubeObject,
  live: KubeObject | undefined,
): Managed | undefined {
  const manager = managerIn(writing, 'Update');
  const { apiVersion } = manager;
  if (!live && managed.owners.size === 0) return made(writing, manager, next);
  const before = live
    ? { apiVersion: live.apiVersion, value: comparable(live, next.metadata.resourceVersion) }
    : { apiVersion, value: {} };
  try {
    const owners = updaterOf(writing).update(before, { apiVersion, value: next }, managed.owners, SELF);
    if (owners === managed.owners) return managed;
    const time = timestamp(writing.nowMs);
    return capped(
      settled(managed, owners, manager, time, (own, previous) =>
        previous ? { ...own, fields: union(own.fields, previous.fields) } : own,
      ),
    );
  } catch (error) {
    if (error instanceof TypedError) return undefined;
    throw error;
  }
}
