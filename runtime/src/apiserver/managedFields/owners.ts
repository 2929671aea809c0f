/** What tracking and applying share: a resource's types, and the fields that nobody owns. */
import { difference, type FieldSet, fieldPath, isEmptySet, setOf } from '../../api/apply/fieldSet.ts';
import { identify, type Managed, type Manager } from '../../api/apply/managedFields.ts';
import { type Converter, type Owned, Updater } from '../../api/apply/updater.ts';
import { viewOfDefinition } from '../../api/apply/view.ts';
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

const converters = new WeakMap<ResourceInfo, Converter>();

/** Built-in kinds look the same in all versions that this server has of them; custom resources say themselves. */
export function converterOf(resource: ResourceInfo): Converter {
  if (resource.types) return resource.types;
  const known = converters.get(resource);
  if (known) return known;
  const { group, kind } = resource;
  const converter: Converter = {
    viewOf(apiVersion) {
      const slash = apiVersion.indexOf('/');
      if ((slash < 0 ? '' : apiVersion.slice(0, slash)) !== group) return undefined;
      const served = resourceOfKind(group, apiVersion.slice(slash + 1), kind);
      return served && viewOfDefinition(served.definition);
    },
    convert: value => value,
  };
  converters.set(resource, converter);
  return converter;
}

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
  next.set(id, join(stripped, next.get(id)));
  return { owners: next, times: new Map(managed.times).set(id, time) };
}
