/**
 * DELETE of one object and of many: grace periods, preconditions, finalizers and propagation
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-deletion; upstream `rest.BeforeDelete`).
 */
import type { DeleteOptions, ObjectMeta } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { PodSpec } from '../../api/generated/types/core.v1.ts';
import type { FieldError } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { isProtobuf, readEnvelope } from '../../api/protobuf.ts';
import { conflict, invalid, notFound } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import type { KeyValue } from '../../store/store.ts';
import { answerObject, answerStored, type StoredObject, success } from '../answer.ts';
import { apiVersionOf, decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { keyOf, nameOfKey, namespaceOfKey } from '../keys.ts';
import { timestamp } from '../objectMeta.ts';
import { flag, integer } from '../queryValues.ts';
import { admissionAttributes, commit, mayGo } from '../registry.ts';
import { listOptionsOf } from '../resourceVersions.ts';
import { selectionOf } from '../selection.ts';
import { deserialize, deserializeMetadata, serialize } from '../serialized.ts';
import { dryRunErrors } from '../writeOptions.ts';
import { answerList, laterItems, readPage } from './list.ts';

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const DEFAULT_POD_GRACE_SECONDS = 30;
const MAX_ATTEMPTS = 100;
/** Objects of one deletecollection being deleted at the same time. */
const CONCURRENCY = 16;

/** Kinds whose deletion answers with the object (upstream's `ReturnDeletedObject`); the others answer with a `Status`. */
const answersObject = new Set([
  '/persistentvolumeclaims',
  '/persistentvolumes',
  '/pods',
  '/podtemplates',
  '/resourcequotas',
  '/serviceaccounts',
  '/services',
]);

export interface Deleted extends StoredObject {
  /** Gone from the store; otherwise marked, and waiting for its finalizers or its grace period. */
  readonly gone: boolean;
}

export async function deleteOne(context: Context): Promise<Response> {
  const { info, resource } = context;
  const options = await readDeleteOptions(context);
  const running = { ...context, dryRun: options.dryRun !== undefined && options.dryRun.length > 0 };
  const deleted = await deleteObject(running, info.namespace, info.name, options);
  const asked = askedOf(context);
  if (deleted.gone && !answersObject.has(`${resource.group}/${resource.resource}`)) {
    const { uid } = deserializeMetadata(deleted.value, deleted.revision);
    return answerObject(asked, success(resource, info.name, uid));
  }
  // As upstream: only who asked for the dependents' end in the old way is told that it is not over.
  const code = !deleted.gone && options.orphanDependents === false ? 202 : 200;
  return answerStored(asked, deleted, code);
}

/**
 * Answers with the list of what was deleted, as upstream; where that is long, it is deleted piece by piece, none of it is kept, and the
 * answer is the `Status` that the OpenAPI document promises.
 */
export async function deleteMany(context: Context): Promise<Response> {
  const { kind, request, resource } = context;
  const options = await readDeleteOptions(context);
  const selection = selectionOf(request.query, kind);
  const page = await readPage(context, selection, listOptionsOf(request.query, false), true);
  page.letGo?.();
  const running = { ...context, dryRun: options.dryRun !== undefined && options.dryRun.length > 0 };
  const { rest, ...short } = page;
  if (rest === undefined) {
    const items = await deleteItems(running, page.items, options);
    items.sort((a, b) => (a.key < b.key ? -1 : 1));
    return answerList(context, { ...short, items });
  }
  await deleteItems(running, page.items, options);
  for await (const items of laterItems(context, selection, page)) await deleteItems(running, items, options);
  return answerObject(askedOf(context), success(resource, '', undefined));
}

/** @returns those that were still there, as they are now or were last. @throws StatusError of the first that could not be deleted */
async function deleteItems(context: Context, all: readonly KeyValue[], options: DeleteOptions): Promise<KeyValue[]> {
  const items: KeyValue[] = [];
  const queue = all.values();
  let failed = false;
  let failure: unknown;
  const work = async (): Promise<void> => {
    for (const item of queue) {
      if (failed) return;
      const namespace = context.resource.namespaced ? namespaceOfKey(item.key) : '';
      try {
        const deleted = await deleteObject(context, namespace, nameOfKey(item.key), options);
        items.push({ ...item, value: deleted.value, modRevision: deleted.revision });
      } catch (error) {
        if (isNotFound(error)) continue; // somebody was faster
        failure ??= error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, all.length) }, work));
  if (failed) throw failure;
  return items;
}

