/** A pod leaves a node whose NoExecute taint it does not tolerate, or no longer tolerates. */
import type { Node, Pod } from '../api/generated/types/core.v1.ts';
import { isTerminal } from '../api/pods.ts';
import { isNotFound } from '../client/apiError.ts';
import { BY_NODE, nodesOf, podsOf } from '../client/caches.ts';
import { keyOf, keyText, Pods } from '../client/resources.ts';
import { wireTime } from '../client/wireTime.ts';
import { type Controller, newQueue, reconcile } from './context.ts';
import { stayMs } from './nodeLifecycle/health.ts';

export const taintEviction: Controller = async (context, signal) => {
  const { client, informers, clock, events } = context;
  const nodes = nodesOf(informers);
  const pods = podsOf(informers);
  const queue = newQueue(context);
  /** By pod key: the pod's stay, from when we first saw the taints. */
  const stays = new Map<
    string,
    { readonly uid: string | undefined; readonly sinceMs: number; readonly ms: number; readonly cancel: () => void }
  >();
  const due = new Set<string>();

  const end = (key: string): void => {
    stays.get(key)?.cancel();
    stays.delete(key);
    due.delete(key);
  };
  const enqueue = (pod: Pod): void => {
    const key = keyText(keyOf(pod));
    if (pod.spec?.nodeName && (stays.has(key) || isTainted(nodes.get(undefined, pod.spec.nodeName)))) queue.add(key);
  };
  const isTainted = (node: Node | undefined): boolean =>
    node?.spec?.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
  const enqueueAllOf = (node: Node): void => {
    for (const pod of pods.byIndex(BY_NODE, node.metadata.name ?? '')) enqueue(pod);
  };
  pods.on({ add: enqueue, update: enqueue, delete: pod => end(keyText(keyOf(pod))) });
  nodes.on({ add: enqueueAllOf, update: enqueueAllOf });

  const work = async (key: string): Promise<undefined> => {
    const pod = pods.getByKey(key);
    if (!pod || isTerminal(pod) || pod.metadata.deletionTimestamp) {
      end(key);
      return;
    }
    const ms = stayMs(pod, nodes.get(undefined, pod.spec?.nodeName ?? '')?.spec?.taints ?? []);
    if (ms === undefined) {
      end(key);
      return;
    }
    const known = stays.get(key);
    const stay = known?.uid === pod.metadata.uid ? known : undefined;
    if (ms === 0 || (stay && due.has(key))) {
      end(key);
      return evict(pod);
    }
    if (stay?.ms === ms) return;
    const sinceMs = stay ? stay.sinceMs : clock.now();
    end(key);
    const cancel = clock.after(Math.max(0, sinceMs + ms - clock.now()), () => {
      due.add(key);
      queue.add(key);
    });
    stays.set(key, { uid: pod.metadata.uid, sinceMs, ms, cancel });
  };
  const evict = async (pod: Pod): Promise<undefined> => {
    const { namespace, name, uid } = pod.metadata;
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: wireTime(clock.now()),
    };
    events.event(Pods, pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`);
    try {
      const patch = { metadata: { uid }, status: { conditions: [condition] } };
      await client.patch(Pods, keyOf(pod), patch, { type: 'strategic', subresource: 'status', signal });
      await client.delete(Pods, keyOf(pod), uid ? { preconditions: { uid } } : {}, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  await reconcile(context, queue, [nodes, pods], work, signal);
  for (const { cancel } of stays.values()) cancel();
};
