/** DefaultTolerationSeconds: pods outlive five minutes of their node's silence, unless they say otherwise. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { type AdmissionPlugin, on } from './admission.ts';

const SECONDS = 300;
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export const defaultTolerations: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: on('pods', 'CREATE', 'UPDATE'),
  mutate({ object }) {
    const { spec } = object as unknown as Pod;
    if (!spec) return;
    const said = spec.tolerations ?? [];
    const missing = taints.filter(
      taint =>
        !said.some(({ key = '', effect = '' }) => (key === taint || key === '') && ['', 'NoExecute'].includes(effect)),
    );
    if (missing.length === 0) return;
    const added = missing.map(key => ({
      key,
      operator: 'Exists' as const,
      effect: 'NoExecute' as const,
      tolerationSeconds: SECONDS,
    }));
    spec.tolerations = [...said, ...added];
  },
};
