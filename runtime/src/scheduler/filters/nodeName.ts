/** A pod that names its node goes nowhere else. */
import type { FilterPlugin, Refusal } from '../plugin.ts';

const refusal: Refusal = { reasons: ["node(s) didn't match the requested node name"], unresolvable: true };

export const nodeName: FilterPlugin = {
  name: 'NodeName',
  prepare: pod => {
    const wanted = pod.spec?.nodeName;
    return wanted ? node => (node.name === wanted ? undefined : refusal) : undefined;
  },
};
