/** No domain may have more of a pod's like than the emptiest has, and `maxSkew`. */
import type { FilterPlugin, Refusal } from '../plugin.ts';
import { topologyOf } from '../podAffinityTerms.ts';
import { constraintsOf, countByDomain, countsPod } from '../topologySpread.ts';

const skewed: Refusal = { reasons: ["node(s) didn't match pod topology spread constraints"] };
const unlabelled: Refusal = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  unresolvable: true,
};

export const podTopologySpread: FilterPlugin = {
  name: 'PodTopologySpread',
  prepare: (pod, snapshot) => {
    const constraints = constraintsOf(pod, 'DoNotSchedule');
    if (constraints.length === 0) return undefined;
    const prepared = constraints.map(constraint => {
      const counts = countByDomain(constraint, constraints, pod, snapshot);
      // Fewer domains than wanted: the missing ones count as empty (KEP-3022).
      const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
      return { constraint, counts, least, self: countsPod(constraint, pod, pod) ? 1 : 0 };
    });
    return node => {
      for (const { constraint, counts, least, self } of prepared) {
        const value = topologyOf(node, constraint.topologyKey);
        if (value === undefined) return unlabelled;
        if ((counts.get(value) ?? 0) + self - least > constraint.maxSkew) return skewed;
      }
      return undefined;
    };
  },
};
