/**
 * PodSecurity: pods keep to the standard of their namespace, what makes pods is warned of those that will not
 * (https://kubernetes.io/docs/concepts/security/pod-security-admission/, KEP-2579).
 *
 * Always true: a namespace that asks for nothing costs one look at its (parsed) labels; the checks are not even loaded.
 */
import type { Namespace, Pod, PodTemplateSpec } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { internalError, invalid, type StatusError } from '../../../api/status.ts';
import { MetricRegistry } from '../../../lib/metrics.ts';
import type { Store } from '../../../store/store.ts';
import type { Mirrors } from '../../mirrors.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, refused } from '../admission.ts';
import { PodSecurityMetrics } from './metrics.ts';
import { allPrivileged, describe, type ParsedPolicy, type Policy, parsePolicy, sameStandard } from './policy.ts';
import { isSignificantUpdate } from './significant.ts';
import type { PodLike } from './words.ts';

export interface PodSecurityOptions {
  /** For namespaces without labels. Default: everything is privileged. */
  readonly defaults?: Policy;
  /** Who and what is not looked at. */
  readonly exemptions?: {
    readonly usernames?: readonly string[];
    readonly namespaces?: readonly string[];
    readonly runtimeClasses?: readonly string[];
  };
}

const AUDIT = 'pod-security.kubernetes.io/';

/** Where a resource holds the pods it makes. */
const templateOf: Readonly<Record<string, (object: KubeObject) => PodTemplateSpec | undefined>> = {
  podtemplates: object => object.template as PodTemplateSpec | undefined,
  replicationcontrollers: ofSpec,
  'replicasets.apps': ofSpec,
  'deployments.apps': ofSpec,
  'statefulsets.apps': ofSpec,
  'daemonsets.apps': ofSpec,
  'jobs.batch': ofSpec,
  'cronjobs.batch': ({ spec }) =>
    (spec as { jobTemplate?: { spec?: { template?: PodTemplateSpec } } } | undefined)?.jobTemplate?.spec?.template,
};

function ofSpec({ spec }: KubeObject): PodTemplateSpec | undefined {
  return (spec as { readonly template?: PodTemplateSpec } | undefined)?.template;
}

const podSubresources = new Set(['', 'ephemeralcontainers', 'resize']);

