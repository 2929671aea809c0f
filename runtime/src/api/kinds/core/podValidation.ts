/** Validation of pods and pod templates (upstream: `ValidatePodSpec`, `ValidatePodTemplateSpec`, `ValidatePodCreate`). */
import type {
  Pod,
  PodDNSConfig,
  PodResourceClaim,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../../generated/types/core.v1.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  dns1123SubdomainWithUnderscoreErrors,
  qualifiedNameErrors,
} from '../../names.ts';
import { compareQuantities } from '../../quantity.ts';
import {
  at,
  child,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  keyed,
  nonNegative,
  notFound,
  notSupported,
  required,
  tooLong,
} from '../errors.ts';
import { looseIpErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { validateAnnotations, validateLabels } from '../objectMeta.ts';
import {
  imageSpaceErrors,
  type Surroundings,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './containerValidation.ts';
import { validateAffinity, validateSpread, validateTolerations } from './placementValidation.ts';
import { podAnnotationErrors, profileMatchErrors } from './podAnnotations.ts';
import { eachContainer, hostProcessErrors, validateOs } from './podOs.ts';
import { aggregateResources } from './podResources.ts';
import { validatePodResources, validateResources } from './resourceValidation.ts';
import { validatePodSecurityContext } from './securityValidation.ts';
import { validateVolumes } from './volumeValidation.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const MAX_INT32 = 2147483647;

function dnsConfigErrors(config: PodDNSConfig | undefined, policy: string | undefined, path: string): FieldError[] {
  if (policy === 'None') {
    if (!config) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!config.nameservers?.length)
      return [
        required(child(path, 'nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
      ];
  }
  if (!config) return [];
  const errors: FieldError[] = [];
  const { nameservers = [], searches = [], options = [] } = config;
  const servers = child(path, 'nameservers');
  if (nameservers.length > 3) errors.push(invalid(servers, nameservers, 'must not have more than 3 nameservers'));
  for (const [i, server] of nameservers.entries()) errors.push(...looseIpErrors(at(servers, i), server));
  const domains = child(path, 'searches');
  if (searches.length > 32) errors.push(invalid(domains, searches, 'must not have more than 32 search paths'));
  if (searches.join(' ').length > 2048)
    errors.push(
      invalid(domains, searches, 'must not have more than 2048 characters (including spaces) in the search list'),
    );
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const domain = search.replace(/\.$/, '');
    errors.push(...invalidEach(at(domains, i), domain, dns1123SubdomainWithUnderscoreErrors(domain)));
  }
  for (const [i, { name }] of options.entries())
    if (!name) errors.push(required(at(child(path, 'options'), i), 'must not be empty'));
  return errors;
}

function claimsErrors(claims: readonly PodResourceClaim[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, claim] of claims.entries()) {
    const here = at(path, i);
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim;
    if (name === '') errors.push(required(child(here, 'name')));
    else if (names.has(name)) errors.push(duplicate(child(here, 'name'), name));
    else errors.push(...invalidEach(child(here, 'name'), name, dns1123LabelErrors(name)));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      errors.push(
        invalid(here, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'),
      );
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      errors.push(invalid(here, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field];
      if (value !== undefined) errors.push(...invalidEach(child(here, field), value, dns1123SubdomainErrors(value)));
    }
  }
  return errors;
}

/** The whole may not be less than its parts. */
function podResourcesErrors(spec: PodSpec, claims: ReadonlySet<string>, path: string): FieldError[] {
  if (!spec.resources) return [];
  const here = child(path, 'resources');
  if (spec.os?.name === 'windows') return [forbidden(here, 'may not be set for a windows pod')];
  const errors = validatePodResources(spec.resources, here, claims);
  const { requests = {}, limits = {} } = spec.resources;
  for (const [name, sum] of Object.entries(aggregateResources(spec, 'requests'))) {
    const whole = requests[name];
    if (whole !== undefined && compareQuantities(sum, whole) > 0)
      errors.push(
        invalid(
          keyed(child(here, 'requests'), name),
          whole,
          `must be greater than or equal to aggregate container requests of ${sum}`,
        ),
      );
  }
  for (const [i, container] of (spec.containers ?? []).entries())
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const whole = limits[name];
      if (whole !== undefined && compareQuantities(limit, whole) > 0)
        errors.push(
          invalid(
            child(keyed(at(child(here, 'containers'), i), name), 'limits'),
            limit,
            `must be less than or equal to pod limits of ${whole}`,
          ),
        );
    }
  return errors;
}

/** On the host's network a container's ports are the host's; in a template that may still be unsaid. */
function hostNetworkErrors(spec: PodSpec, isPod: boolean, path: string, errors: FieldError[]): void {
  if (!spec.hostNetwork) return;
  for (const [i, container] of (spec.containers ?? []).entries())
    for (const [j, { hostPort = 0, containerPort = 0 }] of (container.ports ?? []).entries())
      if ((isPod || hostPort !== 0) && hostPort !== containerPort)
        errors.push(
          invalid(
            `${path}.containers[${i}].ports[${j}].hostPort`,
            hostPort,
            'must match `containerPort` when `hostNetwork` is true',
          ),
        );
}

function userNamespaceErrors(spec: PodSpec, path: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const text = 'when `hostUsers` is false';
  const errors: FieldError[] = [];
  if (spec.hostNetwork) errors.push(forbidden(child(path, 'hostNetwork'), text));
  if (spec.hostPID) errors.push(forbidden(child(path, 'HostPID'), text));
  if (spec.hostIPC) errors.push(forbidden(child(path, 'HostIPC'), text));
  eachContainer(spec, path, (container, here) => {
    if (container.volumeDevices?.length) errors.push(forbidden(child(here, 'volumeDevices'), text));
  });
  return errors;
}

function hostnameOverrideErrors(spec: PodSpec, path: string): FieldError[] {
  const name = spec.hostnameOverride;
  if (name === undefined) return [];
  const field = child(path, 'hostnameOverride');
  const errors: FieldError[] = [];
  if (spec.setHostnameAsFQDN) errors.push(forbidden(field, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) errors.push(forbidden(field, 'may not be specified when hostNetwork is true'));
  if (name.length > 64) errors.push(tooLong(field, 64));
  return [...errors, ...invalidEach(field, name, dns1123SubdomainErrors(name))];
}

/** Variables from files are of a volume that the pod itself fills. */
function variableFileErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  eachContainer(spec, path, (container, here) => {
    for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (!valueFrom?.fileKeyRef) continue;
      const field = `${here}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = spec.volumes?.find(v => v.name === name);
      if (!volume) errors.push(notFound(field, name ?? ''));
      else if (!volume.emptyDir) errors.push(invalid(field, name, 'referenced volume must be of type emptyDir'));
    }
  });
  return errors;
}

const NAMED = [
  ['serviceAccountName', dns1123SubdomainErrors],
  ['nodeName', dns1123SubdomainErrors],
  ['hostname', dns1123LabelErrors],
  ['subdomain', dns1123LabelErrors],
  ['priorityClassName', dns1123SubdomainErrors],
  ['runtimeClassName', dns1123SubdomainErrors],
] as const;

function identityErrors(spec: PodSpec, path: string, errors: FieldError[]): void {
  for (const [field, rule] of NAMED) {
    const value = spec[field];
    if (value) errors.push(...invalidEach(child(path, field), value, rule(value)));
    if (field !== 'serviceAccountName' || (spec.serviceAccount ?? '') === (value ?? '')) continue;
    const text = `must be the same as serviceAccountName: ${JSON.stringify(value ?? '')}`;
    errors.push(invalid(child(path, 'deprecatedServiceAccount'), spec.serviceAccount ?? '', text));
  }
  const seconds = spec.activeDeadlineSeconds;
  if (seconds !== undefined && (seconds < 1 || seconds > MAX_INT32))
    errors.push(
      invalid(child(path, 'activeDeadlineSeconds'), seconds, `must be between 1 and ${MAX_INT32}, inclusive`),
    );
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    const type = gate.conditionType ?? '';
    errors.push(
      ...invalidEach(child(at(child(path, 'readinessGates'), i), 'conditionType'), type, qualifiedNameErrors(type)),
    );
  }
  const gates = new Set<string>();
  for (const [i, { name = '' }] of (spec.schedulingGates ?? []).entries()) {
    const here = at(child(path, 'schedulingGates'), i);
    errors.push(...invalidEach(here, name, qualifiedNameErrors(name)));
    if (gates.has(name)) errors.push(duplicate(here, name));
    gates.add(name);
  }
  for (const [i, alias] of (spec.hostAliases ?? []).entries()) {
    const here = at(child(path, 'hostAliases'), i);
    errors.push(...looseIpErrors(child(here, 'ip'), alias.ip ?? ''));
    for (const [j, name] of (alias.hostnames ?? []).entries())
      errors.push(...invalidEach(at(child(here, 'hostnames'), j), name, dns1123SubdomainErrors(name)));
  }
}

export interface SpecOptions {
  /** Name of the pod; empty, and `isPod` false, in a template. */
  readonly name: string;
  readonly isPod: boolean;
}

const TEMPLATE: SpecOptions = { name: '', isPod: false };
const NO_NAMES: ReadonlySet<string> = new Set();

/** `path` is `spec` or `spec.template.spec`. */
export function validatePodSpec(spec: PodSpec, path: string, { name, isPod }: SpecOptions = TEMPLATE): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.terminationGracePeriodSeconds === undefined)
    errors.push(required(child(path, 'terminationGracePeriodSeconds')));
  const volumes = validateVolumes(spec.volumes, name, child(path, 'volumes'), errors);
  const claims = spec.resourceClaims ? new Set(spec.resourceClaims.map(c => c.name).filter(Boolean)) : NO_NAMES;
  if (spec.resourceClaims) errors.push(...claimsErrors(spec.resourceClaims, child(path, 'resourceClaims')));
  const around: Surroundings = { spec, volumes, claims };
  validateContainers(around, child(path, 'containers'), errors);
  if (spec.initContainers) validateInitContainers(around, child(path, 'initContainers'), errors);
  if (spec.ephemeralContainers) validateEphemeralContainers(around, child(path, 'ephemeralContainers'), errors);
  errors.push(...podResourcesErrors(spec, claims, path));
  hostNetworkErrors(spec, isPod, path, errors);
  if (!spec.restartPolicy) errors.push(required(child(path, 'restartPolicy')));
  else if (!RESTART_POLICIES.includes(spec.restartPolicy))
    errors.push(notSupported(child(path, 'restartPolicy'), spec.restartPolicy, RESTART_POLICIES));
  if (!spec.dnsPolicy) errors.push(required(child(path, 'dnsPolicy')));
  else if (!DNS_POLICIES.includes(spec.dnsPolicy))
    errors.push(notSupported(child(path, 'dnsPolicy'), spec.dnsPolicy, DNS_POLICIES));
  if (spec.nodeSelector) errors.push(...validateLabels(spec.nodeSelector, child(path, 'nodeSelector')));
  if (spec.securityContext)
    errors.push(...validatePodSecurityContext(spec.securityContext, spec, child(path, 'securityContext')));
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(
      invalid(child(path, 'shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  if (spec.affinity) errors.push(...validateAffinity(spec.affinity, child(path, 'affinity')));
  errors.push(...dnsConfigErrors(spec.dnsConfig, spec.dnsPolicy, child(path, 'dnsConfig')));
  if (spec.topologySpreadConstraints)
    errors.push(...validateSpread(spec.topologySpreadConstraints, child(path, 'topologySpreadConstraints')));
  errors.push(...hostProcessErrors(spec, path));
  errors.push(...userNamespaceErrors(spec, path));
  errors.push(...hostnameOverrideErrors(spec, path));
  identityErrors(spec, path, errors);
  if (spec.tolerations) errors.push(...validateTolerations(spec.tolerations, child(path, 'tolerations')));
  const preemption = spec.preemptionPolicy;
  if (preemption !== undefined && preemption !== 'PreemptLowerPriority' && preemption !== 'Never')
    errors.push(notSupported(child(path, 'preemptionPolicy'), preemption, ['PreemptLowerPriority', 'Never']));
  if (spec.overhead) errors.push(...validateResources({ limits: spec.overhead }, child(path, 'overhead')));
  errors.push(...validateOs(spec, path));
  errors.push(...variableFileErrors(spec, path));
  return errors;
}

export interface TemplateOptions {
  /** Those the workload can live with. */
  readonly restartPolicies?: readonly string[];
  /** Where a workload may not end its pods: `ReplicaSet`, as upstream names it in its words. */
  readonly endless?: string;
  /** Volumes the workload adds: those of a StatefulSet's claims. */
  readonly volumes?: readonly Volume[];
}

export function validatePodTemplate(
  template: PodTemplateSpec | undefined,
  path: string,
  { restartPolicies, endless, volumes }: TemplateOptions = {},
): FieldError[] {
  const here = child(path, 'spec');
  const { metadata = {} } = template ?? {};
  let spec: PodSpec = template?.spec ?? { containers: [] };
  if (volumes?.length) {
    const added = new Set(volumes.map(v => v.name));
    spec = { ...spec, volumes: [...(spec.volumes ?? []).filter(v => !added.has(v.name)), ...volumes] };
  }
  const errors = [
    ...validateLabels(metadata.labels, child(path, 'labels')),
    ...validateAnnotations(metadata.annotations, child(path, 'annotations')),
    ...podAnnotationErrors(metadata.annotations, spec, child(path, 'annotations')),
    ...validatePodSpec(spec, here),
    ...profileMatchErrors(metadata.annotations, spec, here),
  ];
  if (spec.ephemeralContainers?.length)
    errors.push(forbidden(child(here, 'ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
  const policy = spec.restartPolicy ?? '';
  if (restartPolicies && !restartPolicies.includes(policy))
    errors.push(notSupported(child(here, 'restartPolicy'), policy, restartPolicies));
  if (endless !== undefined && spec.activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden(child(here, 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${endless} is not Supported`),
    );
  return errors;
}

/** What must be true of a pod at any time (upstream: `validatePodMetadataAndSpec`). */
export function validatePodAlways(pod: Pod): FieldError[] {
  const spec: PodSpec = pod.spec ?? { containers: [] };
  const { annotations, name = '' } = pod.metadata;
  const errors = annotations ? podAnnotationErrors(annotations, spec, 'metadata.annotations') : [];
  const wrong = validatePodSpec(spec, 'spec', { name, isPod: true });
  if (wrong.length > 0) errors.push(...wrong);
  if (!spec.serviceAccountName)
    for (const [i, volume] of (spec.volumes ?? []).entries())
      for (const [j, source] of (volume.projected?.sources ?? []).entries())
        if (source.serviceAccountToken)
          errors.push(
            forbidden(
              `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
              'must not be specified when serviceAccountName is not set',
            ),
          );
  errors.push(...nonNegative('spec.terminationGracePeriodSeconds', spec.terminationGracePeriodSeconds));
  for (const field of ['containers', 'initContainers'] as const)
    for (const [i, container] of (spec[field] ?? []).entries())
      imageSpaceErrors(container, `spec.${field}[${i}]`, errors);
  return errors;
}

/** A new pod. */
export function validatePod(pod: Pod): FieldError[] {
  const errors = validatePodAlways(pod);
  const spec: PodSpec = pod.spec ?? { containers: [] };
  if (spec.ephemeralContainers?.length) errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  if (spec.nodeName && spec.schedulingGates?.length)
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  if (pod.metadata.annotations) errors.push(...profileMatchErrors(pod.metadata.annotations, spec, 'spec'));
  return errors;
}
