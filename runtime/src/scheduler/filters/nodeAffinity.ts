/** Only nodes that `nodeSelector` and the required node affinity select. */

import { selectsNode } from '../nodeSelector.ts';
import type { FilterPlugin, Refusal } from '../plugin.ts';

const refusal: Refusal = { reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };

export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  prepare: pod => {
    if (!pod.spec?.nodeSelector && !pod.spec?.affinity?.nodeAffinity) return undefined;
    return ({ node }) => (selectsNode(pod, node) ? undefined : refusal);
  },
};
