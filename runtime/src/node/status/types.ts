/** What `node/status/` gives the rest of the node. */
import type { Pod, PodStatus } from '../../api/generated/types/core.v1.ts';
import type { Memory, Observed } from '../pods/model.ts';

/** `podStatus.ts`: `podStatus(input) → PodStatus`, pure; the pod's `status` field gives transition times and foreign conditions. */
export interface PodStatusInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly memory: Memory;
  readonly hostIps: readonly string[];
  readonly now: number;
}

/**
 * `statusWriter.ts`: sends pod statuses to the API, the newest of each pod, only when it differs from what the API has, one request
 * a pod at a time, again after failures for as long as it takes.
 */
export interface StatusWriter {
  /** Returns at once. */
  set(pod: Pod, status: PodStatus): void;
  /** Kept for {@link current} and not sent: the API has not told of the pod yet, and may know better (`startTime`, its end). */
  hold(pod: Pod, status: PodStatus): void;
  /** The status computed last, sent or not: what conditions' transition times go on from. */
  current(uid: string): PodStatus | undefined;
  /** Resolves when the newest status of the pod is in the API or the pod is gone from it. @throws when it cannot be sent now. */
  flush(uid: string): Promise<void>;
  forget(uid: string): void;
}

/** `nodeStatus.ts`: `startNodeStatus(options, signal)` registers the node, keeps its status and Lease. */
