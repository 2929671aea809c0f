/** A cordoned node takes no new pods but those that tolerate it. */
import type { Taint } from '../../api/generated/types/core.v1.ts';
import { isTolerated } from '../../api/tolerations.ts';
import type { FilterPlugin, Refusal } from '../plugin.ts';

const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const refusal: Refusal = { reasons: ['node(s) were unschedulable'], unresolvable: true };

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepare: pod => {
    if (isTolerated(pod.spec?.tolerations, taint)) return undefined;
    return ({ node }) => (node.spec?.unschedulable ? refusal : undefined);
  },
};