const isNotFound = (error: unknown): boolean => (error as { code?: unknown }).code === 404;

/** From the body, or from the query. @throws StatusError */
export async function readDeleteOptions(context: Context): Promise<DeleteOptions> {
  const { request, resource } = context;
  if (request.body.length > 0) {
    // Sent under meta.k8s.io/v1, v1, or the group's own version: the same shape everywhere.
    const said = apiVersionIn(request.body);
    const known = [apiVersionOf(resource), 'v1', 'meta.k8s.io/v1'];
    const [version = 'v1', group = ''] = (known.includes(said) ? said : 'v1').split('/').reverse();
    const definition = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
    const options = await decodeBody(request, { group, version, kind: 'DeleteOptions', definition }, context.warnings);
    return checkOptions(options as unknown as DeleteOptions);
  }
  const { query } = request;
  if (query.size === 0) return {};
  const grace = integer(query, 'gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = flag(query, 'orphanDependents');
  const dryRun = query.getAll('dryRun');
  const [uid, resourceVersion] = [query.get('preconditions.uid'), query.get('preconditions.resourceVersion')];
  return checkOptions({
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
    ...(uid === null && resourceVersion === null
      ? {}
      : {
          preconditions: { ...(uid === null ? {} : { uid }), ...(resourceVersion === null ? {} : { resourceVersion }) },
        }),
  });
}

function apiVersionIn(body: Buffer): string {
  try {
    if (isProtobuf(body)) return readEnvelope(body).apiVersion;
  } catch {
    return 'v1'; // decoding says what is wrong
  }
  return /"apiVersion"\s*:\s*"([^"]*)"/.exec(body.toString('utf8'))?.[1] ?? 'v1';
}

