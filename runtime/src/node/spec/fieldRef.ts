/** The downward API: values of the pod itself for environment and files (https://kubernetes.io/docs/concepts/workloads/pods/downward-api/). */
import type { Container, Pod, ResourceFieldSelector } from '../../api/generated/types/core.v1.ts';
import { quantityMilliValue, quantityValue } from '../../api/quantity.ts';

/** Addresses that are known when containers start and not yet in the API's status. */
export interface PodAddresses {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

/** @throws Error when the path is not one of the downward API's. */
export function fieldValue(pod: Pod, fieldPath: string, addresses: PodAddresses): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return mapText(pod.metadata.labels);
    case 'metadata.annotations':
      return mapText(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return addresses.hostIps[0] ?? '';
    case 'status.hostIPs':
      return addresses.hostIps.join(',');
    case 'status.podIP':
      return addresses.podIps[0] ?? '';
    case 'status.podIPs':
      return addresses.podIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** `key="value"` lines, sorted, values quoted as Go's `%q`. */
function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** @throws Error when the resource is unknown or the container is not the pod's. */
export function resourceFieldValue(
  pod: Pod,
  container: Container | undefined,
  selector: ResourceFieldSelector,
  allocatable: Readonly<Record<string, string>>,
): string {
  const named = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const of = selector.containerName ? named.find(c => c.name === selector.containerName) : container;
  if (!of) throw new Error(`container ${selector.containerName ?? ''} not found`);
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(selector.resource);
  const kind = match?.[1];
  const name = match?.[2];
  if (!kind || !name) throw new Error(`unsupported container resource : ${selector.resource}`);
  const limit = of.resources?.limits?.[name];
  const found = kind === 'limits' ? limit : (of.resources?.requests?.[name] ?? limit);
  const value = found ?? (kind === 'limits' ? allocatable[name] : undefined) ?? '0';
  const divisor = selector.divisor && selector.divisor !== '0' ? selector.divisor : '1';
  return name === 'cpu'
    ? String(Math.ceil(quantityMilliValue(value) / Math.max(1, quantityMilliValue(divisor))))
    : String(Math.ceil(quantityValue(value) / Math.max(1, quantityValue(divisor))));
}
