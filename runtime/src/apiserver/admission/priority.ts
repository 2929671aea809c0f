/** Priority: a pod's class becomes a number, so that the scheduler and the kubelet need not look it up. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { PriorityClass } from '../../api/generated/types/scheduling.v1.ts';
import { forbidden } from '../../api/status.ts';
import type { Mirrors } from '../mirrors.ts';
import type { AdmissionPlugin } from './admission.ts';

export function priority(mirrors: Mirrors): AdmissionPlugin {
  const classes = mirrors.priorityClasses;
  return {
    name: 'Priority',
    async mutate({ operation, resource, subresource, object, name }) {
      if (operation !== 'CREATE' || subresource !== '' || resource.group !== '' || resource.resource !== 'pods') return;
      const { spec } = object as unknown as Pod;
      if (!spec) return;
      await classes.start();
      const asked = spec.priorityClassName ?? '';
      const found = asked === '' ? globalDefault(classes.values()) : classes.get(keyOf(asked));
      if (asked !== '' && !found) {
        throw forbidden({ group: '', resource: 'pods' }, name, `no PriorityClass with name ${asked} was found`);
      }
      const value = found?.value ?? 0;
      if (spec.priority !== undefined && spec.priority !== value) {
        throw forbidden(
          { group: '', resource: 'pods' },
          name,
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      }
      if (found?.metadata.name !== undefined) spec.priorityClassName = found.metadata.name;
      spec.priority = value;
      spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
    },
  };
}

const keyOf = (name: string): string => `/registry/scheduling.k8s.io/priorityclasses/${name}`;

/** Among several (which upstream refuses) the lowest counts. */
function globalDefault<T extends PriorityClass>(classes: Iterable<T>): T | undefined {
  let lowest: T | undefined;
  for (const candidate of classes) {
    if (candidate.globalDefault && (!lowest || (candidate.value ?? 0) < (lowest.value ?? 0))) lowest = candidate;
  }
  return lowest;
}
