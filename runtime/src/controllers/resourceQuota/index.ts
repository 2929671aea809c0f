/**
 * The status of resource quotas: what is allowed as the spec says, what is used as counted
 * (https://kubernetes.io/docs/concepts/policy/resource-quotas/). Admission charges what is made
 * (`apiserver/admission/quota/`); here is given back what is gone.
 *
 * Always true:
 * - a status is written only onto the quota it was counted for (its resourceVersion), so that no charge made meanwhile is lost;
 * - a charge whose object was written after we had counted is found again: an object that appears within
 *   {@link SETTLE_MS} of our write has the quota counted anew;
 * - a charge for an object that was refused afterwards is given back within {@link DRIFT_MS};
 * - a quota without a status goes before all others; nothing runs while nothing changes.
 */
import type { Pod, ResourceQuota } from '../../api/generated/types/core.v1.ts';
import { isTerminal } from '../../api/pods.ts';
import { formatQuantities, parseQuantities, sameQuantities } from '../../api/quantities.ts';
import { measuresOf } from '../../api/quota/index.ts';
import { isNotFound } from '../../client/apiError.ts';
import { anyCacheOf, metadataCacheOf, podsOf, resourceQuotasOf } from '../../client/caches.ts';
import { discover } from '../../client/discovery.ts';
import {
  type ApiObject,
  groupResourceOf,
  keyOf,
  keyText,
  ResourceQuotas,
  type ResourceRef,
} from '../../client/resources.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { isCurrent, usageOf } from './measured.ts';

const BY_NAMESPACE = 'namespace';
/** What is charged and not made is looked for so long after the last charge. */
const DRIFT_MS = 10_000;
const SETTLE_MS = 1000;
/** Several that go together are counted together. */
const TOGETHER_MS = 20;
/** A quota may name a resource that is not served yet. */
const LOOK_AGAIN_MS = 30_000;
const SERVED_MS = 1000;

const Definitions: ResourceRef = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

interface Written {
  readonly atMs: number;
  readonly used: Readonly<Record<string, string>>;
  /** Of the last count: the next waits a multiple of it, so that counting much never takes all of the time. */
  readonly tookMs: number;
}

