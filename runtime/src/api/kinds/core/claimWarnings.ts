/** What people should know of a valid claim (upstream: `pkg/api/persistentvolumeclaim.GetWarningsForPersistentVolumeClaimSpec`). */
import type { PersistentVolumeClaimSpec } from '../../generated/types/core.v1.ts';
import { parseQuantity } from '../../quantity.ts';

export function claimWarnings(spec: PersistentVolumeClaimSpec | undefined, path: string): string[] {
  return (['requests', 'limits'] as const).flatMap(field => {
    const storage = spec?.resources?.[field]?.storage;
    return storage !== undefined && parseQuantity(storage).nanos % 1_000_000_000n !== 0n
      ? [
          `${path}.resources.${field}[storage]: fractional byte value ${JSON.stringify(storage)} is invalid, must be an integer`,
        ]
      : [];
  });
}
