/**
 * What Atoll's controllers do beyond upstream's roles for the same service accounts: they patch where upstream's update, since their
 * caches hold only what they read, and the token cleaner looks at few Secrets instead of keeping all. Roles of their own,
 * `atoll:controller:<account>`, so that `system:controller:*` are upstream's to the letter.
 */
import { EVENTS } from './rule.ts';

export const ownControllerRules: Readonly<Record<string, readonly string[]>> = {
  'deployment-controller': ['patch apps deployments,deployments/status'],
  'disruption-controller': ['patch policy poddisruptionbudgets/status'],
  'legacy-service-account-token-cleaner': ['get core serviceaccounts', 'list core pods,secrets'],
  'namespace-controller': ['patch core namespaces/status'],
  'pv-protection-controller': ['patch core persistentvolumes'],
  'pvc-protection-controller': ['patch core persistentvolumeclaims'],
  'replicaset-controller': ['patch apps replicasets/status'],
  'resourcequota-controller': ['patch core resourcequotas/status'],
  // Upstream has none: Plans are Rancher's, who give theirs cluster-admin.
  'upgrade-plan-controller': [
    'create apiextensions.k8s.io customresourcedefinitions',
    'read upgrade.cattle.io plans',
    'update upgrade.cattle.io plans/status',
    'get,list,watch,patch core nodes',
    'create,get core nodes/proxy',
    'delete,list core pods',
    'create core pods/eviction',
    EVENTS,
  ],
  'volumeattributesclass-protection-controller': ['patch storage.k8s.io volumeattributesclasses'],
};

/** What has no account of its own (`service-account-tokens`) is upstream's user, and patches too. */
export const ownManagerRole = 'atoll:kube-controller-manager';
export const ownManagerRules: readonly string[] = ['patch core secrets'];

/**
 * What applies the folders of manifests, which only root writes to. A manifest may be anything, roles and definitions too, so no less
 * than `cluster-admin` would do; but by a binding, which can be seen and changed, and not by `system:masters`, which nothing restricts.
 */
export const manifestsBinding = 'atoll:manifests';
export const manifestsRole = 'cluster-admin';
export const manifestsUser = 'system:atoll-manifests';
