/** What a server-side apply makes of an object (upstream: `managedfields.FieldManager.Apply`). */
import { TypedError } from '../../api/apply/elements.ts';
import { has, pathText } from '../../api/apply/fieldSet.ts';
import {
  decodeStored,
  encodeManaged,
  identify,
  type Managed,
  managerOf,
  nobody,
} from '../../api/apply/managedFields.ts';
import { withoutNulls } from '../../api/apply/remove.ts';
import { type Conflict, ConflictError, type Owned, type Versioned } from '../../api/apply/updater.ts';
import { validateTyped } from '../../api/apply/validate.ts';
import type { KubeObject } from '../../api/object.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { timestamp } from '../objectMeta.ts';
import { clientApplied, hasLastApplied, lastAppliedText, withLastApplied } from './lastApplied.ts';
import { comparable, converterOf, managerIn, SELF, settled, strippedOf, updaterOf, type Writing } from './owners.ts';

const KUBECTL = 'kubectl';
const BEFORE_FIRST = 'before-first-apply';

/**
 * The object as it is to be written, with its entries.
 *
 * @param live as it is stored; undefined: the apply creates it
 * @param config the caller's to give away: what it holds may become part of the answer
 * @throws StatusError 409 for conflicts with other managers, 400 for what is no such object
 */
export function applied(
  writing: Writing,
  live: KubeObject | undefined,
  config: KubeObject,
  force: boolean,
): KubeObject {
  const manager = managerIn(writing, 'Apply');
  const { apiVersion } = manager;
  const view = converterOf(writing.resource).viewOf(apiVersion);
  if (!view) throw new Error(`${apiVersion} has no view of ${writing.resource.kind}`);
  checkHead(writing, config, apiVersion);
  try {
    validateTyped(view, config, false);
  } catch (error) {
    throw refused(`failed to create typed patch object (${named(config)})`, error);
  }
  const current: Versioned = live
    ? { apiVersion: live.apiVersion, value: comparable(live, live.metadata.resourceVersion) }
    : { apiVersion, value: {} };
  const managed = beforeFirstApply(writing, live, current);
  const id = identify(manager);
  const text = writing.manager === KUBECTL ? lastAppliedText(config) : undefined;
  let result: ReturnType<ReturnType<typeof updaterOf>['apply']>;
  try {
    result = applyForced(writing, live, current, { apiVersion, value: config }, managed, id, force);
  } catch (error) {
    if (error instanceof ConflictError)
      throw conflictStatus(error.conflicts, writing.subresource === 'scale' ? 'autoscaling/v1' : undefined);
    throw refused(`failed to apply (${named(config)})`, error);
  }
  const owners = new Map<string, Owned>(result.managers);
  const own = owners.get(id);
  const kept = own && strippedOf(own);
  if (kept) owners.set(id, kept);
  else owners.delete(id);
  const times = new Map(managed.times);
  if (result.object !== undefined) times.set(id, timestamp(writing.nowMs));
  let object = (result.object ?? current.value) as KubeObject;
  if (writing.resource.types) object = withoutNulls(view, object) as KubeObject;
  if (text !== undefined && hasLastApplied(object)) object = withLastApplied(object, text);
  const entries = encodeManaged({ owners, times });
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(entries ? { managedFields: entries } : {}) } };
}

function checkHead({ resource }: Writing, config: KubeObject, apiVersion: string): void {
  if (config.apiVersion !== apiVersion || config.kind !== resource.kind)
    throw badRequest(`invalid object type: ${kindText(config)}`);
  if (Array.isArray(config.metadata.managedFields) && config.metadata.managedFields.length > 0)
    throw badRequest('metadata.managedFields must be nil');
  delete config.metadata.managedFields;
}

/** What stands in an object that nobody has tracked is everybody's until it is applied to: it gets an owner of its own. */
function beforeFirstApply(writing: Writing, live: KubeObject | undefined, current: Versioned): Managed {
  const managed = decodeStored(live?.metadata.managedFields);
  if (managed.owners.size > 0 || !live) return managed;
  const manager = managerIn({ ...writing, manager: BEFORE_FIRST }, 'Update');
  const empty = { apiVersion: current.apiVersion, value: {} };
  const owners = updaterOf(writing).update(empty, current, nobody.owners, SELF);
  return settled(nobody, owners, manager, timestamp(writing.nowMs), own => own);
}

/** kubectl's apply takes over from its own client-side apply without asking. */
function applyForced(
  writing: Writing,
  live: KubeObject | undefined,
  current: Versioned,
  config: Versioned,
  managed: Managed,
  id: string,
  force: boolean,
): ReturnType<ReturnType<typeof updaterOf>['apply']> {
  const updater = updaterOf(writing);
  try {
    return updater.apply(current, config, managed.owners, id, force);
  } catch (error) {
    if (!(error instanceof ConflictError) || writing.manager !== KUBECTL || !live) throw error;
    const view = converterOf(writing.resource).viewOf(config.apiVersion);
    const allowed = view && clientApplied(view, current.value as KubeObject);
    if (!allowed) throw error;
    const left = error.conflicts.filter(({ path }) => !has(allowed, path));
    if (left.length > 0) throw new ConflictError(left);
    return updater.apply(current, config, managed.owners, id, true);
  }
}

/** @param seenAs the version others' entries are seen in through a subresource of another kind */
function conflictStatus(conflicts: readonly Conflict[], seenAs: string | undefined): StatusError {
  const managerText = (identity: string): string => textOf(identity, seenAs);
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${managerText(manager)}`,
    field: pathText(path),
  }));
  return new StatusError(409, 'Conflict', conflictText(conflicts, managerText), { causes });
}

function conflictText(conflicts: readonly Conflict[], managerText: (identity: string) => string): string {
  const [only] = conflicts;
  if (only && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${managerText(only.manager)}: ${pathText(only.path)}`;
  const lines: string[] = [];
  for (const manager of [...new Set(conflicts.map(c => c.manager))].sort()) {
    lines.push(`conflicts with ${managerText(manager)}:`);
    for (const { path } of conflicts.filter(c => c.manager === manager)) lines.push(`- ${pathText(path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

/** `"kubectl" with subresource "status" using apps/v1` */
function textOf(identity: string, seenAs: string | undefined): string {
  const { manager, operation, apiVersion, subresource } = managerOf(identity);
  const who = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${who} using ${seenAs ?? apiVersion}` : who;
}

function refused(what: string, error: unknown): unknown {
  return error instanceof TypedError ? badRequest(`${what}: ${error.message}`) : error;
}

/** As Go prints a GroupVersionKind: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`. */
function kindText(config: Readonly<Record<string, unknown>>): string {
  const [apiVersion, kind] = [config.apiVersion, config.kind].map(value => (typeof value === 'string' ? value : ''));
  const version = apiVersion?.includes('/') || !apiVersion ? apiVersion || '/' : `/${apiVersion}`;
  return `${version}, Kind=${kind}`;
}

const named = (config: KubeObject): string =>
  `${config.metadata.namespace ?? ''}/${config.metadata.name ?? ''}; ${kindText(config)}`;
