/** Quality-of-service class of a pod (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/). */
import type { Pod, ResourceRequirements } from '../../api/generated/types/core.v1.ts';
import { compareQuantities } from '../../api/quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COUNTED = ['cpu', 'memory'] as const;

export function qosClass(pod: Pod): QosClass {
  const spec = pod.spec;
  const all: (ResourceRequirements | undefined)[] = spec?.resources
    ? [spec.resources]
    : [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(c => c.resources);
  const asked = all.some(r => COUNTED.some(name => positive(r?.requests?.[name]) || positive(r?.limits?.[name])));
  if (!asked) return 'BestEffort';
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function isGuaranteed(resources: ResourceRequirements | undefined): boolean {
  return COUNTED.every(name => {
    const limit = resources?.limits?.[name];
    const request = resources?.requests?.[name] ?? limit;
    return limit !== undefined && positive(limit) && request !== undefined && compareQuantities(limit, request) === 0;
  });
}

function positive(quantity: string | undefined): boolean {
  return quantity !== undefined && compareQuantities(quantity, '0') > 0;
}
