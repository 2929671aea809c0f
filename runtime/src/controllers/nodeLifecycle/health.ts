/** What a node's silence and conditions mean: pure (https://kubernetes.io/docs/reference/node/node-status/). */
import type { Node, NodeCondition, Pod, Taint } from '../../api/generated/types/core.v1.ts';
import { tolerates } from '../../api/tolerations.ts';

const PREFIX = 'node.kubernetes.io/';
export const NOT_READY = `${PREFIX}not-ready`;
export const UNREACHABLE = `${PREFIX}unreachable`;
const PRESSURES: Readonly<Record<string, string>> = {
  MemoryPressure: `${PREFIX}memory-pressure`,
  DiskPressure: `${PREFIX}disk-pressure`,
  PIDPressure: `${PREFIX}pid-pressure`,
  NetworkUnavailable: `${PREFIX}network-unavailable`,
};
const UNSCHEDULABLE = `${PREFIX}unschedulable`;
const HEARTBEATS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

const conditionOf = (node: Node, type: string): NodeCondition | undefined =>
  node.status?.conditions?.find(condition => condition.type === type);

export const isReady = (node: Node): boolean => conditionOf(node, 'Ready')?.status === 'True';

/** The conditions of a node that has been silent too long; `undefined`: they say so already. */
export function conditionsOfSilent(node: Node, now: string): NodeCondition[] | undefined {
  const changed = HEARTBEATS.flatMap((type): NodeCondition[] => {
    const old = conditionOf(node, type);
    if (old?.status === 'Unknown') return [];
    const lastHeartbeatTime = old?.lastHeartbeatTime ?? node.metadata.creationTimestamp ?? now;
    const [reason, message] = old
      ? ['NodeStatusUnknown', 'Kubelet stopped posting node status.']
      : ['NodeStatusNeverUpdated', 'Kubelet never posted node status.'];
    return [{ type, status: 'Unknown', reason, message, lastHeartbeatTime, lastTransitionTime: now }];
  });
  return changed.length > 0 ? changed : undefined;
}

const OURS = new Set([NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...Object.values(PRESSURES)]);

/**
 * The taints the node should have: others' untouched, ours by its conditions.
 * @param evicting whether NoExecute taints are set; not when every node is down, as then it is rather us who are cut off.
 * @returns `undefined` when it has them already.
 */
export function taintsOf(node: Node, evicting: boolean, now: string): Taint[] | undefined {
  const old = node.spec?.taints ?? [];
  const wanted: Taint[] = [];
  const ready = conditionOf(node, 'Ready');
  const health = ready?.status === 'True' ? undefined : ready?.status === 'Unknown' ? UNREACHABLE : NOT_READY;
  if (health) wanted.push({ key: health, effect: 'NoSchedule' });
  // A node that has never been ready has nothing to evict.
  if (health && ready && evicting) wanted.push({ key: health, effect: 'NoExecute', timeAdded: now });
  for (const [type, key] of Object.entries(PRESSURES)) {
    if (conditionOf(node, type)?.status === 'True') wanted.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = old.filter(taint => !OURS.has(taint.key) || wanted.some(want => same(want, taint)));
  const added = wanted.filter(want => !old.some(taint => same(want, taint)));
  return added.length === 0 && kept.length === old.length ? undefined : [...kept, ...added];
}

/** Whether the node's pods have to go now, and had not before. */
export function beginsEviction(old: readonly Taint[] = [], taints: readonly Taint[] = []): boolean {
  const evicts = ({ key, effect }: Taint): boolean =>
    effect === 'NoExecute' && (key === NOT_READY || key === UNREACHABLE);
  return taints.some(evicts) && !old.some(evicts);
}

/** Region and zone in one text, in upstream's form; empty where the node says neither. */
export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const [region = '', zone = ''] = [labels['topology.kubernetes.io/region'], labels['topology.kubernetes.io/zone']];
  return region === '' && zone === '' ? '' : `${region}:\u0000:${zone}`;
}

/**
 * How long a pod may stay on a node with these taints, in ms from when they came: 0 not at all, `undefined` for ever.
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions)
 */
export function stayMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let least: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const tolerating = (pod.spec?.tolerations ?? []).filter(toleration => tolerates(toleration, taint));
    if (tolerating.length === 0) return 0;
    for (const { tolerationSeconds } of tolerating) {
      if (tolerationSeconds === undefined) continue;
      least = Math.min(least ?? Number.POSITIVE_INFINITY, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return least;
}
