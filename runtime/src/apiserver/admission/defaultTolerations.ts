/** DefaultTolerationSeconds: pods outlive five minutes of their node's silence, unless they say otherwise. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { type AdmissionPlugin, on } from './admission.ts';

const USUAL_SECONDS = 300;

export interface DefaultTolerationOptions {
  /** Default: 300. */
  readonly notReadySeconds?: number;
  /** Default: 300. */
  readonly unreachableSeconds?: number;
}

export function defaultTolerations({
  notReadySeconds = USUAL_SECONDS,
  unreachableSeconds = USUAL_SECONDS,
}: DefaultTolerationOptions = {}): AdmissionPlugin {
  const taints: readonly (readonly [key: string, seconds: number])[] = [
    ['node.kubernetes.io/not-ready', notReadySeconds],
    ['node.kubernetes.io/unreachable', unreachableSeconds],
  ];
  return {
    name: 'DefaultTolerationSeconds',
    handles: on('pods', 'CREATE', 'UPDATE'),
    mutate({ object }) {
      const { spec } = object as unknown as Pod;
      if (!spec) return;
      const said = spec.tolerations ?? [];
      const missing = taints.filter(
        ([taint]) =>
          !said.some(
            ({ key = '', effect = '' }) => (key === taint || key === '') && ['', 'NoExecute'].includes(effect),
          ),
      );
      if (missing.length === 0) return;
      const added = missing.map(([key, tolerationSeconds]) => ({
        key,
        operator: 'Exists' as const,
        effect: 'NoExecute' as const,
        tolerationSeconds,
      }));
      spec.tolerations = [...said, ...added];
    },
  };
}
