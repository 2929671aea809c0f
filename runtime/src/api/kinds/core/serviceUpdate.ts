/**
 * What a changed service means by what it leaves unsaid: values the server had given stay, those its new type has no use for go
 * (upstream: `patchAllocatedValues`, `normalizeClusterIPs`, `dropTypeDependentFields`). In place; nothing is allocated or released here.
 */
import type { Service, ServiceSpec } from '../../generated/types/core.v1.ts';
import { sameValue } from '../errors.ts';
import { isExternallyAccessible, needsClusterIp, needsHealthCheckPort, needsNodePorts } from './serviceTypes.ts';

const nodePortsOf = (spec: ServiceSpec): Set<number> =>
  new Set((spec.ports ?? []).map(port => port.nodePort ?? 0).filter(number => number !== 0));

/** The same manifest sent again is to mean the same, though it names no addresses and ports. */
function keepAllocated(now: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIp(old) && needsClusterIp(now)) {
    if (!now.clusterIP && old.clusterIP) now.clusterIP = old.clusterIP;
    if (!now.clusterIPs?.length && old.clusterIPs?.length) now.clusterIPs = [...old.clusterIPs];
  }
  if (needsNodePorts(old) && needsNodePorts(now)) {
    const mentioned = nodePortsOf(now);
    const byName = new Map((old.ports ?? []).map(port => [port.name ?? '', port.nodePort]));
    for (const port of now.ports ?? []) {
      const before = byName.get(port.name ?? '');
      if (!port.nodePort && before && !mentioned.has(before)) port.nodePort = before;
    }
  }
  if (needsHealthCheckPort(old) && needsHealthCheckPort(now) && !now.healthCheckNodePort && old.healthCheckNodePort)
    now.healthCheckNodePort = old.healthCheckNodePort;
}

/** `clusterIP` is the first of `clusterIPs`; old clients know the one only. */
export function alignClusterIps(now: ServiceSpec, old: ServiceSpec | undefined): void {
  if (!old) {
    if (now.clusterIP && !now.clusterIPs?.length) now.clusterIPs = [now.clusterIP];
    return;
  }
  if (old.clusterIPs?.length && !now.clusterIPs?.length && now.clusterIP === old.clusterIP)
    now.clusterIPs = [...old.clusterIPs];
  if ((now.clusterIP ?? '') === (old.clusterIP ?? '') || !sameValue(now.clusterIPs, old.clusterIPs)) return;
  // Only the one was changed: the list follows.
  if (now.clusterIP) now.clusterIPs = [now.clusterIP];
  else delete now.clusterIPs;
}

/** What no longer applies goes, unless it too was changed: then the validation has a word to say. */
function dropUnused(now: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIp(old) && !needsClusterIp(now)) {
    if (now.clusterIP === old.clusterIP && sameValue(now.clusterIPs, old.clusterIPs)) {
      delete now.clusterIP;
      delete now.clusterIPs;
    }
    if (sameValue(now.ipFamilies, old.ipFamilies)) delete now.ipFamilies;
    if (now.ipFamilyPolicy === old.ipFamilyPolicy) delete now.ipFamilyPolicy;
  }
  if (needsNodePorts(old) && !needsNodePorts(now)) {
    const before = nodePortsOf(old);
    if ([...nodePortsOf(now)].every(number => before.has(number)))
      for (const port of now.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(now) && now.healthCheckNodePort === old.healthCheckNodePort)
    delete now.healthCheckNodePort;
  if (old.type === 'LoadBalancer' && now.type !== 'LoadBalancer') {
    if (now.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
      delete now.allocateLoadBalancerNodePorts;
    if (now.loadBalancerClass === old.loadBalancerClass) delete now.loadBalancerClass;
  }
  if (
    isExternallyAccessible(old) &&
    !isExternallyAccessible(now) &&
    now.externalTrafficPolicy === old.externalTrafficPolicy
  )
    delete now.externalTrafficPolicy;
}

export function prepareServiceUpdate(service: Service, old: Service): void {
  const [now, before] = [service.spec, old.spec];
  if (!now || !before) return;
  keepAllocated(now, before);
  alignClusterIps(now, before);
  dropUnused(now, before);
  if (now.type !== 'LoadBalancer' && service.status) service.status = { ...service.status, loadBalancer: {} };
}
