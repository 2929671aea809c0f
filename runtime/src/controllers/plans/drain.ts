/** Which pods leave a node before it is upgraded: `kubectl drain`'s rules (upstream: `kubectl/pkg/drain/filters.go`). Pure. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { controllerOf } from '../../api/owners.ts';
import { isTerminal } from '../../api/pods.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { keyOf, keyText } from '../../client/resources.ts';
import type { DrainSpec } from './types.ts';

export interface Drain {
  /** To be evicted now. */
  readonly evict: readonly Pod[];
  /** On their way. */
  readonly leaving: readonly Pod[];
  /** Why the node cannot be drained as it was asked for; nothing has been evicted for it. */
  readonly refusals: readonly string[];
}

const MIRROR = 'kubernetes.io/config.mirror';

export function drainOf(pods: readonly Pod[], spec: DrainSpec, nowMs: number): Drain {
  const evict: Pod[] = [];
  const leaving: Pod[] = [];
  const refusals: string[] = [];
  for (const pod of pods) {
    if (spec.podSelector && !labelSelectorMatches(spec.podSelector, pod.metadata.labels ?? {})) continue;
    const verdict = verdictOf(pod, spec);
    if (verdict === 'stays') continue;
    if (verdict !== 'goes') refusals.push(`${keyText(keyOf(pod))} ${verdict}`);
    else if (pod.metadata.deletionTimestamp === undefined) evict.push(pod);
    else if (!isGivenUp(pod, spec, nowMs)) leaving.push(pod);
  }
  return { evict, leaving, refusals };
}

/** `stays`, `goes`, or why it can do neither. */
function verdictOf(pod: Pod, spec: DrainSpec): string {
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return 'stays';
  const owner = controllerOf(pod);
  if (owner?.kind === 'DaemonSet' && !isTerminal(pod))
    return (spec.ignoreDaemonSets ?? true)
      ? 'stays'
      : 'is of a DaemonSet, which would make it again (ignoreDaemonSets)';
  if (pod.metadata.deletionTimestamp !== undefined || isTerminal(pod)) return 'goes';
  const keepsData = spec.deleteEmptydirData === false || spec.deleteLocalData === false;
  if (keepsData && pod.spec?.volumes?.some(({ emptyDir }) => emptyDir))
    return 'has an emptyDir, which would be lost (deleteEmptydirData)';
  if (!owner && !spec.force) return 'has no controller that would make it again elsewhere (force)';
  return 'goes';
}

function isGivenUp(pod: Pod, { skipWaitForDeleteTimeout = 0 }: DrainSpec, nowMs: number): boolean {
  const since = Date.parse(pod.metadata.deletionTimestamp ?? '');
  return skipWaitForDeleteTimeout > 0 && nowMs - since > skipWaitForDeleteTimeout * 1000;
}
