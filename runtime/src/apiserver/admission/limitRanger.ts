/**
 * LimitRanger: containers that say nothing of cpu and memory get their namespace's defaults, and nobody may ask for less or
 * more than its bounds (https://kubernetes.io/docs/concepts/policy/limit-range/).
 */
import type { LimitRange, PersistentVolumeClaim, Pod } from '../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Mirrors } from '../mirrors.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, refused, withMirror } from './admission.ts';
import { ByNamespace } from './byNamespace.ts';
import { applyLimitDefaults } from './limits/defaults.ts';
import { claimLimitFaults, podLimitFaults } from './limits/faults.ts';

export function limitRanger(mirrors: Mirrors): AdmissionPlugin {
  const ranges = new ByNamespace<LimitRange & KubeObject>(mirrors.limitRanges, '/registry/core/limitranges/');
  const isPod = ({ resource }: AdmissionAttributes): boolean => resource.resource === 'pods';
  /** What is on its way out is let go. */
  const concerns = ({ old }: AdmissionAttributes): boolean => old?.metadata.deletionTimestamp === undefined;
  return {
    name: 'LimitRanger',
    // The resources of pods change through `resize` only.
    handles: (operation, resource, subresource) => {
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false;
      const which = groupResourceOf(resource);
      if (which === 'persistentvolumeclaims') return subresource === '';
      return which === 'pods' && (operation === 'CREATE' ? subresource === '' : subresource === 'resize');
    },
    mutate(attributes) {
      if (!isPod(attributes) || !concerns(attributes)) return;
      return withMirror(ranges.mirror, () => {
        for (const range of ranges.of(attributes.namespace))
          applyLimitDefaults(attributes.object as unknown as Pod, range);
      });
    },
    validate(attributes) {
      if (!concerns(attributes)) return;
      return withMirror(ranges.mirror, () => {
        for (const range of ranges.of(attributes.namespace)) {
          const faults = isPod(attributes)
            ? podLimitFaults(attributes.object as unknown as Pod, range)
            : claimLimitFaults(attributes.object as unknown as PersistentVolumeClaim, range);
          if (faults.length > 0) throw refused(attributes, aggregate(faults));
        }
      });
    },
  };
}

/** As Go prints several errors: each once. */
export function aggregate(faults: readonly string[]): string {
  const unique = [...new Set(faults)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}
