/**
 * Pods nobody else removes: those bound to a node that is gone, those that were deleted before they had a node, and the
 * oldest of too many that have ended (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection).
 */
import type { Pod } from '../api/generated/types/core.v1.ts';
import { isTerminal } from '../api/pods.ts';
import { isNotFound } from '../client/apiError.ts';
import { BY_NODE, nodesOf, podsOf } from '../client/caches.ts';
import { keyOf, keyText, Nodes, Pods } from '../client/resources.ts';
import { wireTime } from '../client/wireTime.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

/** A node may be registered anew: its pods wait for it. */
const QUARANTINE_MS = 40_000;
const ENDED = '(ended)';

/** The oldest pods over `threshold`, of those that have ended. */
export function tooMany(ended: readonly Pod[], threshold: number): Pod[] {
  const excess = ended.length - threshold;
  if (excess <= 0) return [];
  const age = ({ metadata }: Pod): string => `${metadata.creationTimestamp ?? ''} ${metadata.name ?? ''}`;
  return [...ended].sort((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, excess);
}

export function podGarbage(terminatedThreshold: number): Controller {
  return (context, signal) => {
    const { client, informers, clock } = context;
    const pods = podsOf(informers);
    const nodes = nodesOf(informers);
    const queue = newQueue(context);
    let ended = 0;

    const look = (pod: Pod): void => {
      const { nodeName } = pod.spec ?? {};
      const key = keyText(keyOf(pod));
      if (nodeName && nodes.hasSynced && !nodes.get(undefined, nodeName)) queue.addAfter(key, QUARANTINE_MS);
      else if (!nodeName && pod.metadata.deletionTimestamp) queue.add(key);
    };
    const count = (by: number): void => {
      ended += by;
      if (by > 0 && ended > terminatedThreshold) queue.add(ENDED);
    };
    pods.on({
      add: pod => {
        if (isTerminal(pod)) count(1);
        look(pod);
      },
      update: (pod, old) => {
        count(Number(isTerminal(pod)) - Number(isTerminal(old)));
        look(pod);
      },
      delete: pod => {
        if (isTerminal(pod)) count(-1);
      },
    });
    nodes.on({
      delete: node => {
        for (const pod of pods.byIndex(BY_NODE, node.metadata.name ?? ''))
          queue.addAfter(keyText(keyOf(pod)), QUARANTINE_MS);
      },
    });
    // Pods seen before the nodes were.
    nodes.synced.then(() => {
      for (const pod of pods.list()) look(pod);
    });

    const work = async (key: string): Promise<undefined> => {
      if (key === ENDED) {
        for (const pod of tooMany([...pods.list()].filter(isTerminal), terminatedThreshold))
          await remove(pod, undefined);
        return;
      }
      const pod = pods.getByKey(key);
      if (!pod) return;
      const { nodeName } = pod.spec ?? {};
      if (!nodeName) {
        if (pod.metadata.deletionTimestamp) await remove(pod, undefined);
        return;
      }
      if (nodes.get(undefined, nodeName) || (await nodeExists(nodeName))) return;
      await remove(pod, 'PodGC: node no longer exists');
    };
    const nodeExists = async (name: string): Promise<boolean> => {
      try {
        await client.getMetadata(Nodes, { name }, { signal });
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    };
    const remove = async (pod: Pod, why: string | undefined): Promise<void> => {
      const { uid } = pod.metadata;
      try {
        if (why && !isTerminal(pod)) {
          const lastTransitionTime = wireTime(clock.now());
          const conditions = [
            { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: why, lastTransitionTime },
          ];
          const patch = { metadata: { uid }, status: { phase: 'Failed', conditions } };
          await client.patch(Pods, keyOf(pod), patch, { type: 'strategic', subresource: 'status', signal });
        }
        await client.delete(
          Pods,
          keyOf(pod),
          { gracePeriodSeconds: 0, ...(uid ? { preconditions: { uid } } : {}) },
          { signal },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    };
    return reconcile(context, queue, [pods, nodes], work, signal, 1);
  };
}