export const resourceQuotas: Controller = async (context, signal) => {
  const { client, informers, clock } = context;
  const quotas = resourceQuotasOf(informers);
  quotas.addIndex(BY_NAMESPACE, quota => [quota.metadata.namespace ?? '']);
  const first = newQueue(context);
  const queue = newQueue(context);
  const written = new Map<string, Written>();
  /** Every namespaced resource, as of the last time we asked. */
  let refs = new Map<string, ResourceRef>();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  /** Quotas with names of resources that are not served (yet). */
  const unmeasured = new Set<string>();
  /** By resource: the cache we listen to. One of a kind that has gone and come again is another. */
  const watched = new Map<string, unknown>();

  const delayOf = (key: string): number => TOGETHER_MS + 3 * (written.get(key)?.tookMs ?? 0);
  /** Something of a quota's resources is less, or may be. */
  const changed = (ref: ResourceRef, namespace: string | undefined, afterMs = 0): void => {
    const which = groupResourceOf(ref);
    for (const quota of quotas.byIndex(BY_NAMESPACE, namespace ?? '')) {
      const names = Object.keys(quota.spec?.hard ?? {});
      if (!measuresOf(names).some(({ evaluator }) => evaluator.groupResource === which)) continue;
      const key = keyText(keyOf(quota));
      queue.addAfter(key, Math.max(afterMs, delayOf(key)));
    }
  };
  const appeared = (ref: ResourceRef, object: ApiObject): void => {
    const nowMs = clock.now();
    const { namespace } = object.metadata;
    const counted = quotas
      .byIndex(BY_NAMESPACE, namespace ?? '')
      .some(quota => nowMs - (written.get(keyText(keyOf(quota)))?.atMs ?? Number.NEGATIVE_INFINITY) < SETTLE_MS);
    if (counted) changed(ref, namespace);
  };

  const watch = (ref: ResourceRef): void => {
    const which = groupResourceOf(ref);
    const cache = which === 'pods' ? podsOf(informers) : anyCacheOf(informers, ref);
    if (watched.get(which) === cache) return;
    watched.set(which, cache);
    if (which === 'pods') {
      podsOf(informers).on({
        add: pod => appeared(ref, pod),
        update: (pod, old) => {
          if (quotas.byIndex(BY_NAMESPACE, pod.metadata.namespace ?? '').length === 0) return;
          if (isTerminal(pod) && !isTerminal(old)) changed(ref, pod.metadata.namespace);
          else if (sizeOf(pod) !== sizeOf(old)) changed(ref, pod.metadata.namespace);
          const overdueMs = overdueIn(pod, clock.now());
          if (overdueMs !== undefined && !old.metadata.deletionTimestamp)
            changed(ref, pod.metadata.namespace, overdueMs);
        },
        delete: pod => changed(ref, pod.metadata.namespace),
      });
      return;
    }
    anyCacheOf(informers, ref).on({
      add: object => appeared(ref, object),
      // Only their metadata is cached, which does not tell what has changed; these are not changed often.
      update: object => {
        if (evaluatesUpdates.has(which)) changed(ref, object.metadata.namespace);
      },
      delete: object => changed(ref, object.metadata.namespace),
    });
  };

  const look = (quota: ResourceQuota): void => {
    const key = keyText(keyOf(quota));
    const { spec, status } = quota;
    const isNew = !status?.hard || !sameQuantities(parseQuantities(spec?.hard), parseQuantities(status.hard));
    if (isNew) first.add(key);
    else if (JSON.stringify(status.used ?? {}) !== JSON.stringify(written.get(key)?.used))
      queue.addAfter(key, written.has(key) ? DRIFT_MS : 0);
  };
  // A kind that is defined is served a moment later.
  const defined = (): void => {
    askedAtMs = Number.NEGATIVE_INFINITY;
    for (const key of unmeasured) queue.addAfter(key, SERVED_MS);
  };
  metadataCacheOf(informers, Definitions).on({ add: defined, update: defined });
  quotas.on({ add: look, update: look, delete: quota => written.delete(keyText(keyOf(quota))) });

  const refsFor = async (names: readonly string[]): Promise<ReadonlyMap<string, ResourceRef>> => {
    const missing = measuresOf(names).some(({ evaluator }) => !refs.has(evaluator.groupResource));
    if (missing && clock.now() - askedAtMs >= LOOK_AGAIN_MS) {
      const found = await discover(client, { signal });
      refs = new Map(found.filter(ref => ref.namespaced).map(ref => [groupResourceOf(ref), ref]));
      askedAtMs = clock.now();
    }
    return refs;
  };

  const work = async (key: string): Promise<number | undefined> => {
    const quota = quotas.getByKey(key);
    if (!quota || quota.metadata.deletionTimestamp) return;
    const names = Object.keys(quota.spec?.hard ?? {});
    const known = await refsFor(names);
    // Watched before they are counted, so that nothing that goes is missed.
    for (const { evaluator } of measuresOf(names)) {
      const ref = known.get(evaluator.groupResource);
      if (ref) watch(ref);
    }
    const beganMs = clock.now();
    const { used, unknown } = await usageOf(client, quota, known, beganMs, signal);
    const texts = formatQuantities(used);
    const tookMs = clock.now() - beganMs;
    if (isCurrent(quota, used)) {
      written.set(key, { atMs: written.get(key)?.atMs ?? 0, used: quota.status?.used ?? {}, tookMs });
    } else {
      const status = {
        hard: replacing(quota.status?.hard, quota.spec?.hard ?? {}),
        used: replacing(quota.status?.used, texts),
      };
      const { resourceVersion, uid } = quota.metadata;
      const patch = { metadata: { resourceVersion, uid }, status };
      // Before the answer: the watch may be quicker.
      written.set(key, { atMs: clock.now(), used: texts, tookMs });
      try {
        await client.patch(ResourceQuotas, keyOf(quota), patch, { type: 'merge', subresource: 'status', signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    if (unknown.length === 0) {
      unmeasured.delete(key);
      return;
    }
    unmeasured.add(key);
    return LOOK_AGAIN_MS;
  };
  await Promise.all([
    reconcile(context, first, [quotas], work, signal, 1),
    reconcile(context, queue, [quotas], work, signal, 1),
  ]);
};

const evaluatesUpdates = new Set(['services', 'persistentvolumeclaims', 'resourceclaims.resource.k8s.io']);

/** A merge patch that leaves exactly `next`. */
function replacing(
  old: Readonly<Record<string, string>> | undefined,
  next: Readonly<Record<string, string>>,
): Record<string, string | null> {
  const gone = Object.keys(old ?? {}).filter(name => !(name in next));
  return { ...next, ...Object.fromEntries(gone.map(name => [name, null])) };
}

/** What a resize changes. */
function sizeOf({ spec }: Pod): string {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return JSON.stringify([spec?.resources, all.map(({ resources }) => resources), spec?.activeDeadlineSeconds]);
}

/** In how many ms a pod that is being deleted counts no more, should nobody end it. */
function overdueIn({ metadata }: Pod, nowMs: number): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return;
  return Math.max(0, Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000 - nowMs) + 1000;
}
