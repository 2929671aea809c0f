/** TaintNodesByCondition: a new node takes no pods until it has said that it is ready (the node lifecycle controller's to see). */
import type { Node } from '../../api/generated/types/core.v1.ts';
import { type AdmissionPlugin, on } from './admission.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: on('nodes', 'CREATE'),
  mutate({ object }) {
    const node = object as unknown as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule')) return;
    node.spec = { ...node.spec, taints: [...taints, { key: NOT_READY, effect: 'NoSchedule' }] };
  },
};