function checkOptions(options: DeleteOptions): DeleteOptions {
  const errors: FieldError[] = [];
  const { propagationPolicy: policy, orphanDependents } = options;
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push({
      type: 'FieldValueInvalid',
      field: 'propagationPolicy',
      message: `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    });
  }
  if (policy !== undefined && !['Orphan', 'Foreground', 'Background'].includes(policy)) {
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    });
  }
  errors.push(...dryRunErrors(options.dryRun ?? []));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return options;
}

/** Deletes, or marks as being deleted. @throws StatusError */
export async function deleteObject(
  context: Context,
  namespace: string,
  name: string,
  options: DeleteOptions,
): Promise<Deleted> {
  const { parts, resource, dryRun } = context;
  let current: KeyValue | undefined = await parts.store.get(keyOf(resource, namespace, name));
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (!current) throw notFound(resource, name);
    const old = deserialize(current.value, current.modRevision);
    checkPreconditions(context, name, old, options);
    await parts.admission.validate(admissionAttributes(context, 'DELETE', undefined, old));
    const marked = marking(prepared(context, old), options, parts.clock.now());
    // As upstream: for kinds that prepare for it themselves, being deleted is no change of the wish.
    if (marked && context.kind?.prepareForDelete && old.metadata.generation !== undefined)
      marked.metadata.generation = old.metadata.generation;
    const value = marked === undefined ? current.value : serialize(marked);
    if (value.equals(current.value) && marked !== undefined) {
      return { value: current.value, revision: current.modRevision, gone: false };
    }
    if (dryRun) return { value, revision: current.modRevision, gone: marked === undefined };
    const result = await commit(context, {
      key: current.key,
      value: marked === undefined ? null : value,
      expect: current.modRevision,
    });
    if (result.ok) return { value, revision: result.revision, gone: marked === undefined };
    current = result.current;
  }
  throw conflict(resource, name);
}

function checkPreconditions(context: Context, name: string, old: KubeObject, { preconditions }: DeleteOptions): void {
  const fail = (what: string, wanted: string, is: string, because: string): never => {
    const { group, kind } = context.resource;
    throw conflict(
      { group, resource: kind },
      name,
      `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${is}). The object might have been ${because}`,
    );
  };
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== old.metadata.uid) {
    fail('UID', uid, old.metadata.uid ?? '', 'deleted and then recreated');
  }
  if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
    fail('ResourceVersion', resourceVersion, old.metadata.resourceVersion ?? '', 'modified');
  }
}

function prepared({ kind, parts }: Context, old: KubeObject): KubeObject {
  if (!kind?.prepareForDelete || old.metadata.deletionTimestamp !== undefined) return old;
  const object = structuredClone(old);
  kind.prepareForDelete(object, parts.clock.now());
  return object;
}

/** The object as it waits for its end; undefined: it can go now. */
function marking(old: KubeObject, options: DeleteOptions, nowMs: number): KubeObject | undefined {
  const object: KubeObject = { ...old, metadata: { ...old.metadata } };
  const { metadata } = object;
  const finalizers = finalizersFor(old, options);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  if (old.metadata.deletionTimestamp !== undefined) hasten(old, metadata, options, nowMs);
  else {
    const graceSeconds = gracePeriod(old, options);
    metadata.deletionTimestamp = timestamp(nowMs + graceSeconds * 1000);
    metadata.deletionGracePeriodSeconds = graceSeconds;
    if (metadata.generation !== undefined) metadata.generation += 1;
  }
  if (object.kind === 'Namespace') {
    object.status = { ...(object.status as object | undefined), phase: 'Terminating' };
    delete metadata.deletionGracePeriodSeconds;
  }
  return mayGo(object) ? undefined : object;
}

/** Being deleted already: the deadline only ever comes nearer, and only when a period is named. */
function hasten(old: KubeObject, metadata: ObjectMeta, options: DeleteOptions, nowMs: number): void {
  const before = old.metadata.deletionGracePeriodSeconds ?? 0;
  const asked = options.gracePeriodSeconds;
  if (asked === undefined || before === 0) return;
  const seconds = asked < 0 ? 1 : asked;
  if (seconds >= before) return;
  const deadlineMs = Date.parse(old.metadata.deletionTimestamp ?? '') + (seconds - before) * 1000;
  const late = deadlineMs < nowMs;
  metadata.deletionTimestamp = timestamp(late ? nowMs : deadlineMs);
  // Over already, but gracefully: whoever ends the object still has to be the one who deletes it.
  metadata.deletionGracePeriodSeconds = late && seconds !== 0 ? 1 : seconds;
}

/** Kinds whose dependents stay by default, for clients of long ago (upstream: `DefaultGarbageCollectionPolicy`). */
const orphansByDefault = new Set(['v1/ReplicationController', 'batch/v1/Job']);

function finalizersFor({ apiVersion, kind, metadata }: KubeObject, options: DeleteOptions): string[] {
  const present = metadata.finalizers ?? [];
  const rest = present.filter(name => name !== ORPHAN && name !== FOREGROUND);
  switch (options.propagationPolicy) {
    case 'Orphan':
      return [...rest, ORPHAN];
    case 'Foreground':
      return [...rest, FOREGROUND];
    case 'Background':
      return rest;
  }
  if (options.orphanDependents === true) return [...rest, ORPHAN];
  if (options.orphanDependents === false) return rest;
  const undecided = rest.length === present.length;
  return undecided && orphansByDefault.has(`${apiVersion}/${kind}`) ? [...rest, ORPHAN] : [...present];
}

/** Only pods have one: the kubelet needs time to end their containers. */
function gracePeriod(object: KubeObject, options: DeleteOptions): number {
  if (object.kind !== 'Pod') return 0;
  const spec = object.spec as PodSpec | undefined;
  const phase = (object.status as { readonly phase?: string } | undefined)?.phase;
  if ((spec?.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  const asked = options.gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? DEFAULT_POD_GRACE_SECONDS;
  return asked < 0 ? 1 : asked;
}
