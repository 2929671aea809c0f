/**
 * A pod that was to be disrupted and is still there, not even being deleted, after two minutes: it is not going to be, and its
 * condition `DisruptionTarget` no longer says so (KEP-3329).
 */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { isTerminal, podCondition } from '../../api/pods.ts';
import { isNotFound } from '../../client/apiError.ts';
import { podsOf } from '../../client/caches.ts';
import { keyOf, keyText, Pods } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';

const TYPE = 'DisruptionTarget';
export const STALE_MS = 2 * 60_000;

/** In how many ms the condition is stale; `undefined`: it is none that could be. The kubelet takes its time, and is right. */
export function staleInMs(pod: Pod, nowMs: number): number | undefined {
  const condition = podCondition(pod, TYPE);
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  if (pod.metadata.deletionTimestamp || isTerminal(pod)) return undefined;
  return Math.max(0, Date.parse(condition.lastTransitionTime ?? '') + STALE_MS - nowMs) || 0;
}

export const staleDisruptions: Controller = (context, signal) => {
  const { client, informers, clock } = context;
  const pods = podsOf(informers);
  const queue = newQueue(context);
  const look = (pod: Pod): void => {
    if (staleInMs(pod, clock.now()) !== undefined) queue.add(keyText(keyOf(pod)));
  };
  pods.on({ add: look, update: look });
  const work = async (key: string): Promise<number | undefined> => {
    const pod = pods.getByKey(key);
    const leftMs = pod && staleInMs(pod, clock.now());
    if (!pod || leftMs === undefined) return;
    if (leftMs > 0) return leftMs;
    const { uid } = pod.metadata;
    const conditions = [{ type: TYPE, status: 'False', lastTransitionTime: wireTime(clock.now()) }];
    const patch = { metadata: { uid }, status: { conditions } };
    try {
      await client.patch(Pods, keyOf(pod), patch, { type: 'strategic', subresource: 'status', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [pods], work, signal, 1);
};
