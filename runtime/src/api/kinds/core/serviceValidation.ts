/** Validation of services (upstream: `validateService`, `ValidateServiceUpdate`, `ValidateServiceClusterIPsRelatedFields`). */
import { isIP } from 'node:net';
import type { LoadBalancerStatus, Service, ServicePort, ServiceSpec } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, portNumberErrors, qualifiedNameErrors } from '../../names.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, keyed, notSupported, required } from '../errors.ts';
import { looseCidrErrors, looseIpErrors, specialIpErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabels } from '../objectMeta.ts';
import { portOrNameErrors } from './probeValidation.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './serviceTypes.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const TRAFFIC_POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const IP_MODES = ['Proxy', 'VIP'];
const MAX_AFFINITY_SECONDS = 86400;
const BALANCER_ONLY = "may only be used when `type` is 'LoadBalancer'";
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';
export const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
export const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';

function typeErrors(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { type } = spec;
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec))
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`));
  if (type !== 'ExternalName') return errors;
  for (const field of ['clusterIPs', 'ipFamilies'] as const)
    if (spec[field]?.length) errors.push(forbidden(`spec.${field}`, 'may not be set for ExternalName services'));
  if (spec.ipFamilyPolicy !== undefined)
    errors.push(forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services'));
  // A trailing dot says that the name is complete.
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else errors.push(...invalidEach('spec.externalName', name, dns1123SubdomainErrors(name)));
  return errors;
}

function portErrors(port: ServicePort, named: boolean, names: Set<string>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { name = '', appProtocol } = port;
  const protocol: string = port.protocol ?? '';
  if (name === '') {
    if (named) errors.push(required(child(path, 'name')));
  } else {
    errors.push(...invalidEach(child(path, 'name'), name, dns1123LabelErrors(name)));
    if (names.has(name)) errors.push(duplicate(child(path, 'name'), name));
    names.add(name);
  }
  const number = port.port ?? 0;
  errors.push(...invalidEach(child(path, 'port'), number, portNumberErrors(number)));
  if (protocol === '') errors.push(required(child(path, 'protocol')));
  else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(child(path, 'protocol'), protocol, PROTOCOLS));
  errors.push(...portOrNameErrors(port.targetPort, child(path, 'targetPort')));
  if (appProtocol !== undefined)
    errors.push(...invalidEach(child(path, 'appProtocol'), appProtocol, qualifiedNameErrors(appProtocol)));
  return errors;
}

/** As Go writes the part of a port that must be its own. */
const portIdentity = ({ protocol, port = 0 }: ServicePort): unknown => ({
  Name: '',
  Protocol: protocol ?? '',
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

function uniqueErrors({ type, ports = [] }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const [nodePorts, pairs] = [new Set<string>(), new Set<string>()];
  if (type === 'ClusterIP')
    for (const [i, { nodePort }] of ports.entries())
      if (nodePort) errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
  for (const [i, { nodePort, protocol }] of ports.entries()) {
    if (!nodePort) continue;
    const id = `${protocol}/${nodePort}`;
    if (nodePorts.has(id)) errors.push(duplicate(`spec.ports[${i}].nodePort`, nodePort));
    nodePorts.add(id);
  }
  for (const [i, port] of ports.entries()) {
    const id = `${port.protocol}/${port.port}`;
    if (pairs.has(id)) errors.push(duplicate(at('spec.ports', i), portIdentity(port)));
    pairs.add(id);
  }
  return errors;
}

function affinityErrors({ sessionAffinity: affinity, sessionAffinityConfig: config }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const sessionAffinity: string = affinity ?? '';
  if (sessionAffinity === '') errors.push(required('spec.sessionAffinity'));
  else if (sessionAffinity !== 'ClientIP' && sessionAffinity !== 'None')
    errors.push(notSupported('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']));
  const path = 'spec.sessionAffinityConfig';
  if (sessionAffinity === 'None' && config)
    errors.push(forbidden(path, 'must not be set when session affinity is None'));
  if (sessionAffinity !== 'ClientIP') return errors;
  const text = 'when session affinity type is ClientIP';
  if (!config) return [...errors, required(path, text)];
  if (!config.clientIP) return [...errors, required(`${path}.clientIP`, text)];
  const seconds = config.clientIP.timeoutSeconds;
  const field = `${path}.clientIP.timeoutSeconds`;
  if (seconds === undefined) errors.push(required(field, text));
  else if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS)
    errors.push(invalid(field, seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`));
  return errors;
}

