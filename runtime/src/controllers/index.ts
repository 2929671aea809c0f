/** All controllers, over shared informers. None knows another. */
import { setMaxListeners } from 'node:events';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/events.ts';
import { Informers } from '../client/informers.ts';
import { WorkQueueMetrics } from '../client/metrics.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { MetricRegistry } from '../lib/metrics.ts';
import { turn } from '../lib/turns.ts';
import { certificateApprover } from './certificates/approver.ts';
import { certificateCleaner } from './certificates/cleaner.ts';
import { type Authorities, certificateSigner } from './certificates/signer.ts';
import { clusterRoleAggregation } from './clusterRoleAggregation.ts';
import type { Controller } from './context.ts';
import { customResourceCleanup } from './customResources/cleanup.ts';
import { customResourceNaming } from './customResources/naming.ts';
import { deployments } from './deployment/index.ts';
import { disruption } from './disruption/index.ts';
import { staleDisruptions } from './disruption/stalePods.ts';
import { flowSchemas } from './flowSchemas.ts';
import { garbageCollector } from './garbage/index.ts';
import { type Identity, identityOf, recorderOf } from './identities.ts';
import { legacyTokenCleaner } from './legacyTokenCleaner.ts';
import { legacyTokenTracking } from './legacyTokenTracking.ts';
import { localApiServices } from './localApiServices.ts';
import { namespaces } from './namespaces/index.ts';
import { nodeIpam } from './nodeIpam.ts';
import { nodeLifecycle, nodeLifecycleAfter } from './nodeLifecycle/index.ts';
import { plans } from './plans/index.ts';
import { podGarbage } from './podGarbage.ts';
import { replicaSets } from './replicaSet/index.ts';
import { resourceQuotas } from './resourceQuota/index.ts';
import { rootCaConfigMaps } from './rootCaConfigMaps.ts';
import { serviceAccounts } from './serviceAccounts.ts';
import { type SecretToken, serviceAccountTokens } from './serviceAccountTokens.ts';
import { serviceAddresses } from './serviceAddresses.ts';
import { attributesClassProtection } from './storageProtection/attributesClasses.ts';
import { claimProtection } from './storageProtection/claims.ts';
import { volumeProtection } from './storageProtection/volumes.ts';
import { taintEviction } from './taintEviction.ts';

export interface ControllerOptions {
  /** The authority pods trust for the API server: `kube-root-ca.crt`. */
  readonly rootCaPem: string;
  /** Issues tokens for Secrets of the type `kubernetes.io/service-account-token`; unset: they stay empty. */
  readonly issueSecretToken?: ((of: SecretToken) => string) | undefined;
  /** Sign what the cluster's own signers are asked for; unset: approved certificate requests wait. */
  readonly authorities?: Authorities | undefined;
  /** Default `10.42.0.0/16`. */
  readonly podCidr?: string | undefined;
  /** Pods that have ended and are kept for their logs; the oldest beyond go. Default 500, upstream's 12,500 is no device's. */
  readonly terminatedPodThreshold?: number | undefined;
  /** How long a node may be silent before it is not Ready. Default 40 s. */
  readonly nodeMonitorGraceMs?: number | undefined;
  /** How long a Secret with a token for an account may be unused. Default: a year. */
  readonly legacyTokenCleanUpMs?: number | undefined;
}

export interface StartControllersOptions {
  /** For the caches, if they are not given; and for all controllers, if {@link clientOf} is not. */
  readonly client: Client;
  /** A controller's own, with the identity of `identities.ts`. */
  readonly clientOf?: ((identity: Identity) => Client) | undefined;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  readonly options: ControllerOptions;
  /** Shared with the scheduler; whoever made them starts them. Default: their own, started here. */
  readonly informers?: Informers | undefined;
  /** Where their work queues, and what they count, are told. */
  readonly metrics?: MetricRegistry | undefined;
}

export function controllersOf(options: ControllerOptions): Readonly<Record<string, Controller>> {
  const { rootCaPem, issueSecretToken: issue } = options;
  return {
    'node-ipam': nodeIpam(options.podCidr ?? '10.42.0.0/16'),
    'service-account': serviceAccounts,
    ...(issue ? { 'service-account-tokens': serviceAccountTokens({ rootCaPem, issue }) } : {}),
    'legacy-service-account-token-tracking': legacyTokenTracking,
    'legacy-service-account-token-cleaner': legacyTokenCleaner(options.legacyTokenCleanUpMs),
    'cluster-role-aggregation': clusterRoleAggregation,
    'root-ca': rootCaConfigMaps(options.rootCaPem),
    'node-lifecycle': options.nodeMonitorGraceMs ? nodeLifecycleAfter(options.nodeMonitorGraceMs) : nodeLifecycle,
    'taint-eviction': taintEviction,
    'pod-garbage': podGarbage(options.terminatedPodThreshold ?? 500),
    namespace: namespaces,
    'custom-resource-naming': customResourceNaming,
    'custom-resource-cleanup': customResourceCleanup,
    'garbage-collector': garbageCollector,
    replicaset: replicaSets,
    deployment: deployments,
    resourcequota: resourceQuotas,
    disruption,
    'stale-disruption': staleDisruptions,
    'pvc-protection': claimProtection,
    'pv-protection': volumeProtection,
    'vac-protection': attributesClassProtection,
    'certificate-approver': certificateApprover,
    'certificate-cleaner': certificateCleaner,
    'flow-schemas': flowSchemas,
    'local-api-services': localApiServices,
    'service-addresses': serviceAddresses,
    'upgrade-plans': plans,
    ...(options.authorities ? { 'certificate-signer': certificateSigner(options.authorities) } : {}),
  };
}

/**
 * Runs all controllers until `signal` aborts; resolves when they have ended.
 * @throws Error naming the controller that ended before, after the others have been told to stop: a control plane with a part
 * missing looks healthy and is not, so whoever runs it ends and starts anew.
 */
export async function startControllers(start: StartControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, logger, clock = systemClock, options, metrics } = start;
  const queues = metrics && new WorkQueueMetrics(metrics);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  // Every request under way listens to this one signal: many listeners are no leak here.
  setMaxListeners(0, signal, stop);
  const informers = start.informers ?? new Informers({ client, logger, clock });
  const recorders: EventRecorder[] = [];
  let failure: Error | undefined;
  const running = Object.entries(controllersOf(options)).map(async ([name, controller]) => {
    const log = logger.child({ controller: name });
    const own = start.clientOf?.(identityOf(name)) ?? client;
    const events = new EventRecorder({ client: own, logger: log, clock, component: recorderOf(name) });
    recorders.push(events);
    let cause: unknown;
    // Together their first lists would hold up the nodes that were waiting for this server, for seconds on a small board.
    await turn();
    if (stop.aborted) return;
    try {
      const measured = queues && { name, metrics: queues };
      await controller({ client: own, informers, events, logger: log, clock, measured, metrics }, stop);
    } catch (error) {
      cause = error;
    }
    if (stop.aborted) return;
    const why = cause === undefined ? 'it ended by itself' : cause instanceof Error ? cause.message : String(cause);
    failure = new Error(`the controller ${name} has stopped: ${why}`, { cause });
    failed.abort();
  });
  if (!start.informers) informers.start(stop);
  await Promise.all(running);
  await Promise.all(recorders.map(recorder => recorder.close()));
  if (failure) throw failure;
}
