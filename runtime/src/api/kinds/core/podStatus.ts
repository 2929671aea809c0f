/** What may be said of a pod through its status (upstream: `ValidatePodStatusUpdate`, `podStatusStrategy`). */
import { isIP } from 'node:net';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../generated/types/core.v1.ts';
import { dns1123SubdomainErrors, qualifiedNameErrors } from '../../names.ts';
import { child, duplicate, forbidden, immutable, invalid, invalidEach } from '../errors.ts';
import { looseIpErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { podAnnotationUpdateErrors } from './podAnnotations.ts';

const KNOWN_CONDITIONS = new Set(['PodScheduled', 'Ready', 'Initialized']);

/** Whether a container that ended with this code may run again, by its own rules or by its pod's (KEP-5307). */
function mayRestart(container: Container, spec: PodSpec, exitCode: number): boolean {
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    if (!exitCodes) continue;
    const listed = (exitCodes.values ?? []).includes(exitCode);
    if (listed === (exitCodes.operator === 'In')) return action === 'Restart' || action === 'RestartAllContainers';
  }
  const policy = container.restartPolicy ?? spec.restartPolicy;
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

const restartsAll = (spec: PodSpec): boolean =>
  [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(c =>
    c.restartPolicyRules?.some(rule => rule.action === 'RestartAllContainers'),
  );

/** What has ended for good stays ended. `containers` unset: none of them restarts. */
function transitionErrors(
  now: readonly ContainerStatus[] | undefined,
  before: readonly ContainerStatus[] | undefined,
  spec: PodSpec,
  containers: readonly Container[] | undefined,
  path: string,
): FieldError[] {
  return (before ?? []).flatMap((old, i) => {
    const ended = old.state?.terminated;
    const next = ended ? now?.find(status => status.name === old.name) : undefined;
    if (!ended || !next || next.state?.terminated) return [];
    const container = containers?.find(c => c.name === old.name);
    if (container && mayRestart(container, spec, ended.exitCode)) return [];
    return [forbidden(`${path}[${i}].state`, 'may not be transitioned to non-terminated state')];
  });
}

/** One of each family, and the first is the one that also stands alone. */
function addressErrors(
  of: 'pod' | 'host',
  single: string | undefined,
  list: readonly { readonly ip?: string | undefined }[],
  before: readonly { readonly ip?: string | undefined }[],
): FieldError[] {
  const path = `status.${of}IPs`;
  const errors: FieldError[] = [];
  const addresses = list.map(({ ip = '' }) => ip);
  if (of === 'host' && addresses.length === 0) return [];
  const old = before.map(({ ip = '' }) => ip);
  for (const [i, ip] of addresses.entries()) errors.push(...looseIpErrors(`${path}[${i}]`, ip, old));
  const families = new Set(addresses.map(isIP));
  if (addresses.length > 1 && (families.size < 2 || addresses.length > 2))
    errors.push(invalid(path, list, 'may specify no more than one IP for each IP family'));
  if (addresses.length > 0 && single !== addresses[0])
    errors.push(invalid(`${path}[0].ip`, addresses[0], `must be equal to \`${of}IP\``));
  return errors;
}

/** Agents say one address or several; where they differ, the one counts (upstream: the conversion of `PodStatus`). */
export function preparePodStatus(pod: Pod, old: Pod): void {
  const { status } = pod;
  if (!status) return;
  for (const [single, list] of [
    ['podIP', 'podIPs'],
    ['hostIP', 'hostIPs'],
  ] as const) {
    const first = status[list]?.[0]?.ip;
    if (!status[single] && first) status[single] = first;
    else if (single === 'podIP' && status.podIP && first !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  }
  // The class is decided once.
  if (status.qosClass === undefined && old.status?.qosClass !== undefined) status.qosClass = old.status.qosClass;
}

function conditionErrors(pod: Pod): FieldError[] {
  return (pod.status?.conditions ?? []).flatMap(({ type = '', observedGeneration = 0 }, i) => {
    const path = `status.conditions[${i}]`;
    const errors =
      observedGeneration < 0
        ? [invalid(`${path}.observedGeneration`, observedGeneration, 'must be a non-negative integer')]
        : [];
    if (!KNOWN_CONDITIONS.has(type)) errors.push(...invalidEach(`${path}.Type`, type, qualifiedNameErrors(type)));
    return errors;
  });
}

function claimErrors(pod: Pod): FieldError[] {
  const names = new Set<string>();
  return (pod.status?.resourceClaimStatuses ?? []).flatMap(({ name = '', resourceClaimName }, i) => {
    const path = `status.resourceClaimStatuses[${i}]`;
    const errors: FieldError[] = [];
    if (!pod.spec?.resourceClaims?.some(claim => claim.name === name))
      errors.push(invalid(child(path, 'name'), name, 'must match the name of an entry in `spec.resourceClaims`'));
    if (names.has(name)) errors.push(duplicate(child(path, 'name'), name));
    names.add(name);
    if (resourceClaimName !== undefined)
      errors.push(
        ...invalidEach(child(path, 'resourceClaimName'), resourceClaimName, dns1123SubdomainErrors(resourceClaimName)),
      );
    return errors;
  });
}

export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors = podAnnotationUpdateErrors(pod, old);
  const [now, before] = [pod.status ?? {}, old.status ?? {}];
  const spec: PodSpec = old.spec ?? { containers: [] };
  errors.push(...conditionErrors(pod));
  const node = now.nominatedNodeName ?? '';
  if (node !== '' && node !== before.nominatedNodeName)
    errors.push(...invalidEach('status.nominatedNodeName', node, dns1123SubdomainErrors(node)));
  if (node !== '' && node !== before.nominatedNodeName && spec.nodeName)
    errors.push(forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'));
  if ((now.observedGeneration ?? 0) < 0)
    errors.push(invalid('status.observedGeneration', now.observedGeneration, 'must be a non-negative integer'));
  if (before.qosClass !== undefined) errors.push(...immutable('status.qosClass', now.qosClass, before.qosClass));
  if (!restartsAll(spec)) {
    const transitions = (
      field: 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses',
      containers: readonly Container[] | undefined,
    ): FieldError[] => transitionErrors(now[field], before[field], spec, containers, `status.${field}`);
    errors.push(
      ...transitions('containerStatuses', spec.containers),
      ...transitions('initContainerStatuses', spec.initContainers),
      ...transitions('ephemeralContainerStatuses', undefined),
    );
  }
  errors.push(...claimErrors(pod));
  errors.push(...addressErrors('pod', now.podIP, now.podIPs ?? [], before.podIPs ?? []));
  errors.push(...addressErrors('host', now.hostIP, now.hostIPs ?? [], before.hostIPs ?? []));
  return errors;
}
