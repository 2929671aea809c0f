/**
 * Changing stored objects: the steps between an object as a client (or the server) wants it and the write.
 *
 * Always true:
 * - every write is a compare-and-swap on the revision it was decided upon; a lost race is decided again on the newer
 *   object, unless the client named the revision it had seen, which is then a conflict;
 * - nothing is written when nothing has changed, and nothing at all in a dry run.
 */
import { equalBut } from '../api/apply/equal.ts';
import { sameButTimes } from '../api/apply/managedFields.ts';
import type { FieldError } from '../api/kinds/kind.ts';
import { validateObjectMetaUpdate } from '../api/kinds/objectMeta.ts';
import {
  applyDefaults,
  prepareForCreate,
  prepareForPartUpdate,
  prepareForStatusUpdate,
  prepareForUpdate,
  validateCreate,
  validateStatusUpdate,
  validateUpdate,
  warningsOf,
} from '../api/kinds/strategy.ts';
import type { KubeObject } from '../api/object.ts';
import { alreadyExists, conflict, invalid, notFound, StatusError } from '../api/status.ts';
import type { CommitResult, KeyValue, Write } from '../store/store.ts';
import { StoreClosedError, StoreFullError } from '../store/store.ts';
import type { StoredObject } from './answer.ts';
import type { Context } from './context.ts';
import { keyOf } from './keys.ts';
import { trackWrite } from './managedFields/track.ts';
import { writingOf } from './managedFields/writing.ts';
import { generateName, settleNamespace, settleNewMetadata, settleUpdatedMetadata } from './objectMeta.ts';
import { deserialize, deserializeTwice, deserializeWholly, serialize } from './serialized.ts';

/** Lost races in a row before we give up; each loss means that somebody else has succeeded. */
const MAX_ATTEMPTS = 100;
/** A generated name is taken: try another (as upstream since 1.30). */
const MAX_NAME_ATTEMPTS = 8;

/** A resource's own bookkeeping around its writes: addresses and ports of services. */
export interface Reservation {
  /** The write has happened: keep what was reserved. */
  done(): void;
  /** It has not. */
  undo(): void;
}

const nothingReserved: Reservation = { done: () => undefined, undo: () => undefined };

/**
 * @param object the caller's to give away: pruned, of the right kind.
 * @param tracked `metadata.managedFields` are as they are to be: an apply has made them.
 * @throws StatusError
 */
export async function createObject(context: Context, object: KubeObject, tracked = false): Promise<StoredObject> {
  const { parts, resource, info } = context;
  const { metadata } = object;
  settleNamespace(object, resource, info.namespace);
  settleNewMetadata(object, parts.clock.now());
  const generated = (metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '';
  if (generated) metadata.name = generateName(metadata.generateName ?? '');
  applyDefaults(resource, object);
  if (!tracked) trackWrite(writingOf(context), object, undefined);
  const attributes = admissionAttributes(context, 'CREATE', object, undefined);
  await parts.admission.mutate(attributes);
  prepareForCreate(resource, object, context.user);
  const reservation = reserve(context, object, undefined);
  try {
    applyDefaults(resource, object); // what admission added has defaults too
    refuse(context, object, validateCreate(resource, object));
    context.warnings.push(...warningsOf(resource, object));
    await parts.admission.validate(attributes);
    for (let attempt = 1; ; attempt++) {
      const stored = await insert(context, object);
      if (stored) {
        if (context.dryRun) reservation.undo();
        else reservation.done();
        return stored;
      }
      if (!generated || attempt >= MAX_NAME_ATTEMPTS) throw alreadyExists(resource, metadata.name ?? '');
      metadata.name = generateName(metadata.generateName ?? '');
    }
  } catch (error) {
    reservation.undo();
    throw error;
  } finally {
    attributes.onSettled?.();
  }
}

/** Undefined: the name is taken. */
async function insert(context: Context, object: KubeObject): Promise<StoredObject | undefined> {
  const key = keyOf(context.resource, object.metadata.namespace ?? '', object.metadata.name ?? '');
  const value = serialize(object);
  if (context.dryRun) {
    if (await context.parts.store.get(key)) return undefined;
    return { value, revision: context.parts.store.revision() };
  }
  const result = await commit(context, { key, value, expect: 0 });
  return result.ok ? { value, revision: result.revision } : undefined;
}

export interface UpdateOptions {
  /**
   * The object as wanted. Called again with a newer `old` after a lost race. `old` is the caller's to change and return.
   */
  readonly change: (old: KubeObject, stored: StoredObject) => KubeObject | Promise<KubeObject>;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Runs instead of the kind's rules, for subresources that know better (`binding`, `finalize`…). */
  readonly trusted?: boolean;
  /** The change has set `metadata.managedFields` itself: an apply. */
  readonly tracked?: boolean;
  /** The change does not look at `old`, so that it need not be given one of its own. */
  readonly replaces?: boolean;
  /** The change may reach into the sets of `old`'s `metadata.managedFields`, which are shared otherwise. */
  readonly changesManagers?: boolean;
}

export interface Updated extends StoredObject {
  /** The change removed the last finalizer of an object that was being deleted: it is gone. */
  readonly deleted: boolean;
}

/** @throws StatusError */
export async function updateObject(context: Context, name: string, options: UpdateOptions): Promise<Updated> {
  const { parts, resource, info } = context;
  const key = keyOf(resource, info.namespace, name);
  let current: KeyValue | undefined = await parts.store.get(key);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (!current) throw notFound(resource, name);
    const { value, modRevision: revision } = current;
    const [old, same] = options.replaces ? [deserialize(value, revision)] : deserializeTwice(value, revision);
    const given = options.changesManagers ? deserializeWholly(value, revision) : (same ?? old);
    const object = await options.change(given, { value, revision });
    checkPreconditions(context, name, object, old);
    const reservation = await prepare(context, object, old, options);
    try {
      const result = await write(context, current, object, old, reservation);
      if (result.written) return result.written;
      if (hasRevision(object)) throw conflict(resource, name);
      current = result.current;
    } catch (error) {
      reservation.undo();
      throw error;
    }
  }
  throw conflict(resource, name);
}

