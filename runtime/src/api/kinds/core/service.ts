/** Services (upstream: `pkg/registry/core/service`). Addresses and node ports are given by the API server's allocator. */
import { isIP } from 'node:net';
import type { Service, ServiceSpec } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, portNameErrors, portNumberErrors } from '../../names.ts';
import { ageColumn, column, selectorText, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, forbidden, immutable, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabels } from '../objectMeta.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
/** Three hours. */
const AFFINITY_TIMEOUT_SECONDS = 10800;

function defaults({ spec }: Service): void {
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
  const isBalancer = spec.type === 'LoadBalancer';
  if ((spec.type === 'NodePort' || isBalancer) && !spec.externalTrafficPolicy) spec.externalTrafficPolicy = 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (isBalancer) spec.allocateLoadBalancerNodePorts ??= true;
}

function portErrors(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const pairs = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = at('spec.ports', i);
    const name = port.name ?? '';
    if (name === '' && ports.length > 1) errors.push(required(child(path, 'name')));
    if (name !== '') {
      errors.push(...invalidEach(child(path, 'name'), name, dns1123LabelErrors(name)));
      if (names.has(name)) errors.push(duplicate(child(path, 'name'), name));
      names.add(name);
    }
    errors.push(...invalidEach(child(path, 'port'), port.port, portNumberErrors(port.port)));
    if (!port.protocol) errors.push(required(child(path, 'protocol')));
    else if (!PROTOCOLS.includes(port.protocol))
      errors.push(notSupported(child(path, 'protocol'), port.protocol, PROTOCOLS));
    const target = port.targetPort;
    if (target !== undefined)
      errors.push(
        ...invalidEach(
          child(path, 'targetPort'),
          target,
          typeof target === 'number' ? portNumberErrors(target) : portNameErrors(target),
        ),
      );
    if (spec.type === 'ClusterIP' && port.nodePort)
      errors.push(forbidden(child(path, 'nodePort'), "may not be used when `type` is 'ClusterIP'"));
    const pair = `${port.protocol}/${port.port}`;
    if (pairs.has(pair)) errors.push(duplicate(path, { protocol: port.protocol, port: port.port }));
    pairs.add(pair);
  }
  return errors;
}

function validate({ spec }: Service): FieldError[] {
  if (!spec) return [required('spec')];
  const errors: FieldError[] = [];
  const headless = spec.clusterIP === 'None';
  if (!spec.ports?.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  if (!TYPES.includes(spec.type ?? '')) errors.push(notSupported('spec.type', spec.type, TYPES));
  if (spec.type === 'ExternalName') {
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (spec.clusterIP) errors.push(forbidden('spec.clusterIPs[0]', "may not be set when `type` is 'ExternalName'"));
    if (name === '') errors.push(required('spec.externalName'));
    else errors.push(...invalidEach('spec.externalName', name, dns1123SubdomainErrors(name)));
  }
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && headless)
    errors.push(invalid('spec.clusterIPs[0]', spec.clusterIP, `may not be set to 'None' for ${spec.type} services`));
  for (const [i, ip] of (spec.clusterIPs ?? []).entries())
    if (ip !== 'None' && isIP(ip) === 0)
      errors.push(
        invalid(at('spec.clusterIPs', i), ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
      );
  errors.push(...validateLabels(spec.selector, 'spec.selector'));
  if (!['ClientIP', 'None'].includes(spec.sessionAffinity ?? ''))
    errors.push(notSupported('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']));
  for (const [i, ip] of (spec.externalIPs ?? []).entries())
    if (isIP(ip) === 0)
      errors.push(
        invalid(at('spec.externalIPs', i), ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
      );
  return [...errors, ...portErrors(spec)];
}

/** An address once given stays, unless the service stops having one. */
function validateUpdate({ spec }: Service, { spec: old }: Service): FieldError[] {
  if (!spec || !old || spec.type === 'ExternalName' || old.type === 'ExternalName' || !old.clusterIP) return [];
  return immutable('spec.clusterIPs[0]', spec.clusterIP, old.clusterIP);
}

const ports = (spec: ServiceSpec | undefined): string =>
  (spec?.ports ?? []).map(p => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol}`).join(',') || '<none>';

function externalIp({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  if (spec?.type === 'ExternalName') return spec.externalName ?? '';
  if (spec?.type !== 'LoadBalancer') return external.join(',') || '<none>';
  const given = (status?.loadBalancer?.ingress ?? []).map(i => i.ip || i.hostname || '');
  return [...given, ...external].join(',') || '<pending>';
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
      o => o.spec?.clusterIP || o.spec?.clusterIPs?.[0] || '<none>',
    ),
    column('External-IP', 'string', 'Addresses from outside the cluster.', externalIp),
    column('Port(s)', 'string', 'The list of ports that are exposed by this service.', o => ports(o.spec)),
    ageColumn,
    wide('Selector', 'string', 'Route service traffic to pods with these labels.', o => selectorText(o.spec?.selector)),
  ],
  defaults,
  validate,
  validateUpdate,
});
