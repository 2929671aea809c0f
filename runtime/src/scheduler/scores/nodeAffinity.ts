/** Prefer the nodes that the preferred node affinity names. */
import { termMatches } from '../nodeSelector.ts';
import { normalized, type ScorePlugin } from '../plugin.ts';

export const preferredNodeAffinity: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  score: (pod, _snapshot, nodes) => {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    const raw = nodes.map(({ node }) =>
      preferred.reduce((sum, { weight, preference }) => sum + (termMatches(preference, node) ? weight : 0), 0),
    );
    return normalized(raw);
  },
};