/** The client may name the revision and the identity it has seen. */
function checkPreconditions(context: Context, name: string, object: KubeObject, old: KubeObject): void {
  const { resourceVersion, uid } = object.metadata;
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) {
    throw conflict(
      context.resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
    );
  }
  if (!hasRevision(object)) {
    requireRevision(context, name);
    return;
  }
  if (!/^\d+$/.test(resourceVersion ?? '')) {
    throw invalid(context.resource, name, [
      {
        type: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: `Invalid value: ${JSON.stringify(resourceVersion)}: must be an unsigned integer`,
      },
    ]);
  }
  if (resourceVersion !== old.metadata.resourceVersion) throw conflict(context.resource, name);
}

/** Some kinds are replaced only by who has seen what he replaces (upstream: `AllowUnconditionalUpdate`). */
function requireRevision({ kind, info, resource }: Context, name: string): void {
  if (!kind?.requiresRevision || info.verb !== 'update' || info.subresource === 'scale') return;
  throw invalid({ group: resource.group, kind: resource.resource }, name, [
    {
      type: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0: must be specified for an update',
    },
  ]);
}

const hasRevision = (object: KubeObject): boolean =>
  object.metadata.resourceVersion !== undefined &&
  object.metadata.resourceVersion !== '' &&
  object.metadata.resourceVersion !== '0';

async function prepare(
  context: Context,
  object: KubeObject,
  old: KubeObject,
  { subresource, trusted, tracked }: UpdateOptions,
): Promise<Reservation> {
  const { parts, resource } = context;
  settleNamespace(object, resource, old.metadata.namespace ?? '');
  settleUpdatedMetadata(object, old);
  if (!trusted) {
    applyDefaults(resource, object);
    if (!tracked) trackWrite(writingOf(context), object, old);
  }
  const attributes = admissionAttributes(context, 'UPDATE', object, old);
  await parts.admission.mutate(attributes);
  if (subresource === 'status') prepareForStatusUpdate(resource, object, old);
  else if (!trusted && !prepareForPartUpdate(resource, object, old, subresource))
    prepareForUpdate(resource, object, old);
  const reservation = reserve(context, object, old);
  try {
    if (trusted) refuse(context, object, validateObjectMetaUpdate(object.metadata, old.metadata));
    else if (subresource === 'status') refuse(context, object, validateStatusUpdate(resource, object, old));
    else {
      refuse(context, object, validateUpdate(resource, object, old, subresource));
      context.warnings.push(...warningsOf(resource, object, old));
    }
    await parts.admission.validate(attributes);
    return attributes.onSettled ? settling(reservation, attributes.onSettled) : reservation;
  } catch (error) {
    reservation.undo();
    attributes.onSettled?.();
    throw error;
  }
}

