/** A ReplicaSet has as many pods as it asks for. What to do is decided in `plan.ts`. */
import type { ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { controllerOf } from '../../api/owners.ts';
import { isActive } from '../../api/pods.ts';
import { labelSelectorMatches, selectorOf } from '../../api/selectors.ts';
import { isNamespaceTerminating, isNotFound } from '../../client/apiError.ts';
import { BY_CONTROLLER, orphansOf, podsOf, replicaSetsOf } from '../../client/caches.ts';
import type { Informer } from '../../client/informer.ts';
import { keyOf, keyText, Pods, ReplicaSets } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { omitZero, patchIsVain } from '../conditions.ts';
import { type Controller, type ControllerContext, newQueue, reconcile } from '../context.ts';
import { Freshness } from '../freshness.ts';
import { claim, controllerReference, settleClaims } from '../ownership.ts';
import { nextStep, reportOf } from './plan.ts';
import { slowStart } from './slowStart.ts';

export const replicaSets: Controller = (context, signal) => {
  const { informers, clock } = context;
  const sets = replicaSetsOf(informers);
  const pods = podsOf(informers);
  const expected = new Freshness<Pod>(pods, clock);
  const queue = newQueue(context);

  const enqueue = (set: ReplicaSet): void => queue.add(keyText(keyOf(set)));
  sets.on({
    add: enqueue,
    update: enqueue,
    delete: set => {
      expected.forget(keyText(keyOf(set)));
      enqueue(set);
    },
  });
  const enqueueOwner = (pod: Pod): void => {
    const owner = controllerOf(pod);
    if (owner?.kind === ReplicaSets.kind) {
      queue.add(keyText({ namespace: pod.metadata.namespace, name: owner.name }));
    } else if (!owner && sets.hasSynced) {
      // An orphan: whoever would have it may take it.
      for (const set of sets.list()) {
        if (set.metadata.namespace === pod.metadata.namespace && matcherOf(set)(pod.metadata.labels)) enqueue(set);
      }
    }
  };
  pods.on({
    add: enqueueOwner,
    update: (pod, old) => {
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) enqueueOwner(old);
      enqueueOwner(pod);
    },
    delete: enqueueOwner,
  });

  const work = async (key: string): Promise<number | undefined> => {
    const set = sets.getByKey(key);
    if (!set) return;
    if (!expected.fresh(key)) {
      // The write that is missing will bring the key back; the time is for one that never comes.
      return 5000;
    }
    return new Round(context, sets, pods, expected, set, signal).run();
  };
  return reconcile(context, queue, [sets, pods], work, signal, 5);
};

function matcherOf(set: ReplicaSet): (labels: Record<string, string> | undefined) => boolean {
  const selector = selectorOf(set.spec?.selector ?? {});
  // An empty selector would take every pod there is; validation refuses it.
  return labels => selector.length > 0 && labelSelectorMatches(selector, labels);
}

/** One look at one ReplicaSet. */
class Round {
  constructor(
    private readonly context: ControllerContext,
    private readonly sets: Informer<ReplicaSet>,
    private readonly pods: Informer<Pod>,
    private readonly expected: Freshness<Pod>,
    private readonly set: ReplicaSet,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<number | undefined> {
    const { set, pods, context, signal } = this;
    const { namespace, uid = '' } = set.metadata;
    const candidates = [
      ...pods.byIndex(BY_CONTROLLER, uid),
      ...pods.byIndex(BY_CONTROLLER, orphansOf(namespace)).filter(isActive),
    ];
    const claims = claim(set, candidates, matcherOf(set));
    const owned = await settleClaims(context.client, ReplicaSets, set, Pods, claims, signal);
    const nowMs = context.clock.now();
    const step = nextStep(set, owned.filter(isActive), this.#related(owned), nowMs);
    let failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined;
    let error: unknown;
    if (step.do === 'create') {
      error = await this.#create(step.count);
      if (error !== undefined) failure = { reason: 'FailedCreate', message: textOf(error) };
    } else if (step.do === 'delete') {
      error = await this.#delete(step.pods);
      if (error !== undefined) failure = { reason: 'FailedDelete', message: textOf(error) };
    }
    const report = reportOf(set, owned, failure, nowMs, wireTime(nowMs));
    await this.#writeStatus(report.status);
    if (error !== undefined) throw error;
    return report.changesInMs;
  }

  /** Pods of every ReplicaSet of the same owner. */
  #related(owned: readonly Pod[]): readonly Pod[] {
    const owner = controllerOf(this.set);
    if (!owner) return owned;
    return this.sets
      .byIndex(BY_CONTROLLER, owner.uid)
      .flatMap(set => this.pods.byIndex(BY_CONTROLLER, set.metadata.uid ?? ''));
  }

  async #create(count: number): Promise<unknown> {
    const { set, context, signal } = this;
    const { namespace, name = '' } = set.metadata;
    const { template } = set.spec ?? {};
    const { labels, annotations, finalizers } = template?.metadata ?? {};
    const prefix = `${name}-`;
    const pod: Pod = {
      metadata: {
        namespace,
        // As upstream: a prefix that would not be a valid name is left out.
        generateName: prefix.length > 253 ? name : prefix,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
        ...(finalizers ? { finalizers } : {}),
        ownerReferences: [controllerReference(ReplicaSets, set)],
      },
      ...(template?.spec ? { spec: template.spec } : {}),
    };
    const { error } = await slowStart(count, async () => {
      try {
        const created = await context.client.create(Pods, pod, { signal });
        this.expected.wrote(keyText(keyOf(set)), created);
        context.events.event(ReplicaSets, set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      } catch (failed) {
        // The namespace goes, and this set with it: nothing to say and nothing to try again.
        if (isNamespaceTerminating(failed)) return;
        context.events.event(ReplicaSets, set, 'Warning', 'FailedCreate', `Error creating: ${textOf(failed)}`);
        throw failed;
      }
    });
    return error;
  }

  async #delete(victims: readonly Pod[]): Promise<unknown> {
    const { set, context, signal } = this;
    const results = await Promise.allSettled(
      victims.map(async pod => {
        const name = pod.metadata.name ?? '';
        try {
          const { uid } = pod.metadata;
          await context.client.delete(Pods, keyOf(pod), uid ? { preconditions: { uid } } : {}, { signal });
        } catch (failed) {
          if (isNotFound(failed)) return;
          context.events.event(ReplicaSets, set, 'Warning', 'FailedDelete', `Error deleting: ${textOf(failed)}`);
          throw failed;
        }
        this.expected.deleted(keyText(keyOf(set)), pod);
        context.events.event(ReplicaSets, set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      }),
    );
    return results.find(result => result.status === 'rejected')?.reason;
  }

  async #writeStatus(status: NonNullable<ReplicaSet['status']>): Promise<void> {
    const { set, context, signal } = this;
    const patch = {
      ...status,
      fullyLabeledReplicas: omitZero(status.fullyLabeledReplicas ?? 0),
      readyReplicas: omitZero(status.readyReplicas ?? 0),
      availableReplicas: omitZero(status.availableReplicas ?? 0),
      terminatingReplicas: status.terminatingReplicas ?? 0,
      conditions: status.conditions?.length ? status.conditions : null,
    };
    if (patchIsVain(patch, set.status ?? {})) return;
    try {
      await context.client.patch(
        ReplicaSets,
        keyOf(set),
        { metadata: { uid: set.metadata.uid }, status: patch },
        { type: 'merge', subresource: 'status', signal },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
