/**
 * As whom each controller speaks to the API: upstream's service accounts in `kube-system`, whose bootstrap roles
 * (`system:controller:<account>`, and `atoll:controller:<account>` for what ours do otherwise) say what it may do. So a fault in one
 * can do no more than that, and the audit log names it.
 *
 * In process: the accounts need not exist, only their names are bound.
 */
import type { User } from '../lib/exchange.ts';

/** Runs within upstream's API server, as itself. */
const SERVER = 'system:apiserver';
/** Upstream's controller manager, where a controller has no account of its own. */
const MANAGER = 'system:kube-controller-manager';

/** By the names in `controllersOf`. */
const accounts: Readonly<Record<string, string>> = {
  'node-ipam': 'node-controller',
  'service-account': 'service-account-controller',
  'service-account-tokens': MANAGER,
  'legacy-service-account-token-tracking': SERVER,
  'legacy-service-account-token-cleaner': 'legacy-service-account-token-cleaner',
  'cluster-role-aggregation': 'clusterrole-aggregation-controller',
  'root-ca': 'root-ca-cert-publisher',
  'node-lifecycle': 'node-controller',
  'taint-eviction': 'node-controller',
  'pod-garbage': 'pod-garbage-collector',
  namespace: 'namespace-controller',
  'custom-resource-naming': SERVER,
  'custom-resource-cleanup': SERVER,
  'garbage-collector': 'generic-garbage-collector',
  replicaset: 'replicaset-controller',
  deployment: 'deployment-controller',
  resourcequota: 'resourcequota-controller',
  disruption: 'disruption-controller',
  'stale-disruption': 'disruption-controller',
  'pvc-protection': 'pvc-protection-controller',
  'pv-protection': 'pv-protection-controller',
  'vac-protection': 'volumeattributesclass-protection-controller',
  'certificate-approver': 'certificate-controller',
  'certificate-cleaner': 'certificate-controller',
  'certificate-signer': 'certificate-controller',
  'flow-schemas': SERVER,
  'local-api-services': SERVER,
  'service-addresses': SERVER,
  'upgrade-plans': 'upgrade-plan-controller',
};

/** Whom events come from, where upstream does not call it `<controller>-controller`. */
const recorders: Readonly<Record<string, string>> = {
  'node-ipam': 'cidrAllocator',
  'node-lifecycle': 'node-controller',
  disruption: 'controllermanager',
};

export const recorderOf = (controller: string): string => recorders[controller] ?? `${controller}-controller`;

export const controllerNames: readonly string[] = Object.keys(accounts);

export interface Identity {
  readonly user: User;
  /** The first word of its User-Agent: whose writes they are in `managedFields`, as upstream names them. */
  readonly component: 'kube-controller-manager' | 'kube-apiserver';
}

/** Applies the folders of manifests; bound to `cluster-admin` by `atoll:manifests`. */
export const manifestsUser: User = { name: 'system:atoll-manifests', groups: ['system:authenticated'] };

/** For what all share: the caches. May list and watch everything. */
export const managerIdentity: Identity = {
  user: { name: MANAGER, groups: ['system:authenticated'] },
  component: 'kube-controller-manager',
};

/** Who a controller is, by its name in `controllersOf`; one that is not named here is no more than {@link managerIdentity}. */
export function identityOf(controller: string): Identity {
  const account = accounts[controller];
  if (account === undefined || account === MANAGER) return managerIdentity;
  if (account === SERVER)
    return { user: { name: SERVER, groups: ['system:masters', 'system:authenticated'] }, component: 'kube-apiserver' };
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'];
  return {
    user: { name: `system:serviceaccount:kube-system:${account}`, groups },
    component: 'kube-controller-manager',
  };
}
