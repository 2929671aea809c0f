/** Services (upstream: `pkg/registry/core/service`). Addresses and node ports are given by the API server's allocator. */
import type { Service, ServiceSpec } from '../../generated/types/core.v1.ts';
import type { KubeObject } from '../../object.ts';
import { ageColumn, column, selectorText, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { bumpGeneration } from '../generation.ts';
import { cidrWarnings, ipWarnings } from '../ipErrors.ts';
import { isExternallyAccessible } from './serviceTypes.ts';
import { alignClusterIps, prepareServiceUpdate } from './serviceUpdate.ts';
import {
  loadBalancerErrors,
  TOPOLOGY_HINTS,
  TOPOLOGY_MODE,
  validateService,
  validateServiceUpdate,
} from './serviceValidation.ts';

/** Three hours. */
const AFFINITY_TIMEOUT_SECONDS = 10800;

function defaults({ spec, status }: Service): void {
  if (!spec) return;
  if (!spec.sessionAffinity) spec.sessionAffinity = 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP')
    spec.sessionAffinityConfig = {
      clientIP: { timeoutSeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_TIMEOUT_SECONDS },
    };
  if (!spec.type) spec.type = 'ClusterIP';
  for (const port of spec.ports ?? []) {
    if (!port.protocol) port.protocol = 'TCP';
    if (!port.targetPort) port.targetPort = port.port;
  }
  if (isExternallyAccessible(spec) && !spec.externalTrafficPolicy) spec.externalTrafficPolicy = 'Cluster';
  const known = spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  if (known) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

const ports = (spec: ServiceSpec | undefined): string =>
  (spec?.ports ?? []).map(p => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol}`).join(',') || '<none>';

function externalIp({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  if (spec?.type === 'ExternalName') return spec.externalName ?? '';
  if (spec?.type !== 'LoadBalancer') return external.join(',') || '<none>';
  const given = (status?.loadBalancer?.ingress ?? []).map(i => i.ip || i.hostname || '').filter(text => text !== '');
  const balancer = [...new Set(given)].sort().join(',');
  return [balancer, ...external].filter(text => text !== '').join(',') || '<pending>';
}

function warnings({ metadata, spec }: Service): string[] {
  const found: string[] = [];
  if (metadata.annotations?.[TOPOLOGY_HINTS] !== undefined)
    found.push(`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`);
  if (!spec) return found;
  if (spec.clusterIP && spec.clusterIP !== 'None')
    for (const [i, ip] of (spec.clusterIPs ?? []).entries()) found.push(...ipWarnings(`spec.clusterIPs[${i}]`, ip));
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) found.push(...ipWarnings(`spec.externalIPs[${i}]`, ip));
  if (spec.loadBalancerIP) found.push(...ipWarnings('spec.loadBalancerIP', spec.loadBalancerIP));
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries())
    found.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range));
  if (spec.type === 'ExternalName' && spec.externalIPs?.length)
    found.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec.type !== 'ExternalName' && spec.externalName)
    found.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.clusterIP === 'None' && spec.loadBalancerIP)
    found.push('spec.loadBalancerIP is ignored for headless services');
  if (spec.clusterIP === 'None' && spec.externalIPs?.length)
    found.push('spec.externalIPs is ignored for headless services');
  if (spec.clusterIP === 'None' && spec.sessionAffinity && spec.sessionAffinity !== 'None')
    found.push('spec.SessionAffinity is ignored for headless services');
  return found;
}

export const service = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  shortNames: ['svc'],
  categories: ['all'],
  selectableFieldNames: ['spec.clusterIP', 'spec.type'],
  selectableFields: ({ spec }) => ({ 'spec.clusterIP': spec?.clusterIP ?? '', 'spec.type': spec?.type ?? '' }),
  columns: [
    column('Type', 'string', 'type determines how the Service is exposed.', o => o.spec?.type ?? ''),
    column(
      'Cluster-IP',
      'string',
      'clusterIP is the IP address of the service.',
      o => o.spec?.clusterIPs?.[0] || o.spec?.clusterIP || '<none>',
    ),
    column('External-IP', 'string', 'Addresses from outside the cluster.', externalIp),
    column('Port(s)', 'string', 'The list of ports that are exposed by this service.', o => ports(o.spec)),
    ageColumn,
    wide('Selector', 'string', 'Route service traffic to pods with these labels.', o => selectorText(o.spec?.selector)),
  ],
  defaults,
  prepareForCreate: object => {
    object.status = { loadBalancer: {} };
    if (object.spec) alignClusterIps(object.spec, undefined);
  },
  prepareForUpdate: (object, old) => {
    prepareServiceUpdate(object, old);
    bumpGeneration(object as unknown as KubeObject, old as unknown as KubeObject);
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateUpdateAlone: true,
  validateStatusUpdate: (object, old) =>
    loadBalancerErrors(object.status?.loadBalancer, old.status?.loadBalancer, object.spec?.type, 'status.loadBalancer'),
  warnings,
});