/** `clusterIP`, `clusterIPs`, `ipFamilies` and its policy, which belong together; also asked before addresses are given. */
export function clusterIpErrors(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const errors: FieldError[] = [];
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const list = 'spec.clusterIPs';
  if (clusterIP === '') {
    if (clusterIPs.length > 0)
      errors.push(invalid(list, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  } else if (clusterIPs.length === 0) errors.push(required(list));
  else if (clusterIPs[0] !== clusterIP) errors.push(invalid(list, clusterIPs, 'first value must match `clusterIP`'));
  for (const [i, family] of ipFamilies.entries()) {
    if (!FAMILIES.includes(family)) errors.push(notSupported(at('spec.ipFamilies', i), family, FAMILIES));
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(at('spec.ipFamilies', i), family));
  }
  if (ipFamilyPolicy !== undefined && !FAMILY_POLICIES.includes(ipFamilyPolicy))
    errors.push(notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, FAMILY_POLICIES));
  let wrong = false;
  for (const [i, ip] of clusterIPs.entries()) {
    const faults =
      i > 0 || ip !== 'None'
        ? looseIpErrors(at(list, i), ip, old?.clusterIPs)
        : clusterIPs.length > 1
          ? [invalid(list, clusterIPs, "'None' must be the first and only value")]
          : [];
    if (faults.length > 0) wrong = true;
    errors.push(...faults);
  }
  if (clusterIPs.length > 2) errors.push(invalid(list, clusterIPs, 'may only hold up to 2 values'));
  if (wrong) return errors;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(ip => isIP(ip))).size < clusterIPs.length)
    errors.push(invalid(list, clusterIPs, 'may specify no more than one IP for each IP family'));
  if (isHeadless(spec)) return errors;
  for (const [i, ip] of clusterIPs.slice(0, ipFamilies.length).entries()) {
    const family = ipFamilies[i];
    if (FAMILIES.includes(family ?? '') && `IPv${isIP(ip)}` !== family)
      errors.push(invalid(at(list, i), ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
  }
  return errors;
}

function sourceRangeErrors({ metadata, spec }: Service, old: Service | undefined): FieldError[] {
  const ranges = spec?.loadBalancerSourceRanges ?? [];
  const balancer = spec?.type === 'LoadBalancer';
  if (ranges.length > 0) {
    // Upstream names the field so.
    const path = 'spec.LoadBalancerSourceRanges';
    const kept = (old?.spec?.loadBalancerSourceRanges ?? []).map(range => range.trim());
    return [
      ...(balancer ? [] : [forbidden(path, BALANCER_ONLY)]),
      ...ranges.flatMap((range, i) => looseCidrErrors(at(path, i), range.trim(), kept)),
    ];
  }
  const text = metadata.annotations?.[SOURCE_RANGES];
  if (text === undefined) return [];
  const path = keyed('metadata.annotations', SOURCE_RANGES);
  const errors = balancer ? [] : [forbidden(path, BALANCER_ONLY)];
  if (text.trim() !== '' && old?.metadata.annotations?.[SOURCE_RANGES] !== text)
    for (const range of text.split(',')) errors.push(...looseCidrErrors(path, range.trim()));
  return errors;
}

function balancerErrors(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const balancer = spec.type === 'LoadBalancer';
  if (!balancer && spec.allocateLoadBalancerNodePorts !== undefined)
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', BALANCER_ONLY));
  if (balancer && spec.allocateLoadBalancerNodePorts === undefined)
    errors.push(required('allocateLoadBalancerNodePorts'));
  return [...errors, ...balancerClassErrors(spec)];
}

function balancerClassErrors({ type, loadBalancerClass }: ServiceSpec): FieldError[] {
  if (loadBalancerClass === undefined) return [];
  return type === 'LoadBalancer'
    ? invalidEach('spec.loadBalancerClass', loadBalancerClass, qualifiedNameErrors(loadBalancerClass))
    : [forbidden('spec.loadBalancerClass', BALANCER_ONLY)];
}

function trafficErrors(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { externalTrafficPolicy: external = '', healthCheckNodePort: port = 0 } = spec;
  const field = 'spec.externalTrafficPolicy';
  if (!isExternallyAccessible(spec)) {
    if (external !== '') errors.push(invalid(field, external, 'may only be set for externally-accessible services'));
  } else if (external === '') errors.push(required(field));
  else if (!TRAFFIC_POLICIES.includes(external)) errors.push(notSupported(field, external, TRAFFIC_POLICIES));
  const check = 'spec.healthCheckNodePort';
  if (!needsHealthCheckPort(spec)) {
    if (port !== 0)
      errors.push(
        invalid(check, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"),
      );
  } else if (port === 0) errors.push(required(check));
  else errors.push(...invalidEach(check, port, portNumberErrors(port)));
  const internal = spec.internalTrafficPolicy;
  if (internal === undefined) {
    if (spec.type !== 'ExternalName' && TYPES.includes(spec.type ?? ''))
      errors.push(required('spec.internalTrafficPolicy'));
  } else if (!TRAFFIC_POLICIES.includes(internal))
    errors.push(notSupported('spec.internalTrafficPolicy', internal, TRAFFIC_POLICIES));
  const distribution = spec.trafficDistribution;
  if (distribution !== undefined && !DISTRIBUTIONS.includes(distribution))
    errors.push(notSupported('spec.trafficDistribution', distribution, DISTRIBUTIONS));
  return errors;
}

function serviceErrors(service: Service, old: Service | undefined): FieldError[] {
  const { spec, metadata } = service;
  if (!spec) return [required('spec.ports')];
  const errors: FieldError[] = [];
  const [hints, mode] = [metadata.annotations?.[TOPOLOGY_HINTS], metadata.annotations?.[TOPOLOGY_MODE]];
  if (hints !== undefined && mode !== undefined && hints !== mode)
    errors.push(
      invalid(
        keyed('metadata.annotations', TOPOLOGY_MODE),
        mode,
        `must match annotations[${TOPOLOGY_HINTS}] when both are specified`,
      ),
    );
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  errors.push(...typeErrors(spec));
  const names = new Set<string>();
  for (const [i, port] of ports.entries())
    errors.push(...portErrors(port, ports.length > 1, names, at('spec.ports', i)));
  errors.push(...validateLabels(spec.selector, 'spec.selector'), ...affinityErrors(spec));
  errors.push(...clusterIpErrors(spec, old?.spec));
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const path = at('spec.externalIPs', i);
    const wrong = looseIpErrors(path, ip, old?.spec?.externalIPs);
    errors.push(...(wrong.length > 0 ? wrong : specialIpErrors(path, ip)));
  }
  if (!spec.type) errors.push(required('spec.type'));
  else if (!TYPES.includes(spec.type)) errors.push(notSupported('spec.type', spec.type, TYPES));
  return [
    ...errors,
    ...uniqueErrors(spec),
    ...sourceRangeErrors(service, old),
    ...balancerErrors(spec),
    ...trafficErrors(spec),
  ];
}

export const validateService = (service: Service): FieldError[] => serviceErrors(service, undefined);

/** An address once given stays; a second may come and go, with the policy that says so. */
function listChangeErrors(
  of: 'clusterIPs' | 'ipFamilies',
  now: ServiceSpec,
  old: ServiceSpec,
  singular: string,
): FieldError[] {
  const path = `spec.${of}`;
  const [list, before]: [readonly string[], readonly string[]] = [now[of] ?? [], old[of] ?? []];
  const errors: FieldError[] = [];
  const fixed = 'may not change once set';
  if (list.length === before.length) {
    for (const [i, item] of before.entries())
      if (item !== list[i]) errors.push(invalid(at(path, of === 'clusterIPs' ? i : 0), list, fixed));
    return errors;
  }
  if (list.length < before.length) {
    if ((of === 'clusterIPs' ? list : (now.clusterIPs ?? [])).length === 0)
      errors.push(invalid(`${path}[0]`, list, `primary ${singular} can not be unset`));
    if (list.length > 0 && list[0] !== before[0]) errors.push(invalid(`${path}[0]`, list, fixed));
    if (list.length === 1 && now.ipFamilyPolicy !== 'SingleStack')
      errors.push(
        invalid(
          'spec.ipFamilyPolicy',
          now.ipFamilyPolicy,
          `must be set to 'SingleStack' when releasing the secondary ${singular}`,
        ),
      );
    return errors;
  }
  if (before.length > 0 && list[0] !== before[0]) errors.push(invalid(`${path}[0]`, list, fixed));
  return errors;
}

function changeErrors(now: ServiceSpec, old: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (now.type !== 'ExternalName' && old.type !== 'ExternalName') {
    const [headless, was] = [isHeadless(now), isHeadless(old)];
    if (!headless || !was) errors.push(...listChangeErrors('clusterIPs', now, old, 'clusterIP'));
    if (!headless && !was) errors.push(...listChangeErrors('ipFamilies', now, old, 'ipFamily'));
  }
  if (now.type === 'LoadBalancer' && old.type === 'LoadBalancer' && now.loadBalancerClass !== old.loadBalancerClass)
    errors.push(invalid('spec.loadBalancerClass', now.loadBalancerClass, 'may not change once set'));
  errors.push(...balancerClassErrors(now));
  if (needsHealthCheckPort(now) && needsHealthCheckPort(old) && now.healthCheckNodePort !== old.healthCheckNodePort)
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  return errors;
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const changes = service.spec && old.spec ? changeErrors(service.spec, old.spec) : [];
  return [...changes, ...serviceErrors(service, old)];
}

/** Addresses that a load balancer has given, also of an Ingress. */
export function loadBalancerErrors(
  status: LoadBalancerStatus | undefined,
  old: LoadBalancerStatus | undefined,
  type: string | undefined,
  path: string,
): FieldError[] {
  const list = child(path, 'ingress');
  if (type !== 'LoadBalancer' && status?.ingress?.length)
    return [forbidden(list, "may only be used when `spec.type` is 'LoadBalancer'")];
  const kept = (old?.ingress ?? []).map(ingress => ingress.ip ?? '').filter(ip => ip !== '');
  const errors: FieldError[] = [];
  for (const [i, { ip = '', hostname = '', ipMode }] of (status?.ingress ?? []).entries()) {
    const here = at(list, i);
    if (ip !== '') errors.push(...looseIpErrors(child(here, 'ip'), ip, kept));
    const field = child(here, 'ipMode');
    if (ipMode === undefined) {
      if (ip !== '') errors.push(required(field, 'must be specified when `ip` is set'));
    } else if (ip === '') errors.push(forbidden(field, 'may not be specified when `ip` is not set'));
    else if (!IP_MODES.includes(ipMode)) errors.push(notSupported(field, ipMode, IP_MODES));
    if (hostname === '') continue;
    errors.push(...invalidEach(child(here, 'hostname'), hostname, dns1123SubdomainErrors(hostname)));
    if (isIP(hostname) !== 0)
      errors.push(invalid(child(here, 'hostname'), hostname, 'must be a DNS name, not an IP address'));
  }
  return errors;
}
