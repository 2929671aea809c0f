/** No pod goes where a taint keeps it off. */

import { untolerated } from '../../api/tolerations.ts';
import type { FilterPlugin, Refusal } from '../plugin.ts';

const refusal: Refusal = { reasons: ['node(s) had untolerated taint(s)'], unresolvable: true };

export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  prepare:
    pod =>
    ({ node }) =>
      untolerated(node.spec?.taints, pod.spec?.tolerations, ['NoSchedule', 'NoExecute']) ? refusal : undefined,
};
