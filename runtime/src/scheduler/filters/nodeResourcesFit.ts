/** A node takes a pod only if what is left of each resource is enough. */
import type { FilterPlugin } from '../plugin.ts';
import { sumsOf } from '../snapshot.ts';

export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  prepare: pod => {
    const wanted = Object.entries(sumsOf(pod).requests).filter(([, amount]) => amount > 0);
    return ({ pods, allocatable, requested }) => {
      const reasons: string[] = [];
      let unresolvable = true;
      // No number of pods given: a node that does not say takes as many as come.
      const room = allocatable.pods;
      if (room !== undefined && pods.length + 1 > room) {
        reasons.push('Too many pods');
        unresolvable = false;
      }
      for (const [name, amount] of wanted) {
        const total = allocatable[name] ?? 0;
        if (amount <= total - (requested[name] ?? 0)) continue;
        reasons.push(`Insufficient ${name}`);
        if (amount <= total) unresolvable = false;
      }
      return reasons.length === 0 ? undefined : { reasons, unresolvable };
    };
  },
};
