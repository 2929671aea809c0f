/** A CustomResourceDefinition that is being deleted takes all its objects with it, and then goes (upstream's CRD finalizer). */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
} from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { isConflict, isNotFound } from '../../client/apiError.ts';
import { customResourceDefinitionsOf } from '../../client/caches.ts';
import { CustomResourceDefinitions, metadataOf, type ResourceRef } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { withCondition } from '../conditions.ts';
import { type Controller, type ControllerContext, newQueue, reconcile, Unfinished } from '../context.ts';

const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
const PAGE = 500;

const terminating = (status: 'True' | 'False', reason: string, message: string): CustomResourceDefinitionCondition => ({
  type: 'Terminating',
  status,
  reason,
  message,
});

const IN_PROGRESS = terminating('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
const COMPLETED = terminating('False', 'InstanceDeletionCompleted', 'removed all instances');
const NEVER_ESTABLISHED = terminating('False', 'NeverEstablished', 'resource was never established');

export const customResourceCleanup: Controller = (context, signal) => {
  const cache = customResourceDefinitionsOf(context.informers);
  // Objects with finalizers take their time: asked for again, more and more rarely.
  const queue = newQueue(context, 50);
  const enqueue = (definition: CustomResourceDefinition): void => {
    if (isLeaving(definition)) queue.add(definition.metadata.name ?? '');
  };
  cache.on({ add: enqueue, update: enqueue });
  const work = async (name: string): Promise<undefined> => {
    const definition = cache.get(undefined, name);
    if (!definition || !isLeaving(definition)) return;
    if (!holds(definition, 'Established')) return finish(context, definition, NEVER_ESTABLISHED, signal);
    // Its event brings it here again.
    if (await report(context, definition, IN_PROGRESS, signal)) return;
    const left = await deleteAll(context, definition, signal);
    if (left > 0) throw new Unfinished(`${name} still has ${left} objects`);
    return finish(context, definition, COMPLETED, signal);
  };
  return reconcile(context, queue, [cache], work, signal);
};

const isLeaving = ({ metadata }: CustomResourceDefinition): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(CLEANUP_FINALIZER) ?? false);

const holds = ({ status }: CustomResourceDefinition, wanted: string): boolean =>
  status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;

/** How many objects are left, which wait for their finalizers. */
async function deleteAll(
  { client }: ControllerContext,
  { spec }: CustomResourceDefinition,
  signal: AbortSignal,
): Promise<number> {
  const version = spec.versions.find(({ storage }) => storage)?.name ?? '';
  const namespaced = spec.scope === 'Namespaced';
  const { plural: resource, kind } = spec.names;
  const ref: ResourceRef = { group: spec.group, version, resource, kind, namespaced };
  const list = async () => (await client.list(metadataOf(ref), { metadataOnly: true, limit: PAGE, signal })).items;
  try {
    for (;;) {
      const items = await list();
      if (items.length === 0) return 0;
      const waiting = items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
      if (waiting.length === items.length) return items.length;
      for (const namespace of new Set(items.map(({ metadata }) => metadata.namespace)))
        await client.deleteCollection(ref, { namespace, signal });
    }
  } catch (error) {
    if (isNotFound(error)) return 0; // no longer served, which only happens when it is gone
    throw error;
  }
}

/** Whether the condition had to be written. */
async function report(
  context: ControllerContext,
  definition: CustomResourceDefinition,
  condition: CustomResourceDefinitionCondition,
  signal: AbortSignal,
): Promise<boolean> {
  const old = definition.status?.conditions ?? [];
  const conditions = withCondition(old, { ...condition, lastTransitionTime: wireTime(context.clock.now()) });
  if (conditions === old) return false;
  await patchStatus(context, definition, { status: { conditions } }, signal);
  return true;
}

async function finish(
  context: ControllerContext,
  definition: CustomResourceDefinition,
  condition: CustomResourceDefinitionCondition,
  signal: AbortSignal,
): Promise<undefined> {
  const now = wireTime(context.clock.now());
  const conditions = withCondition(definition.status?.conditions ?? [], { ...condition, lastTransitionTime: now });
  const finalizers = (definition.metadata.finalizers ?? []).filter(name => name !== CLEANUP_FINALIZER);
  await patchStatus(context, definition, { metadata: { finalizers }, status: { conditions } }, signal);
}

async function patchStatus(
  { client }: ControllerContext,
  { metadata }: CustomResourceDefinition,
  patch: { readonly metadata?: object; readonly status: object },
  signal: AbortSignal,
): Promise<void> {
  const key = { name: metadata.name ?? '' };
  const body = { ...patch, metadata: { ...patch.metadata, resourceVersion: metadata.resourceVersion } };
  try {
    await client.patch(CustomResourceDefinitions, key, body, { type: 'merge', subresource: 'status', signal });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
