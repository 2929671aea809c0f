/**
 * RuntimeClass: a pod's runtime class says what it takes for itself and where it can run; both are written into the pod
 * (https://kubernetes.io/docs/concepts/containers/runtime-class/).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Pod, Toleration } from '../../api/generated/types/core.v1.ts';
import type { RuntimeClass } from '../../api/generated/types/node.v1.ts';
import { parseQuantities, sameQuantities } from '../../api/quantities.ts';
import type { Mirrors } from '../mirrors.ts';
import { type AdmissionAttributes, type AdmissionPlugin, on, refused, withMirror } from './admission.ts';

type Overhead = Record<string, string> | undefined;

const sameOverhead = (a: Overhead, b: Overhead): boolean => sameQuantities(parseQuantities(a), parseQuantities(b));

export function runtimeClass({ runtimeClasses }: Mirrors): AdmissionPlugin {
  const classOf = (attributes: AdmissionAttributes, name: string): RuntimeClass => {
    const found = runtimeClasses.get(`/registry/node.k8s.io/runtimeclasses/${name}`);
    if (!found) throw refused(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found;
  };
  return {
    name: 'RuntimeClass',
    handles: on('pods', 'CREATE'),
    mutate(attributes) {
      const { spec } = attributes.object as unknown as Pod;
      const name = spec?.runtimeClassName;
      if (!spec || name === undefined) return;
      return withMirror(runtimeClasses, () => {
        const { overhead, scheduling } = classOf(attributes, name);
        if (overhead) {
          if (spec.overhead && !sameOverhead(spec.overhead, overhead.podFixed))
            throw refused(attributes, OTHER_OVERHEAD);
          if (overhead.podFixed) spec.overhead = { ...overhead.podFixed };
        }
        if (!scheduling) return;
        const selector = { ...spec.nodeSelector };
        for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
          const said = selector[key];
          if (said !== undefined && said !== value) {
            throw refused(
              attributes,
              `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${said}`,
            );
          }
          selector[key] = value;
        }
        if (Object.keys(selector).length > 0) spec.nodeSelector = selector;
        const tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? []);
        if (tolerations.length > 0) spec.tolerations = tolerations;
      });
    },
    validate(attributes) {
      const { spec } = attributes.object as unknown as Pod;
      const name = spec?.runtimeClassName;
      if (name === undefined) {
        if (spec?.overhead) throw refused(attributes, NO_OVERHEAD);
        return;
      }
      return withMirror(runtimeClasses, () => {
        const { overhead } = classOf(attributes, name);
        if (!overhead && spec?.overhead) throw refused(attributes, NO_OVERHEAD);
        if (overhead && !sameOverhead(spec?.overhead, overhead.podFixed)) throw refused(attributes, OTHER_OVERHEAD);
      });
    },
  };
}

const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const NO_OVERHEAD = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';

/** Both, but for those that another one covers whole. Exported for its tests. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  return all.filter((toleration, i) => {
    const covering = (other: Toleration, j: number): boolean => {
      if (i === j || !isSuperset(other, toleration)) return false;
      // Of equals, the first stays.
      return !isDeepStrictEqual(other, toleration) || j < i;
    };
    return !all.some(covering);
  });
}

/** Whether whatever `b` tolerates, `a` tolerates as long (upstream: `pkg/util/tolerations`). */
function isSuperset(a: Toleration, b: Toleration): boolean {
  if (isDeepStrictEqual(a, b)) return true;
  const { key = '', operator = 'Equal', effect = '', tolerationSeconds } = a;
  if (key !== (b.key ?? '') && !(key === '' && operator === 'Exists')) return false;
  if (effect !== (b.effect ?? '') && effect !== '') return false;
  if ((b.effect ?? '') === 'NoExecute' && tolerationSeconds !== undefined) {
    if (b.tolerationSeconds === undefined || tolerationSeconds < b.tolerationSeconds) return false;
  }
  if (operator === 'Exists') return true;
  if (operator === 'Equal') return (b.operator ?? 'Equal') === 'Equal' && (a.value ?? '') === (b.value ?? '');
  return false;
}
