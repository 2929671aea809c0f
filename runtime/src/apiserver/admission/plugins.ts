/** The built-in plugins in upstream's order (`pkg/kubeapiserver/options/plugins.go` of 1.36), and which of them are on. */
import type { Clock } from '../../lib/clock.ts';
import type { MetricRegistry } from '../../lib/metrics.ts';
import type { Store } from '../../store/store.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { Bindings } from '../authorization/bindings.ts';
import { escalation } from '../authorization/escalation.ts';
import type { Mirrors } from '../mirrors.ts';
import { type Admission, type AdmissionPlugin, admissionChain } from './admission.ts';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
} from './certificates.ts';
import { defaultIngressClass, defaultStorageClass } from './defaultClasses.ts';
import { type DefaultTolerationOptions, defaultTolerations } from './defaultTolerations.ts';
import { type EventLimit, eventRateLimit } from './eventRateLimit.ts';
import { limitRanger } from './limitRanger.ts';
import { namespaceLifecycle } from './namespaceLifecycle.ts';
import { nodeRestriction } from './nodeRestriction.ts';
import { taintNodesByCondition } from './nodes.ts';
import {
  alwaysPullImages,
  denyServiceExternalIps,
  extendedResourceToleration,
  ownerReferencesPermissionEnforcement,
} from './optional.ts';
import { offByDefault, pluginNames } from './pluginNames.ts';
import { PodSecurityMetrics } from './podSecurity/metrics.ts';
import { type PodSecurityOptions, podSecurity } from './podSecurity/podSecurity.ts';
import { podTopologyLabels } from './podTopologyLabels.ts';
import { priority } from './priority.ts';
import type { LimitedResource } from './quota/limited.ts';
import { resourceQuota } from './quota/resourceQuota.ts';
import { runtimeClass } from './runtimeClass.ts';
import { serviceAccount } from './serviceAccount.ts';
import { persistentVolumeClaimResize, storageObjectInUseProtection } from './storage.ts';

export interface AdmissionOptions {
  /** Plugins that are off by default: `AlwaysPullImages`. */
  readonly enable?: readonly string[];
  /** Plugins that are on by default. */
  readonly disable?: readonly string[];
  readonly podSecurity?: PodSecurityOptions;
  readonly tolerations?: DefaultTolerationOptions;
  /** Of EventRateLimit, which does nothing without any. */
  readonly eventLimits?: readonly EventLimit[];
  /** What nobody uses without a quota. */
  readonly limitedResources?: readonly LimitedResource[];
}

export interface AdmissionParts {
  readonly mirrors: Mirrors;
  readonly store: Store;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly bindings: Bindings;
  readonly metrics: MetricRegistry;
}

/** @throws Error for the name of a plugin that there is not. */
export function builtInAdmission(parts: AdmissionParts, options: AdmissionOptions = {}): Admission {
  const { mirrors, store, clock, authorizer, bindings, metrics } = parts;
  const plugins: readonly AdmissionPlugin[] = [
    namespaceLifecycle(mirrors, store),
    limitRanger(mirrors),
    serviceAccount(mirrors, clock),
    nodeRestriction({ store, authorizer }),
    taintNodesByCondition,
    alwaysPullImages,
    podSecurity(mirrors, store, options.podSecurity, new PodSecurityMetrics(metrics)),
    priority(mirrors),
    defaultTolerations(options.tolerations),
    extendedResourceToleration,
    defaultStorageClass(mirrors),
    storageObjectInUseProtection,
    ownerReferencesPermissionEnforcement(authorizer),
    eventRateLimit(options.eventLimits ?? [], () => performance.now()),
    persistentVolumeClaimResize(mirrors),
    runtimeClass(mirrors),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    clusterTrustBundleAttest(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass(mirrors),
    denyServiceExternalIps,
    podTopologyLabels(store),
    // No plugin upstream, where the registry of RBAC's kinds asks: nobody gives away more than he has.
    escalation(bindings, authorizer),
    // MutatingAdmissionPolicy, MutatingAdmissionWebhook: here, so that they see what the built-in ones have made of the object.
    // ValidatingAdmissionPolicy, ValidatingAdmissionWebhook: here, before the quota, which charges what it lets in.
    resourceQuota(mirrors, store, clock, options.limitedResources),
  ];
  return admissionChain(enabled(plugins, options), metrics);
}

function enabled(
  plugins: readonly AdmissionPlugin[],
  { enable = [], disable = [] }: AdmissionOptions,
): AdmissionPlugin[] {
  for (const name of [...enable, ...disable]) {
    if (plugins.some(plugin => plugin.name === name)) continue;
    throw new Error(
      `there is no admission plugin ${JSON.stringify(name)}; there are ${[...pluginNames].sort().join(', ')}`,
    );
  }
  return plugins.filter(({ name }) => (offByDefault.has(name) ? enable.includes(name) : !disable.includes(name)));
}
