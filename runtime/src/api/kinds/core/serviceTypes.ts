/** What a service of a type needs (upstream: `pkg/api/service`, `pkg/registry/core/service/strategy.go`). */
import type { ServiceSpec } from '../../generated/types/core.v1.ts';

export const needsClusterIp = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName';

export const needsNodePorts = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';

/** Only then do load balancers ask the nodes which of them have endpoints. */
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

/** Whether traffic comes to it from outside the cluster. */
export const isExternallyAccessible = (spec: ServiceSpec): boolean =>
  needsNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);

export const isHeadless = (spec: ServiceSpec): boolean =>
  spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';
