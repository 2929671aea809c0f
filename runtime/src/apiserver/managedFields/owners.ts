/** What tracking and applying share: a resource's types, and the fields that nobody owns. */

import { difference, equalSets, type FieldSet, fieldPath, isEmptySet, setOf } from '../../api/apply/fieldSet.ts';
import { frozen } from '../../api/apply/fieldsText.ts';
import { isMap } from '../../api/apply/forms.ts';
import { identify, type Managed, type Manager } from '../../api/apply/managedFields.ts';
import { fieldsOfNew } from '../../api/apply/newFields.ts';
import { type Converter, type Owned, Updater } from '../../api/apply/updater.ts';
import { viewOfDefinition } from '../../api/apply/view.ts';
import { kindModule } from '../../api/kinds/index.ts';
import type { StoredForm } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { type ResourceInfo, resourceOfKind } from '../../api/resources.ts';
import { apiVersionOf } from '../body.ts';
import type { Reset } from './resets.ts';

/** One who writes, and through where. */
export interface Writing {
  readonly resource: ResourceInfo;
  /** See {@link managerNameOf}. */
  readonly manager: string;
  /** Empty: the object itself. */
  readonly subresource: string;
  readonly reset: Reset;
  readonly nowMs: number;
}

/** Stands for whoever writes until it is known that he has come to own something. */
export const SELF = 'current-operation';

const meta = (...names: readonly string[]): string[] => fieldPath('metadata', ...names);

/** What identifies an object, and what the server alone writes. */
const NOBODYS: FieldSet = setOf(
  fieldPath('apiVersion'),
  fieldPath('kind'),
  meta(),
  meta('name'),
  meta('namespace'),
  meta('creationTimestamp'),
  meta('selfLink'),
  meta('uid'),
  meta('clusterName'),
  meta('generation'),
  meta('managedFields'),
  meta('resourceVersion'),
);

/** Without what nobody owns; undefined where nothing is left. */
export function strippedOf(owned: Owned): Owned | undefined {
  const fields = difference(owned.fields, NOBODYS);
  return isEmptySet(fields) ? undefined : { ...owned, fields };
}

/** What is left to own of a set, for who writes through the same place as the last one did. */
const leftOf = new WeakMap<FieldSet, { readonly reset: Reset; readonly fields: FieldSet | undefined }>();

/**
 * What the maker of an object comes to own of it; undefined: nothing.
 * @throws TypedError for an object that is not of its type.
 */
export function ownedByMaker({ resource, reset }: Writing, apiVersion: string, object: KubeObject): Owned | undefined {
  const view = converterOf(resource).viewOf(apiVersion);
  if (!view) throw new Error(`there is no version ${apiVersion}`);
  const all = fieldsOfNew(view, object);
  let left = leftOf.get(all);
  if (left?.reset !== reset) {
    const owned = strippedOf({ fields: reset(all), apiVersion, applied: false });
    left = { reset, fields: owned && frozen(owned.fields) };
    leftOf.set(all, left);
  }
  return left?.fields && { fields: left.fields, apiVersion, applied: false };
}

const converters = new WeakMap<ResourceInfo, Converter>();

/** Between the versions that show the same objects: a built-in kind says how they are stored, custom resources all of it. */
export function converterOf(resource: ResourceInfo): Converter {
  if (resource.types) return resource.types;
  const known = converters.get(resource);
  if (known) return known;
  const served = (apiVersion: string): ResourceInfo | undefined => {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const found = resourceOfKind(group, apiVersion.slice(slash + 1), resource.kind);
    return found && storageOf(found) === storageOf(resource) ? found : undefined;
  };
  const converter: Converter = {
    viewOf(apiVersion) {
      const found = served(apiVersion);
      return found && viewOfDefinition(found.definition);
    },
    convert(value, from, to) {
      const [source, target] = [served(from), served(to)];
      if (from === to || !source || !target || !isMap(value)) return value;
      const object = structuredClone(value) as unknown as KubeObject;
      formOf(source)?.toStored(object);
      formOf(target)?.fromStored(object);
      return { ...object, apiVersion: to };
    },
  };
  converters.set(resource, converter);
  return converter;
}

const formOf = ({ group, kind, version }: ResourceInfo): StoredForm | undefined =>
  kindModule(group, kind, version)?.storedAs;

/** Resources that are stored alike are the same objects. */
const storageOf = (resource: ResourceInfo): string => apiVersionOf(formOf(resource) ?? resource);

export const updaterOf = ({ resource, reset }: Writing): Updater => new Updater(converterOf(resource), reset);

export const managerIn = (writing: Writing, operation: Manager['operation']): Manager => ({
  manager: writing.manager,
  operation,
  apiVersion: apiVersionOf(writing.resource),
  subresource: writing.subresource,
});

/** Without its entries, and with the revision the other side names: neither is content. */
export function comparable(object: KubeObject, resourceVersion: string | undefined): KubeObject {
  return { ...object, metadata: { ...object.metadata, managedFields: undefined, resourceVersion } } as KubeObject;
}

/** What {@link SELF} has come to own is the manager's, from now on. */
export function settled(
  managed: Managed,
  owners: ReadonlyMap<string, Owned>,
  manager: Manager,
  time: string,
  join: (own: Owned, previous: Owned | undefined) => Owned,
): Managed {
  const next = new Map(owners);
  const own = next.get(SELF);
  next.delete(SELF);
  const stripped = own && strippedOf(own);
  if (!stripped) return { owners: next, times: managed.times };
  const id = identify(manager);
  const joined = join(stripped, next.get(id));
  // Who writes again what is his owns what he owned: the same set, whose text is known.
  const known = managed.owners.get(id)?.fields;
  next.set(id, known && equalSets(known, joined.fields) ? { ...joined, fields: known } : joined);
  return { owners: next, times: new Map(managed.times).set(id, time) };
}
