/**
 * The flow-control objects every cluster has, as apiserver's `flowcontrol/bootstrap` defines them: the mandatory ones, whose specs may not
 * change, and the suggested ones, which people may.
 */
import type {
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '../../generated/types/flowcontrol.v1.ts';

const ALL = ['*'];

const groups = (...names: readonly string[]): Subject[] => names.map(name => ({ kind: 'Group', group: { name } }));
const users = (...names: readonly string[]): Subject[] => names.map(name => ({ kind: 'User', user: { name } }));
const systemAccounts: Subject[] = [{ kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } }];
const everybody = groups('system:unauthenticated', 'system:authenticated');

const everyResource: ResourcePolicyRule = {
  verbs: ALL,
  apiGroups: ALL,
  resources: ALL,
  clusterScope: true,
  namespaces: ALL,
};
const everyPath: NonResourcePolicyRule = { verbs: ALL, nonResourceURLs: ALL };
const leases = (verbs: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ALL,
});

function schema(
  level: string,
  matchingPrecedence: number,
  by: '' | 'ByUser' | 'ByNamespace',
  subjects: Subject[],
  resourceRules: ResourcePolicyRule[] = [everyResource],
  nonResourceRules: NonResourcePolicyRule[] = [everyPath],
): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(by === '' ? {} : { distinguisherMethod: { type: by } }),
    rules: [
      {
        subjects,
        ...(resourceRules.length > 0 ? { resourceRules } : {}),
        ...(nonResourceRules.length > 0 ? { nonResourceRules } : {}),
      },
    ],
  };
}

function queued(
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): PriorityLevelConfigurationSpec {
  return {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
      lendablePercent,
    },
  };
}

export const mandatoryFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: schema('exempt', 1, '', groups('system:masters')),
  'catch-all': schema('catch-all', 10_000, 'ByUser', everybody),
};

export const mandatoryPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  'catch-all': {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 },
  },
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
};

export const suggestedPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: queued(30, 33, 64, 6),
  'node-high': queued(40, 25, 64, 6),
  'leader-election': queued(10, 0, 16, 4),
  'workload-high': queued(40, 50, 128, 6),
  'workload-low': queued(100, 90, 128, 6),
  'global-default': queued(20, 50, 128, 6),
};

export const suggestedFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  'system-nodes': schema('system', 500, 'ByUser', groups('system:nodes')),
  'system-node-high': schema(
    'node-high',
    400,
    'ByUser',
    groups('system:nodes'),
    [{ ...everyResource, apiGroups: [''], resources: ['nodes', 'nodes/status'] }, leases(ALL)],
    [],
  ),
  probes: schema(
    'exempt',
    2,
    '',
    everybody,
    [],
    [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  ),
  'system-leader-election': schema(
    'leader-election',
    100,
    'ByUser',
    [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts],
    [leases(['get', 'create', 'update'])],
    [],
  ),
  'kube-controller-manager': schema('workload-high', 800, 'ByNamespace', users('system:kube-controller-manager')),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', users('system:kube-scheduler')),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', systemAccounts),
  'service-accounts': schema('workload-low', 9000, 'ByUser', groups('system:serviceaccounts')),
  'global-default': schema('global-default', 9900, 'ByUser', everybody),
};
