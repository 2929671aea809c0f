/**
 * A namespace that is being deleted loses all it holds, and then itself
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/, KEP-5080: pods go first).
 */
import type { Namespace } from '../../api/generated/types/core.v1.ts';
import { isMethodNotSupported, isNotFound } from '../../client/apiError.ts';
import { namespacesOf, podsOf } from '../../client/caches.ts';
import { type DiscoveredResource, discover } from '../../client/discovery.ts';
import { groupResourceOf, keyOf, metadataOf, Namespaces } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { patchIsVain } from '../conditions.ts';
import { type Controller, type ControllerContext, newQueue, reconcile, Unfinished } from '../context.ts';
import { namespaceConditions, type Progress, type Remains } from './conditions.ts';

const FINALIZER = 'kubernetes';

export const namespaces: Controller = (context, signal) => {
  const cache = namespacesOf(context.informers);
  const pods = podsOf(context.informers);
  // What is left is looked for again after a quarter of a second, then more and more rarely.
  const queue = newQueue(context, 250);
  const enqueue = (namespace: Namespace): void => {
    if (isLeaving(namespace)) queue.add(namespace.metadata.name ?? '');
  };
  cache.on({ add: enqueue, update: (namespace, old) => !isLeaving(old) && enqueue(namespace) });
  pods.on({
    // Mostly it is pods that take their time.
    delete: pod => {
      const namespace = cache.get(undefined, pod.metadata.namespace ?? '');
      if (namespace) enqueue(namespace);
    },
  });
  const work = async (name: string): Promise<undefined> => {
    const namespace = cache.get(undefined, name);
    if (!namespace || !isLeaving(namespace)) return;
    const progress = await empty(context, name, signal);
    const left = progress.remains.filter(({ count }) => count > 0);
    if (left.length === 0 && progress.deletionErrors.length === 0 && progress.discoveryError === undefined) {
      return finalize(context, name, signal);
    }
    await report(context, namespace, progress, signal);
    const what = left.map(({ resource, count }) => `${resource}: ${count}`).join(', ');
    throw new Unfinished(
      `namespace ${name} still holds ${what || progress.deletionErrors.join('; ') || progress.discoveryError}`,
    );
  };
  return reconcile(context, queue, [cache, pods], work, signal);
};

function isLeaving({ metadata, spec }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined && (spec?.finalizers?.includes(FINALIZER) ?? false);
}

async function empty(context: ControllerContext, namespace: string, signal: AbortSignal): Promise<Progress> {
  let resources: DiscoveredResource[];
  try {
    resources = (await discover(context.client, { signal })).filter(
      // Events of the two groups are the same objects.
      ({ namespaced, verbs, group }) =>
        namespaced && verbs.includes('delete') && verbs.includes('list') && group !== 'events.k8s.io',
    );
  } catch (error) {
    return { discoveryError: textOf(error), deletionErrors: [], remains: [] };
  }
  const deletionErrors: string[] = [];
  const emptyOne = async (ref: DiscoveredResource): Promise<Remains[]> => {
    try {
      return [await deleteAll(context, ref, namespace, signal)];
    } catch (error) {
      if (isNotFound(error) || isMethodNotSupported(error)) return [];
      deletionErrors.push(`${groupResourceOf(ref)}: ${textOf(error)}`);
      return [];
    }
  };
  const isPods = ({ group, resource }: DiscoveredResource): boolean => group === '' && resource === 'pods';
  // Pods first: a policy or a secret must not go while a pod still relies on it.
  const remains: Remains[] = [];
  for (const ref of resources.filter(isPods)) remains.push(...(await emptyOne(ref)));
  if (remains.some(({ count }) => count > 0)) return { deletionErrors, remains };
  for (const ref of resources) if (!isPods(ref)) remains.push(...(await emptyOne(ref)));
  return { deletionErrors, remains };
}

async function deleteAll(
  { client }: ControllerContext,
  ref: DiscoveredResource,
  namespace: string,
  signal: AbortSignal,
): Promise<Remains> {
  const list = async () =>
    (await client.list(metadataOf(ref), { namespace, metadataOnly: true, limit: 500, signal })).items;
  let items = await list();
  if (items.length > 0) {
    const policy = { propagationPolicy: 'Background' };
    if (ref.verbs.includes('deletecollection')) await client.deleteCollection(ref, { namespace, signal }, policy);
    else {
      for (const item of items) {
        await client.delete(ref, { ...keyOf(item), namespace }, policy, { signal }).catch(error => {
          if (!isNotFound(error)) throw error;
        });
      }
    }
    items = await list();
  }
  const finalizers = new Map<string, number>();
  for (const name of items.flatMap(({ metadata }) => metadata.finalizers ?? [])) {
    finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  }
  return { resource: `${ref.resource}.${ref.group}`, count: items.length, finalizers };
}

async function finalize({ client }: ControllerContext, name: string, signal: AbortSignal): Promise<undefined> {
  try {
    const live = await client.get(Namespaces, { name }, { signal });
    const finalizers = (live.spec?.finalizers ?? []).filter(finalizer => finalizer !== FINALIZER);
    await client.updateSubresource(Namespaces, { ...live, spec: { ...live.spec, finalizers } }, 'finalize', { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function report(
  context: ControllerContext,
  namespace: Namespace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const old = namespace.status?.conditions ?? [];
  const conditions = namespaceConditions(old, progress, wireTime(context.clock.now()));
  if (patchIsVain({ conditions }, { conditions: old })) return;
  const patch = { status: { phase: 'Terminating', conditions } };
  await context.client
    .patch(Namespaces, keyOf(namespace), patch, { type: 'merge', subresource: 'status', signal })
    .catch(error => {
      if (!isNotFound(error)) throw error;
    });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