export function podSecurity(
  { namespaces }: Mirrors,
  store: Store,
  { defaults = allPrivileged, exemptions = {} }: PodSecurityOptions = {},
  metrics: PodSecurityMetrics = new PodSecurityMetrics(new MetricRegistry()),
): AdmissionPlugin {
  const parsed = new WeakMap<object, ParsedPolicy>();
  const policyOf = (namespace: Namespace): ParsedPolicy => {
    let policy = parsed.get(namespace);
    if (!policy) {
      policy = parsePolicy(namespace.metadata.labels, defaults);
      parsed.set(namespace, policy);
    }
    return policy;
  };

  const validateNamespace = (attributes: AdmissionAttributes): void | Promise<void> => {
    const { operation, object, old, name, warnings } = attributes;
    const next = parsePolicy((object as unknown as Namespace).metadata.labels, defaults);
    const kind = { group: '', kind: 'Namespace' };
    if (operation === 'CREATE') {
      if (next.errors.length > 0) throw invalid(kind, name, next.errors);
      return;
    }
    const previous = parsePolicy((old as unknown as Namespace).metadata.labels, defaults);
    if (next.errors.length > 0 && JSON.stringify(next.errors) !== JSON.stringify(previous.errors))
      throw invalid(kind, name, next.errors);
    const { enforce } = next.policy;
    if (sameStandard(enforce, previous.policy.enforce) || enforce.level === 'privileged') return;
    return import('./namespaceChange.ts').then(async ({ isRelaxed, warningsFor }) => {
      if (isRelaxed(enforce, previous.policy.enforce) || exemptions.namespaces?.includes(name)) return;
      warnings.push(...(await warningsFor(store, name, enforce, exemptions.runtimeClasses ?? [])));
    });
  };

  const validatePods = (attributes: AdmissionAttributes): void | Promise<void> => {
    const { namespace, user, resource, operation, object, old, annotate } = attributes;
    const isPod = resource.resource === 'pods';
    const exempt = (by: string): void => {
      metrics.exempt(attributes);
      annotate?.(`${AUDIT}exempt`, by);
    };
    if (exemptions.namespaces?.includes(namespace)) return exempt('namespace');
    if (exemptions.usernames?.includes(user.name)) return exempt('user');
    const found = namespaces.get(`/registry/core/namespaces/${namespace}`);
    if (!found) {
      metrics.failed(true, attributes);
      if (isPod) throw internalError(`failed to lookup namespace ${namespace}`);
      return annotate?.(`${AUDIT}error`, `failed to lookup namespace ${namespace}`);
    }
    const { policy, errors } = policyOf(found);
    const { enforce, audit, warn } = policy;
    const open = audit.level === 'privileged' && warn.level === 'privileged';
    if (open && errors.length === 0 && (!isPod || enforce.level === 'privileged')) {
      if (!isPod) return;
      metrics.evaluated(true, enforce, 'enforce', attributes);
      annotate?.(`${AUDIT}enforce-policy`, describe(enforce));
      return;
    }
    if (isPod && operation === 'UPDATE' && !isSignificantUpdate(object as unknown as Pod, old as unknown as Pod))
      return;
    const pod = (isPod ? object : object && templateOf[groupResourceOf(resource)]?.(object)) as PodLike | undefined;
    if (!pod?.spec) return;
    if (exemptions.runtimeClasses?.includes(pod.spec.runtimeClassName ?? '')) return exempt('runtimeClass');
    if (errors.length > 0) {
      metrics.failed(false, attributes);
      const faults = errors.map(({ field, message }) => `${field}: ${message}`).join(', ');
      annotate?.(`${AUDIT}error`, `Failed to parse policy: ${errors.length === 1 ? faults : `[${faults}]`}`);
    }
    return judge(attributes, policy, pod, isPod, metrics);
  };

  return {
    name: 'PodSecurity',
    handles(operation, resource, subresource) {
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false;
      const which = groupResourceOf(resource);
      if (which === 'pods') return podSubresources.has(subresource);
      return subresource === '' && (which === 'namespaces' || templateOf[which] !== undefined);
    },
    validate(attributes) {
      if (attributes.resource.resource === 'namespaces') return validateNamespace(attributes);
      if (namespaces.ready) return validatePods(attributes);
      return namespaces.start().then(() => validatePods(attributes));
    },
  };
}

async function judge(
  attributes: AdmissionAttributes,
  { enforce, audit, warn }: Policy,
  pod: PodLike,
  enforced: boolean,
  metrics: PodSecurityMetrics,
): Promise<void> {
  const { violationsOf, describeViolations } = await import('./checks.ts');
  const { annotate, warnings } = attributes;
  let refusal: StatusError | undefined;
  if (enforced) {
    annotate?.(`${AUDIT}enforce-policy`, describe(enforce));
    const violations = violationsOf(pod, enforce);
    metrics.evaluated(violations.length === 0, enforce, 'enforce', attributes);
    if (violations.length > 0) {
      const what = `violates PodSecurity "${describe(enforce)}": ${describeViolations(violations)}`;
      refusal = refused(attributes, what);
    }
  }
  const audited = violationsOf(pod, audit);
  if (audited.length > 0) {
    metrics.evaluated(false, audit, 'audit', attributes);
    const what = `would violate PodSecurity "${describe(audit)}": ${describeViolations(audited)}`;
    annotate?.(`${AUDIT}audit-violations`, what);
  }
  if (refusal) throw refusal;
  const violations = violationsOf(pod, warn);
  if (violations.length === 0) return;
  metrics.evaluated(false, warn, 'warn', attributes);
  warnings.push(`would violate PodSecurity "${describe(warn)}": ${describeViolations(violations)}`);
}
