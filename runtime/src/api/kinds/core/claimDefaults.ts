import type { PersistentVolumeClaimSpec } from '../../generated/types/core.v1.ts';
import { setDefault } from '../define.ts';

/** Defaults of a claim, also where it is a template in a pod or a StatefulSet. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec | undefined): void {
  if (!spec) return;
  setDefault(spec, 'volumeMode', 'Filesystem');
  setDefault(spec, 'resources', {});
}
