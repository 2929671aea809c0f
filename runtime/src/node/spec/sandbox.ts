/** A pod as a CRI sandbox. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { CgroupDriver } from '../context.ts';
import type { PortMapping, SandboxConfig } from '../cri/types.ts';
import { GRACE_PERIOD, MADE_BY, POD_NAME, POD_NAMESPACE, POD_UID } from '../labels.ts';
import { DEFAULT_GRACE_SECONDS } from '../pods/model.ts';
import { type DnsConfig, hostnameOf } from './dns.ts';
import { qosClass } from './qos.ts';
import { podResources } from './resources.ts';
import { sandboxSecurity } from './security.ts';

export interface SandboxOptions {
  readonly attempt: number;
  readonly logDirectory: string;
  readonly dns: DnsConfig;
  readonly cgroupDriver: CgroupDriver;
}

export function sandboxConfig(pod: Pod, options: SandboxOptions): SandboxConfig {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const hostNetwork = pod.spec?.hostNetwork === true;
  const sysctls = (pod.spec?.securityContext?.sysctls ?? []).map(s => [s.name, s.value] as const);
  return {
    metadata: { name, namespace, uid, attempt: options.attempt },
    logDirectory: options.logDirectory,
    dnsConfig: options.dns,
    labels: { ...pod.metadata.labels, [POD_NAME]: name, [POD_NAMESPACE]: namespace, [POD_UID]: uid },
    annotations: {
      ...pod.metadata.annotations,
      [GRACE_PERIOD]: String(pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS),
      [MADE_BY]: '1',
    },
    ...(hostNetwork ? {} : { hostname: hostnameOf(pod), portMappings: portMappings(pod) }),
    linux: {
      cgroupParent: podCgroup(pod, options.cgroupDriver),
      securityContext: sandboxSecurity(pod),
      sysctls: Object.fromEntries(sysctls),
      resources: podResources(pod),
    },
  };
}

/** The runtime publishes only ports of the host's that are asked for. */
export function portMappings(pod: Pod): PortMapping[] {
  const containers = [
    ...(pod.spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always'),
    ...(pod.spec?.containers ?? []),
  ];
  return containers
    .flatMap(c => c.ports ?? [])
    .filter(p => p.hostPort)
    .map(p => ({
      protocol: p.protocol ?? 'TCP',
      containerPort: p.containerPort,
      hostPort: p.hostPort ?? 0,
      ...(p.hostIP ? { hostIp: p.hostIP } : {}),
    }));
}

/**
 * The parent cgroup, where upstream has it, so that tools find pods: `/kubepods/burstable/pod<uid>`, or systemd's
 * `kubepods-burstable-pod<uid>.slice` with the dashes of the uid escaped. The runtime makes it.
 */
export function podCgroup(pod: Pod, driver: CgroupDriver): string {
  const qos = qosClass(pod);
  const uid = pod.metadata.uid ?? '';
  if (driver === 'cgroupfs') {
    const level = qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`;
    return `/kubepods${level}/pod${uid}`;
  }
  const level = qos === 'Guaranteed' ? '' : `-${qos.toLowerCase()}`;
  return `kubepods${level}-pod${uid.replaceAll('-', '_')}.slice`;
}
