/**
 * Priority: a pod's class becomes a number, so that the scheduler and the kubelet need not look it up; and of classes, one
 * at most is for pods that name none (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).
 */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { PriorityClass } from '../../api/generated/types/scheduling.v1.ts';
import type { Mirrors } from '../mirrors.ts';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  groupResourceOf,
  on,
  refused,
  withMirror,
} from './admission.ts';

const CLASSES = 'priorityclasses.scheduling.k8s.io';
const onPods = on('pods', 'CREATE', 'UPDATE');
const onClasses = on(CLASSES, 'CREATE', 'UPDATE');

export function priority({ priorityClasses: classes }: Mirrors): AdmissionPlugin {
  const settle = (attributes: AdmissionAttributes): void => {
    const { spec } = attributes.object as unknown as Pod;
    if (!spec) return;
    const asked = spec.priorityClassName ?? '';
    const found = asked === '' ? globalDefault(classes.values()) : classes.get(keyOf(asked));
    if (asked !== '' && !found) throw refused(attributes, `no PriorityClass with name ${asked} was found`);
    const value = found?.value ?? 0;
    if (spec.priority !== undefined && spec.priority !== value) {
      throw refused(
        attributes,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    }
    const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      throw refused(
        attributes,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      );
    }
    if (found?.metadata.name !== undefined) spec.priorityClassName = found.metadata.name;
    spec.priority = value;
    spec.preemptionPolicy = policy;
  };
  return {
    name: 'Priority',
    handles: (...request) => onPods(...request) || onClasses(...request),
    mutate(attributes) {
      const { resource, operation, object, old } = attributes;
      if (groupResourceOf(resource) === CLASSES) return;
      if (operation === 'CREATE') return withMirror(classes, () => settle(attributes));
      // What was computed stays, also for clients that send the pod back without it.
      const [next, previous] = [(object as unknown as Pod).spec, (old as unknown as Pod).spec];
      if (!next || !previous) return;
      if (previous.priority !== undefined) next.priority ??= previous.priority;
      if (previous.preemptionPolicy !== undefined) next.preemptionPolicy ??= previous.preemptionPolicy;
    },
    validate(attributes) {
      if (groupResourceOf(attributes.resource) !== CLASSES) return;
      if (!(attributes.object as unknown as PriorityClass).globalDefault) return;
      return withMirror(classes, () => {
        const other = [...classes.values()].find(one => one.globalDefault && one.metadata.name !== attributes.name);
        if (other) {
          throw refused(
            attributes,
            `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
          );
        }
      });
    },
  };
}

const keyOf = (name: string): string => `/registry/scheduling.k8s.io/priorityclasses/${name}`;

/** Two can have been made at the same moment: then the lowest counts. */
function globalDefault<T extends PriorityClass>(classes: Iterable<T>): T | undefined {
  let lowest: T | undefined;
  for (const candidate of classes) {
    if (candidate.globalDefault && (!lowest || (candidate.value ?? 0) < (lowest.value ?? 0))) lowest = candidate;
  }
  return lowest;
}
