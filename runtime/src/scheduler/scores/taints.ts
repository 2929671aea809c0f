/** Prefer nodes without PreferNoSchedule taints that the pod does not tolerate. */

import { isTolerated } from '../../api/tolerations.ts';
import { normalized, type ScorePlugin } from '../plugin.ts';

export const preferUntainted: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  score: (pod, _snapshot, nodes) => {
    const raw = nodes.map(
      ({ node }) =>
        (node.spec?.taints ?? []).filter(
          taint => taint.effect === 'PreferNoSchedule' && !isTolerated(pod.spec?.tolerations, taint),
        ).length,
    );
    return normalized(raw, true);
  },
};
