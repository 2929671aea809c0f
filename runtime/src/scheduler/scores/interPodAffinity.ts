/** Prefer nodes near pods that the pod wants near, and far from those it wants far; the others' preferences count too. */
import type { Pod, WeightedPodAffinityTerm } from '../../api/generated/types/core.v1.ts';
import { MAX_SCORE, type ScorePlugin } from '../plugin.ts';
import { requiredAffinity, termMeans, topologyOf } from '../podAffinityTerms.ts';

const preferredTerms = (pod: Pod): { readonly term: WeightedPodAffinityTerm; readonly sign: number }[] => [
  ...(pod.spec?.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(term => ({
    term,
    sign: 1,
  })),
  ...(pod.spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(term => ({
    term,
    sign: -1,
  })),
];

export const interPodAffinityScore: ScorePlugin = {
  name: 'InterPodAffinity',
  weight: 2,
  score: (pod, snapshot, nodes) => {
    /** Points by topology key and value. */
    const points = new Map<string, Map<string, number>>();
    const mine = preferredTerms(pod);
    for (const node of snapshot.nodes) {
      const give = (key: string, weight: number): void => {
        const value = topologyOf(node, key);
        if (value === undefined || weight === 0) return;
        const byValue = points.get(key) ?? new Map<string, number>();
        byValue.set(value, (byValue.get(value) ?? 0) + weight);
        points.set(key, byValue);
      };
      for (const other of node.pods) {
        for (const { term, sign } of mine) {
          const { podAffinityTerm, weight } = term;
          if (termMeans(podAffinityTerm, pod, other, snapshot)) give(podAffinityTerm.topologyKey, sign * weight);
        }
        for (const { term, sign } of preferredTerms(other)) {
          const { podAffinityTerm, weight } = term;
          if (termMeans(podAffinityTerm, other, pod, snapshot)) give(podAffinityTerm.topologyKey, sign * weight);
        }
        // What others require is worth one point to them.
        for (const term of requiredAffinity(other))
          if (termMeans(term, other, pod, snapshot)) give(term.topologyKey, 1);
      }
    }
    if (points.size === 0) return undefined;
    const raw = nodes.map(node =>
      [...points].reduce((sum, [key, byValue]) => sum + (byValue.get(topologyOf(node, key) ?? '') ?? 0), 0),
    );
    const [least, most] = [Math.min(...raw), Math.max(...raw)];
    return most === least ? undefined : raw.map(value => Math.floor(((value - least) * MAX_SCORE) / (most - least)));
  },
};