/** A reservation that tells admission, too, what has become of the write. */
const settling = (reservation: Reservation, settled: () => void): Reservation => ({
  done() {
    reservation.done();
    settled();
  },
  undo() {
    reservation.undo();
    settled();
  },
});

async function write(
  context: Context,
  current: KeyValue,
  object: KubeObject,
  old: KubeObject,
  reservation: Reservation,
): Promise<{ readonly written?: Updated; readonly current?: KeyValue | undefined }> {
  const gone = mayGo(object);
  keepTimes(object, old);
  const value = serialize(object);
  const isWritten = context.isOutdated?.(current) !== true;
  if (!gone && isWritten && (value.equals(current.value) || sameContent(object, old))) {
    reservation.undo();
    return { written: { value: current.value, revision: current.modRevision, deleted: false } };
  }
  if (context.dryRun) {
    reservation.undo();
    return { written: { value, revision: current.modRevision, deleted: gone } };
  }
  const result = await commit(context, {
    key: current.key,
    value: gone ? null : value,
    expect: current.modRevision,
  });
  if (!result.ok) {
    reservation.undo();
    return { current: result.current };
  }
  reservation.done();
  return { written: { value, revision: result.revision, deleted: gone } };
}

/** Who has written an object again as it was has not written. */
function keepTimes(object: KubeObject, old: KubeObject): void {
  const { managedFields } = object.metadata;
  const before = old.metadata.managedFields;
  if (!managedFields?.some((entry, at) => entry.time !== before?.[at]?.time)) return;
  if (!sameButTimes(managedFields, before) || before === undefined) return;
  object.metadata.managedFields = before;
  if (!sameContent(object, old)) object.metadata.managedFields = managedFields;
}

/** The same object with its fields in another order; `resourceVersion` is not content. */
const sameContent = (object: KubeObject, old: KubeObject): boolean =>
  equalBut('resourceVersion', object.metadata, old.metadata) && equalBut('metadata', object, old);

/** Being deleted, its time is up, and nobody holds on to it any more. */
export function mayGo(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return false;
  if ((deletionGracePeriodSeconds ?? 0) > 0) return false;
  if (object.kind !== 'Namespace') return true;
  const spec = object.spec as { readonly finalizers?: readonly string[] } | undefined;
  return (spec?.finalizers?.length ?? 0) === 0;
}

function refuse({ resource }: Context, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(resource, object.metadata.name ?? '', errors);
}

function reserve(context: Context, object: KubeObject, old: KubeObject | undefined): Reservation {
  const { resource, parts } = context;
  if (resource.group === '' && resource.resource === 'services') return parts.services.reserve(object, old);
  return nothingReserved;
}

export function admissionAttributes(
  context: Context,
  operation: 'CREATE' | 'UPDATE' | 'DELETE',
  object: KubeObject | undefined,
  old: KubeObject | undefined,
): Parameters<Context['parts']['admission']['mutate']>[0] {
  const { info, user, resource, dryRun, annotate } = context;
  const metadata = (object ?? old)?.metadata;
  return {
    operation,
    user,
    resource,
    subresource: info.subresource,
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    ...(object === undefined ? {} : { object }),
    ...(old === undefined ? {} : { old }),
    dryRun,
    warnings: context.warnings,
    ...(annotate ? { annotate } : {}),
  };
}

/** The store's own errors as the API says them. */
export async function commit(
  context: { readonly parts: { readonly store: Pick<Context['parts']['store'], 'commit'> } },
  write: Write,
): Promise<CommitResult> {
  try {
    return await context.parts.store.commit(write);
  } catch (error) {
    if (error instanceof StoreFullError) {
      throw new StatusError(
        507,
        'InsufficientStorage',
        `the store is full, so nothing can be written: ${error.message}. Delete what is not needed.`,
      );
    }
    if (error instanceof StoreClosedError)
      throw new StatusError(503, 'ServiceUnavailable', 'the server is shutting down');
    throw error;
  }
}
