/**
 * `metadata.managedFields`: who owns which fields of an object, in the form it is stored and sent
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management; upstream: apimachinery's `managedfields`).
 *
 * Always true of stored entries: we made them, so their sets keep {@link FieldSet}'s promises and need no parsing.
 */
import type { ManagedFieldsEntry } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { equalValues } from './equal.ts';
import { type FieldSet, isEmptySet, union } from './fieldSet.ts';
import { parseFieldsV1 } from './fieldsV1.ts';
import type { Owned } from './updater.ts';

export type Operation = 'Apply' | 'Update';

/** One who writes. */
export interface Manager {
  readonly manager: string;
  readonly operation: Operation;
  /** Of what is written; appliers are the same whatever version they apply in. */
  readonly apiVersion: string;
  /** Empty: the object itself. */
  readonly subresource: string;
}

/** Who owns what, and since when; by {@link identify}. */
export interface Managed {
  readonly owners: ReadonlyMap<string, Owned>;
  readonly times: ReadonlyMap<string, string>;
}

/** Identities come back with every write: what they say is read once. */
const identities = new Map<string, Manager>();
const MAX_IDENTITIES = 1000;

export const nobody: Managed = { owners: new Map(), times: new Map() };

/** What makes two entries the same manager's: as upstream writes it, because entries of one time are sorted by it. */
export function identify({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = manager === '' ? '' : `"manager":${JSON.stringify(manager)},`;
  const version = operation === 'Apply' || apiVersion === '' ? '' : `,"apiVersion":${JSON.stringify(apiVersion)}`;
  const part = subresource === '' ? '' : `,"subresource":${JSON.stringify(subresource)}`;
  return `{${name}"operation":"${operation}"${version}${part}}`;
}

/** @returns for an applier no `apiVersion` */
export function managerOf(identity: string): Manager {
  const known = identities.get(identity);
  if (known) return known;
  const {
    manager = '',
    operation = 'Update',
    apiVersion = '',
    subresource = '',
  } = JSON.parse(identity) as Partial<Manager>;
  const about = { manager, operation, apiVersion, subresource };
  if (identities.size >= MAX_IDENTITIES) identities.clear();
  identities.set(identity, about);
  return about;
}

/** What this server stored. */
export function decodeStored(entries: readonly ManagedFieldsEntry[] | undefined): Managed {
  if (!entries || entries.length === 0) return nobody;
  return decode(entries, fields => (fields ?? {}) as FieldSet);
}

/** What a client sent. @throws Error saying what is wrong with it. */
export function decodeSent(entries: readonly ManagedFieldsEntry[]): Managed {
  for (const [index, { operation, apiVersion, fieldsType }] of entries.entries()) {
    if (operation !== 'Apply' && operation !== 'Update') throw new Error('operation must be `Apply` or `Update`');
    if ((apiVersion ?? '') === '') throw new Error('apiVersion must not be empty');
    if ((fieldsType ?? '') === '') throw new Error(`missing fieldsType in managed fields entry ${index}`);
    if (fieldsType !== 'FieldsV1')
      throw new Error(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
  }
  return decode(entries, parseFieldsV1);
}

function decode(entries: readonly ManagedFieldsEntry[], setOf: (fields: unknown) => FieldSet): Managed {
  const owners = new Map<string, Owned>();
  const times = new Map<string, string>();
  for (const { manager = '', operation, apiVersion = '', subresource = '', time, fieldsV1 } of entries) {
    const applied = operation === 'Apply';
    const id = identify({ manager, operation: applied ? 'Apply' : 'Update', apiVersion, subresource });
    owners.set(id, { fields: setOf(fieldsV1), apiVersion, applied });
    if (time !== undefined) times.set(id, time);
  }
  return { owners, times };
}

/** Upstream's order: by operation, time, manager, version, subresource. Undefined: nobody owns anything. */
export function encodeManaged({ owners, times }: Managed): ManagedFieldsEntry[] | undefined {
  const entries: ManagedFieldsEntry[] = [];
  for (const [id, { fields, apiVersion, applied }] of owners) {
    const { manager, subresource } = managerOf(id);
    const time = times.get(id);
    const entry: ManagedFieldsEntry = {};
    if (manager !== '') entry.manager = manager;
    entry.operation = applied ? 'Apply' : 'Update';
    entry.apiVersion = apiVersion;
    if (time !== undefined) entry.time = time;
    entry.fieldsType = 'FieldsV1';
    entry.fieldsV1 = fields;
    if (subresource !== '') entry.subresource = subresource;
    entries.push(entry);
  }
  if (entries.length > 1) entries.sort(compareEntries);
  return entries.length === 0 ? undefined : entries;
}

const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Times in one spelling compare as text: whole seconds, UTC. */
function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    before(a.operation ?? '', b.operation ?? '') ||
    before(a.time ?? '', b.time ?? '') ||
    before(a.manager ?? '', b.manager ?? '') ||
    before(a.apiVersion ?? '', b.apiVersion ?? '') ||
    before(a.subresource ?? '', b.subresource ?? '')
  );
}

/** A client asks to start anew: an empty list, or one empty entry. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!entries) return false;
  const [only] = entries;
  return entries.length === 0 || (entries.length === 1 && only !== undefined && Object.keys(only).length === 0);
}

/** Whose updates are kept apart; the oldest of more are put together. */
const MAX_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

/** At most {@link MAX_UPDATERS} that have updated: the oldest of a version become one. */
export function capped(managed: Managed): Managed {
  const updaters = [...managed.owners].filter(([, owned]) => !owned.applied).map(([id]) => id);
  let count = updaters.length;
  if (count <= MAX_UPDATERS) return managed;
  const owners = new Map(managed.owners);
  const times = new Map(managed.times);
  updaters.sort((a, b) => before(times.get(a) ?? '', times.get(b) ?? '') || before(a, b));
  const first = new Map<string, string>();
  for (const id of updaters) {
    if (count <= MAX_UPDATERS) break;
    const owned = owners.get(id);
    if (!owned) continue;
    const { apiVersion } = owned;
    const oldest = first.get(apiVersion);
    if (oldest === undefined) {
      first.set(apiVersion, id);
      continue;
    }
    const bucket = identify({ manager: ANCIENT, operation: 'Update', apiVersion, subresource: '' });
    const together = owners.get(bucket) ?? owners.get(oldest);
    if (!owners.has(bucket)) owners.delete(oldest);
    owners.set(bucket, { ...owned, fields: together ? union(owned.fields, together.fields) : owned.fields });
    if (id !== bucket) owners.delete(id);
    count--;
    const time = managed.times.get(id);
    if (time === undefined) times.delete(bucket);
    else times.set(bucket, time);
  }
  return { owners, times };
}

/** Whether two lists say the same but for when. */
export function sameButTimes(
  a: readonly ManagedFieldsEntry[] | undefined,
  b: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return a.every((entry, at) => {
    const { time: _, ...left } = entry;
    const { time: __, ...right } = b[at] ?? {};
    return equalValues(left, right);
  });
}

/** Without the managers that own nothing. */
export const owning = (owners: ReadonlyMap<string, Owned>): Map<string, Owned> =>
  new Map([...owners].filter(([, { fields }]) => !isEmptySet(fields)));
