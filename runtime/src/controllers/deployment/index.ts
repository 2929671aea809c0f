/** A Deployment brings its pods from one revision to the next. What to do is decided in the files beside this one. */
import type { Deployment, ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { controllerOf } from '../../api/owners.ts';
import { deploymentsOf, podsOf, replicaSetsOf } from '../../client/caches.ts';
import type { Informer } from '../../client/informer.ts';
import { Deployments, keyOf, keyText, ReplicaSets } from '../../client/resources.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { Freshness } from '../freshness.ts';
import { matcherOf, Round } from './round.ts';

export const deployments: Controller = (context, signal) => {
  const { informers, clock } = context;
  const cache = deploymentsOf(informers);
  const sets = replicaSetsOf(informers);
  const pods = podsOf(informers);
  const expected = new Freshness<ReplicaSet>(sets, clock);
  const queue = newQueue(context);

  const enqueue = (deployment: Deployment): void => queue.add(keyText(keyOf(deployment)));
  cache.on({
    add: enqueue,
    update: enqueue,
    delete: deployment => expected.forget(keyText(keyOf(deployment))),
  });
  sets.on(ownerListener(cache, key => queue.add(key)));
  pods.on({
    // A Recreate waits until the last old pod is gone, which no ReplicaSet's status tells.
    delete: pod => {
      const set = ownerSetOf(pod, sets);
      const owner = set && controllerOf(set);
      if (owner?.kind === Deployments.kind) queue.add(keyText({ namespace: pod.metadata.namespace, name: owner.name }));
    },
  });

  const work = async (key: string): Promise<number | undefined> => {
    const deployment = cache.getByKey(key);
    if (!deployment) return;
    // The write that is missing will bring the key back; the time is for one that never comes.
    if (!expected.fresh(key)) return 5000;
    return new Round(context, sets, pods, expected, deployment, signal).run();
  };
  return reconcile(context, queue, [cache, sets, pods], work, signal, 3);
};

function ownerSetOf(pod: Pod, sets: Informer<ReplicaSet>): ReplicaSet | undefined {
  const owner = controllerOf(pod);
  return owner?.kind === ReplicaSets.kind ? sets.get(pod.metadata.namespace, owner.name) : undefined;
}

function ownerListener(cache: Informer<Deployment>, add: (key: string) => void) {
  const enqueueOwner = (set: ReplicaSet): void => {
    const owner = controllerOf(set);
    const { namespace, labels } = set.metadata;
    if (owner?.kind === Deployments.kind) add(keyText({ namespace, name: owner.name }));
    else if (!owner && cache.hasSynced) {
      for (const deployment of cache.list()) {
        if (deployment.metadata.namespace === namespace && matcherOf(deployment)(labels))
          add(keyText(keyOf(deployment)));
      }
    }
  };
  return {
    add: enqueueOwner,
    update: (set: ReplicaSet, old: ReplicaSet) => {
      if (controllerOf(old)?.uid !== controllerOf(set)?.uid) enqueueOwner(old);
      enqueueOwner(set);
    },
    delete: enqueueOwner,
  };
}
