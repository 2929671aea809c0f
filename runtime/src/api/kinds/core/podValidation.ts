/** Validation of pods and pod templates (upstream: `ValidatePodSpec`, `ValidatePodTemplateSpec`). */
import { isIP } from 'node:net';
import type { Container, Pod, PodSpec, PodTemplateSpec } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from '../../names.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateAnnotations, validateLabels } from '../objectMeta.ts';
import { validateContainer, validateInitContainer } from './containerValidation.ts';
import { validateAffinity, validateSpread, validateTolerations } from './placementValidation.ts';
import { validatePodResources } from './resourceValidation.ts';
import { validateVolumes } from './volumeValidation.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

function containersErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Set((spec.volumes ?? []).map(v => v.name));
  const names = new Set<string>();
  const each = (field: 'containers' | 'initContainers', container: Container, i: number): void => {
    const here = at(child(path, field), i);
    errors.push(...validateContainer(container, volumes, here));
    if (field === 'initContainers') errors.push(...validateInitContainer(container, here));
    if (container.name && names.has(container.name)) errors.push(duplicate(child(here, 'name'), container.name));
    names.add(container.name);
    if (!spec.hostNetwork) return;
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (port.hostPort !== port.containerPort)
        errors.push(
          invalid(
            child(at(child(here, 'ports'), j), 'containerPort'),
            port.containerPort,
            'must match `hostPort` when `hostNetwork` is true',
          ),
        );
    }
  };
  if (!spec.containers?.length) errors.push(required(child(path, 'containers')));
  for (const [i, c] of (spec.containers ?? []).entries()) each('containers', c, i);
  for (const [i, c] of (spec.initContainers ?? []).entries()) each('initContainers', c, i);
  return errors;
}

function dnsErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.dnsPolicy) errors.push(required(child(path, 'dnsPolicy')));
  else if (!DNS_POLICIES.includes(spec.dnsPolicy))
    errors.push(notSupported(child(path, 'dnsPolicy'), spec.dnsPolicy, DNS_POLICIES));
  const here = child(path, 'dnsConfig');
  const servers = spec.dnsConfig?.nameservers ?? [];
  if (spec.dnsPolicy === 'None') {
    if (!spec.dnsConfig) errors.push(required(here, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (servers.length === 0)
      errors.push(
        required(child(here, 'nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
      );
  }
  for (const [i, server] of servers.entries())
    if (isIP(server) === 0)
      errors.push(
        invalid(
          at(child(here, 'nameservers'), i),
          server,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
  return errors;
}

function identityErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const named = (
    field:
      | 'serviceAccountName'
      | 'nodeName'
      | 'hostname'
      | 'subdomain'
      | 'priorityClassName'
      | 'runtimeClassName'
      | 'schedulerName',
    rule: (name: string) => string[],
  ): void => {
    const value = spec[field];
    if (value) errors.push(...invalidEach(child(path, field), value, rule(value)));
  };
  named('serviceAccountName', dns1123SubdomainErrors);
  named('nodeName', dns1123SubdomainErrors);
  named('hostname', dns1123LabelErrors);
  named('subdomain', dns1123LabelErrors);
  named('priorityClassName', dns1123SubdomainErrors);
  named('runtimeClassName', dns1123SubdomainErrors);
  named('schedulerName', dns1123SubdomainErrors);
  for (const [i, gate] of (spec.readinessGates ?? []).entries())
    errors.push(
      ...invalidEach(
        child(at(child(path, 'readinessGates'), i), 'conditionType'),
        gate.conditionType,
        qualifiedNameErrors(gate.conditionType),
      ),
    );
  for (const [i, alias] of (spec.hostAliases ?? []).entries()) {
    const here = at(child(path, 'hostAliases'), i);
    if (isIP(alias.ip ?? '') === 0)
      errors.push(
        invalid(child(here, 'ip'), alias.ip ?? '', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
      );
    for (const [j, name] of (alias.hostnames ?? []).entries())
      errors.push(...invalidEach(at(child(here, 'hostnames'), j), name, dns1123SubdomainErrors(name)));
  }
  return errors;
}

/** `path` is `spec` or `spec.template.spec`. */
export function validatePodSpec(spec: PodSpec | undefined, path: string): FieldError[] {
  if (!spec) return [required(child(path, 'containers'))];
  const errors: FieldError[] = [
    ...validateVolumes(spec.volumes, child(path, 'volumes')),
    ...containersErrors(spec, path),
    ...validatePodResources(spec.resources, child(path, 'resources')),
  ];
  if (!spec.restartPolicy) errors.push(required(child(path, 'restartPolicy')));
  else if (!RESTART_POLICIES.includes(spec.restartPolicy))
    errors.push(notSupported(child(path, 'restartPolicy'), spec.restartPolicy, RESTART_POLICIES));
  errors.push(...dnsErrors(spec, path));
  errors.push(...validateLabels(spec.nodeSelector, child(path, 'nodeSelector')));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > 2147483647))
    errors.push(invalid(child(path, 'activeDeadlineSeconds'), deadline, 'must be between 1 and 2147483647, inclusive'));
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(
      invalid(child(path, 'shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  errors.push(...identityErrors(spec, path));
  errors.push(...validateAffinity(spec.affinity, child(path, 'affinity')));
  errors.push(...validateTolerations(spec.tolerations, child(path, 'tolerations')));
  errors.push(...validateSpread(spec.topologySpreadConstraints, child(path, 'topologySpreadConstraints')));
  return errors;
}

/** The template of a workload; `restartPolicies` are those the workload can live with. */
export function validatePodTemplate(
  template: PodTemplateSpec | undefined,
  path: string,
  restartPolicies: readonly string[] = ['Always'],
): FieldError[] {
  const spec = child(path, 'spec');
  const errors = [
    ...validateLabels(template?.metadata?.labels, child(path, 'labels')),
    ...validateAnnotations(template?.metadata?.annotations, child(path, 'annotations')),
    ...validatePodSpec(template?.spec, spec),
  ];
  if (template?.spec?.ephemeralContainers?.length)
    errors.push(forbidden(child(spec, 'ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
  const policy = template?.spec?.restartPolicy ?? '';
  if (RESTART_POLICIES.includes(policy) && !restartPolicies.includes(policy))
    errors.push(notSupported(child(spec, 'restartPolicy'), policy, restartPolicies));
  return errors;
}

export function validatePod(pod: Pod): FieldError[] {
  return validatePodSpec(pod.spec, 'spec');
}
