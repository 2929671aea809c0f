/** The quality of service class of a pod (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/). */
import type { PodSpec } from '../../generated/types/core.v1.ts';
import { parseQuantity } from '../../quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** Zero amounts count as not asked for. */
function positive(amounts: Readonly<Record<string, string>> | undefined): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const name of ['cpu', 'memory']) {
    const nanos = amounts?.[name] === undefined ? 0n : parseQuantity(amounts[name]).nanos;
    if (nanos > 0n) found.set(name, nanos);
  }
  return found;
}

export function podQosClass(spec: PodSpec | undefined): QosClass {
  if (spec?.resources && (spec.resources.limits || spec.resources.requests)) return classOf([spec.resources]);
  return classOf([...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(c => c.resources ?? {}));
}

function classOf(
  all: readonly {
    readonly limits?: Record<string, string> | undefined;
    readonly requests?: Record<string, string> | undefined;
  }[],
): QosClass {
  let any = false;
  let guaranteed = true;
  for (const { limits, requests } of all) {
    const [limit, request] = [positive(limits), positive(requests)];
    if (limit.size > 0 || request.size > 0) any = true;
    if (limit.size < 2) guaranteed = false;
    for (const [name, amount] of request) if (limit.get(name) !== amount) guaranteed = false;
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
