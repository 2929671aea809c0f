/** Terms of pod affinity and anti-affinity: which pods they mean; pure (KEP-2249, KEP-3633). */
import type { Pod, PodAffinityTerm } from '../api/generated/types/core.v1.ts';
import { labelSelectorMatches } from '../api/selectors.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';

/** Whether `term`, written in `owner`, means `other`. */
export function termMeans(term: PodAffinityTerm, owner: Pod, other: Pod, snapshot: Snapshot): boolean {
  const namespace = other.metadata.namespace ?? '';
  const { namespaces, namespaceSelector } = term;
  const own = (namespaces ?? []).length === 0 && namespaceSelector === undefined;
  const inNamespace =
    (own && namespace === owner.metadata.namespace) ||
    (namespaces?.includes(namespace) ?? false) ||
    (namespaceSelector !== undefined &&
      labelSelectorMatches(namespaceSelector, snapshot.namespaceLabels(namespace) ?? {}));
  if (!inNamespace || !term.labelSelector) return false;
  if (!labelSelectorMatches(term.labelSelector, other.metadata.labels)) return false;
  const mine = owner.metadata.labels ?? {};
  const theirs = other.metadata.labels ?? {};
  // A key the owner does not have is ignored. The API server merges these keys into the selector of stored pods as well.
  return (
    (term.matchLabelKeys ?? []).every(key => mine[key] === undefined || theirs[key] === mine[key]) &&
    (term.mismatchLabelKeys ?? []).every(key => mine[key] === undefined || theirs[key] !== mine[key])
  );
}

export const topologyOf = (node: NodeInfo, key: string): string | undefined => node.node.metadata.labels?.[key];

export const requiredAffinity = (pod: Pod): readonly PodAffinityTerm[] =>
  pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

export const requiredAntiAffinity = (pod: Pod): readonly PodAffinityTerm[] =>
  pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
