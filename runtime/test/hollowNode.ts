/** A node without containers, for tests: pods bound to it run and become ready at once, and go when they are deleted. */
import type { Node, Pod } from '../src/api/generated/types/core.v1.ts';
import { isConflict, isNotFound } from '../src/client/apiError.ts';
import type { Client } from '../src/client/client.ts';
import { Informer } from '../src/client/informer.ts';
import { keyOf, keyText, Nodes, Pods, parseKey } from '../src/client/resources.ts';
import { wireTime } from '../src/client/wireTime.ts';
import { WorkQueue } from '../src/client/workQueue.ts';
import { delay } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';

export interface HollowNodeOptions {
  readonly name: string;
  readonly allocatable?: Record<string, string>;
  readonly labels?: Record<string, string>;
  /** Whether a pod becomes ready; default: every pod does. */
  readonly isHealthy?: (pod: Pod) => boolean;
  /** Says every ten seconds that it is alive, for tests that take longer than a node may be silent. Default: it does not. */
  readonly beats?: boolean;
}

const BEAT_MS = 10_000;

/** Registers the node and plays its kubelet until `signal` aborts. */
export async function runHollowNode(client: Client, options: HollowNodeOptions, signal: AbortSignal): Promise<void> {
  const { name, allocatable = { cpu: '4', memory: '4Gi', pods: '110' }, isHealthy = () => true } = options;
  const now = wireTime(Date.now());
  const node: Node = { metadata: { name, labels: { 'kubernetes.io/hostname': name, ...options.labels } } };
  await client.create(Nodes, node, { signal });
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const status = { allocatable, capacity: allocatable, conditions: [ready] };
  await client.patch(Nodes, { name }, { status }, { type: 'merge', subresource: 'status', signal });

  const queue = new WorkQueue();
  const pods = new Informer(Pods, { client, logger: silentLogger, fieldSelector: `spec.nodeName=${name}` });
  const enqueue = (pod: Pod): void => queue.add(keyText(keyOf(pod)));
  pods.on({ add: enqueue, update: enqueue });
  const work = async (key: string): Promise<undefined> => {
    const pod = pods.getByKey(key);
    if (!pod) return;
    const { namespace, name: podName } = parseKey(key);
    try {
      if (pod.metadata.deletionTimestamp) {
        await client.delete(Pods, { namespace, name: podName }, { gracePeriodSeconds: 0 }, { signal });
      } else if (pod.status?.phase !== 'Running') {
        const at = wireTime(Date.now());
        const value = isHealthy(pod) ? 'True' : 'False';
        const conditions = ['Initialized', 'Ready', 'ContainersReady'].map(type => ({
          type,
          status: value,
          lastTransitionTime: at,
        }));
        const patch = { status: { phase: 'Running', startTime: at, conditions } };
        await client.patch(Pods, { namespace, name: podName }, patch, {
          type: 'strategic',
          subresource: 'status',
          signal,
        });
      }
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  };
  const beat = async (): Promise<void> => {
    while (!signal.aborted) {
      await delay(BEAT_MS, signal);
      const lastHeartbeatTime = wireTime(Date.now());
      const conditions = [{ ...ready, lastHeartbeatTime }];
      await client.patch(
        Nodes,
        { name },
        { status: { conditions } },
        { type: 'strategic', subresource: 'status', signal },
      );
    }
  };
  await Promise.all([
    pods.run(signal),
    queue.run(work, { onError: () => {} }, signal),
    ...(options.beats ? [beat()] : []),
  ]);
}
