/**
 * POST pods/NAME/eviction: a deletion that disruption budgets may refuse
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/; upstream: `registry/core/pod/storage/eviction.go`).
 *
 * Always true: a pod that a budget protects goes only after the budget has been charged for it, by a compare-and-swap on the
 * budget it was decided upon; of many evictions at once, no more succeed than the budget allows.
 */
import type { DeleteOptions } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { Eviction, PodDisruptionBudget } from '../../api/generated/types/policy.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { isReady, isTerminal } from '../../api/pods.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { badRequest, conflict, notFound, StatusError, timeout } from '../../api/status.ts';
import { delay } from '../../lib/clock.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import { decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { keyOf } from '../keys.ts';
import { timestamp } from '../objectMeta.ts';
import { admissionAttributes, commit, updateObject } from '../registry.ts';
import { deserialize, serialize } from '../serialized.ts';
import { charge, stillProcessed } from './budget.ts';
import { deleteObject } from './delete.ts';

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction', definition: 'io.k8s.api.policy.v1.Eviction' };
const budgets = { group: 'policy', resource: 'poddisruptionbudgets', namespaced: true };

/** Lost races in a row. */
const MAX_ATTEMPTS = 20;
const AGAIN_MS = 100;

type Budget = PodDisruptionBudget & KubeObject;

export async function evictPod(context: Context): Promise<Response> {
  const { info, parts, request, warnings } = context;
  const eviction = (await decodeBody(request, evictionKind, warnings)) as unknown as Eviction;
  if (eviction.metadata?.name !== info.name) throw badRequest('name in URL does not match name in Eviction object');
  const options = eviction.deleteOptions ?? {};
  const evicting: Context = { ...context, dryRun: dryRunOf(context, options) };
  const attributes = admissionAttributes(evicting, 'CREATE', eviction as unknown as KubeObject, undefined);
  const named = { ...attributes, namespace: info.namespace, name: info.name };
  await parts.admission.mutate(named);
  await parts.admission.validate(named);

  const pod = await evictUnprotected(evicting, options);
  if (pod) {
    const { budget, unready } = await charged(evicting, pod);
    try {
      await goodbye(evicting, unready ? at(options, pod) : options);
    } catch (error) {
      // The pod has become something else since; a client that named no revision may simply try again.
      if (unready && budget && isConflict(error) && options.preconditions?.resourceVersion === undefined)
        throw stillProcessed(budget);
      throw error;
    }
  }
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return answerObject(askedOf(context), status as unknown as KubeObject, 201);
}

function dryRunOf({ dryRun }: Context, options: DeleteOptions): boolean {
  const asked = options.dryRun ?? [];
  const unknown = asked.find(text => text !== 'All');
  if (unknown !== undefined)
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(unknown)}: supported values: "All"`);
  return dryRun || asked.length > 0;
}

/** What has ended, has not begun or is going already disturbs nobody: it goes at once. @returns a pod that needs its budget asked. */
async function evictUnprotected(context: Context, options: DeleteOptions): Promise<Pod | undefined> {
  for (let attempt = 1; ; attempt++) {
    const pod = await readPod(context);
    checkPreconditions(pod, options);
    const going = pod.metadata.deletionTimestamp !== undefined;
    if (!isTerminal(pod) && pod.status?.phase !== 'Pending' && !going) return pod;
    const anyRevision = isTerminal(pod) || going || options.preconditions?.resourceVersion !== undefined;
    try {
      // One that is pending must not have become ready meanwhile.
      await goodbye(context, anyRevision ? options : at(options, pod));
      return undefined;
    } catch (error) {
      if (!isConflict(error) || options.preconditions?.resourceVersion !== undefined || attempt >= MAX_ATTEMPTS)
        throw error;
      await delay(AGAIN_MS, context.request.signal, context.parts.clock);
    }
  }
}

/** Before a budget is charged in vain. */
function checkPreconditions({ metadata }: Pod, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const { name = '' } = metadata;
  const pods = { group: '', resource: 'Pod' };
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(pods, name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(pods, name, why);
  }
}

async function readPod({ parts, resource, info }: Context): Promise<Pod> {
  const stored = await parts.store.get(keyOf(resource, info.namespace, info.name));
  if (!stored) throw notFound(resource, info.name);
  return deserialize(stored.value, stored.modRevision) as unknown as Pod;
}

interface Charged {
  /** Of the budget that covers the pod. */
  readonly budget?: string;
  /** The budget was not charged, as the pod does not count as healthy: it must not become ready before it goes. */
  readonly unready: boolean;
}

/** @throws StatusError 429 when the budget allows no disruption now. */
async function charged(context: Context, pod: Pod): Promise<Charged> {
  const { parts, info, dryRun } = context;
  const mirror = parts.mirrors.podDisruptionBudgets;
  await mirror.start();
  const covering = [...mirror.values(`/registry/policy/poddisruptionbudgets/${info.namespace}/`)].filter(
    ({ spec }) => spec?.selector !== undefined && labelSelectorMatches(spec.selector, pod.metadata.labels),
  );
  if (covering.length > 1) {
    const what = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, '', what);
  }
  let [budget] = covering;
  const name = budget?.metadata.name ?? '';
  for (let attempt = 1; budget && attempt <= MAX_ATTEMPTS; attempt++) {
    if (!isReady(pod) && mayGoUnready(budget)) return { budget: name, unready: true };
    const next = charge(budget, info.name, timestamp(parts.clock.now()));
    if (dryRun) return { budget: name, unready: false };
    const result = await commit(context, {
      key: keyOf(budgets, info.namespace, name),
      value: serialize(next),
      expect: Number(budget.metadata.resourceVersion),
    });
    if (result.ok) return { budget: name, unready: false };
    const { current } = result;
    budget = current && (deserialize(current.value, current.modRevision) as Budget);
  }
  if (budget) throw timeout(`couldn't update PodDisruptionBudget ${JSON.stringify(name)} due to conflicts`, 10);
  return { unready: false };
}

/** A pod that is not ready is no loss: always, or as long as enough others are healthy (KEP-3017). */
function mayGoUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** Says on the pod why it goes, and deletes it. */
async function goodbye(context: Context, options: DeleteOptions): Promise<void> {
  const { info, parts, dryRun } = context;
  if (dryRun) {
    await deleteObject(context, info.namespace, info.name, options);
    return;
  }
  const { uid, resourceVersion } = options.preconditions ?? {};
  const updated = await updateObject(context, info.name, {
    subresource: 'status',
    trusted: true,
    change: object => {
      const pod = object as unknown as Pod;
      if (uid !== undefined) pod.metadata.uid = uid;
      if (resourceVersion !== undefined) pod.metadata.resourceVersion = resourceVersion;
      else delete pod.metadata.resourceVersion;
      const old = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
        lastTransitionTime: old?.status === 'True' ? old.lastTransitionTime : timestamp(parts.clock.now()),
      };
      const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
      pod.status = { ...pod.status, conditions: [...others, condition] };
      return pod as unknown as KubeObject;
    },
  });
  if (updated.deleted) return;
  const preconditions =
    resourceVersion === undefined
      ? options.preconditions
      : { ...options.preconditions, resourceVersion: String(updated.revision) };
  await deleteObject(context, info.namespace, info.name, { ...options, ...(preconditions ? { preconditions } : {}) });
}

const at = (options: DeleteOptions, { metadata }: Pod): DeleteOptions => ({
  ...options,
  preconditions: { ...options.preconditions, resourceVersion: metadata.resourceVersion },
});

const isConflict = (error: unknown): boolean => error instanceof StatusError && error.reason === 'Conflict';
