/** DefaultTolerationSeconds: pods outlive five minutes of their node's silence, unless they say otherwise. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { AdmissionPlugin } from './admission.ts';

const SECONDS = 300;
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export const defaultTolerations: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate({ operation, resource, subresource, object }) {
    if (operation !== 'CREATE' || subresource !== '' || resource.group !== '' || resource.resource !== 'pods') return;
    const pod = object as unknown as Pod;
    if (!pod.spec) return;
    const tolerations = [...(pod.spec.tolerations ?? [])];
    for (const key of taints) {
      const tolerated = (pod.spec.tolerations ?? []).some(
        toleration =>
          ((toleration.key ?? '') === key || (toleration.key ?? '') === '') &&
          ((toleration.effect ?? '') === 'NoExecute' || (toleration.effect ?? '') === ''),
      );
      if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS });
    }
    if (tolerations.length > 0) pod.spec.tolerations = tolerations;
  },
};
