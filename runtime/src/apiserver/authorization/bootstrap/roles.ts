/**
 * The ClusterRoles every cluster begins with, and who has them (Kubernetes 1.36, `bootstrappolicy`, feature gates at their
 * defaults). Controllers' own are in `controllers.ts`.
 */
import { EVENTS } from './rule.ts';

export interface RoleLines {
  /** Besides those that all have. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Its rules are those of all roles with the label `rbac.authorization.k8s.io/aggregate-to-<this>`. */
  readonly aggregates?: string;
  readonly rules: readonly string[];
}

export interface BindingLines {
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  /** `namespace/name` */
  readonly serviceAccounts?: readonly string[];
}

export const aggregateLabel = (to: string): string => `rbac.authorization.k8s.io/aggregate-to-${to}`;
const aggregatedTo = (to: string): Readonly<Record<string, string>> => ({ [aggregateLabel(to)]: 'true' });

const csr = 'certificatesigningrequests';
const approve = (signer: string): RoleLines => ({
  rules: [`approve certificates.k8s.io signers kubernetes.io/${signer}`],
});

const view: readonly string[] = [
  'read core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status',
  'read core bindings,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status',
  'read core namespaces',
  'read core,events.k8s.io events',
  'read discovery.k8s.io endpointslices',
  'read apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status',
  'read autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status',
  'read batch cronjobs,cronjobs/status,jobs,jobs/status',
  'read extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale',
  'read policy poddisruptionbudgets,poddisruptionbudgets/status',
  'read networking.k8s.io ingresses,ingresses/status,networkpolicies',
  'read resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates',
];

const edit: readonly string[] = [
  'read core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy',
  'impersonate core serviceaccounts',
  'write core pods,pods/attach,pods/exec,pods/portforward,pods/proxy',
  'create core pods/eviction',
  'write core configmaps,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy',
  'create core serviceaccounts/token',
  'write core,events.k8s.io events',
  'write apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale',
  'write autoscaling horizontalpodautoscalers',
  'write batch cronjobs,jobs',
  'write extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale',
  'write policy poddisruptionbudgets',
  'write networking.k8s.io ingresses,networkpolicies',
  'readwrite coordination.k8s.io leases',
  'write resource.k8s.io resourceclaims,resourceclaimtemplates',
];

/** Also what the node authorizer grants every node where it does not look closer. */
export const nodeRules: readonly string[] = [
  'create authentication.k8s.io tokenreviews',
  'create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews',
  'read core services',
  'create,read core nodes',
  'patch,update core nodes/status',
  'patch,update core nodes',
  EVENTS,
  'read core pods',
  'create,delete core pods',
  'patch,update core pods/status',
  'create core pods/eviction',
  'read core configmaps,secrets',
  'get core persistentvolumeclaims,persistentvolumes',
  'get core endpoints',
  `create,read certificates.k8s.io ${csr}`,
  'create,delete,get,patch,update coordination.k8s.io leases',
  'get storage.k8s.io volumeattachments',
  'create core serviceaccounts/token',
  'get,patch,update core persistentvolumeclaims/status',
  'read storage.k8s.io csidrivers',
  'create,delete,get,patch,update storage.k8s.io csinodes',
  'read node.k8s.io runtimeclasses',
  'get resource.k8s.io resourceclaims',
  'deletecollection resource.k8s.io resourceslices',
  'get core serviceaccounts',
];

const scheduler: readonly string[] = [
  EVENTS,
  'create coordination.k8s.io leases',
  'get,list,update,watch coordination.k8s.io leases kube-scheduler',
  'readwrite coordination.k8s.io leasecandidates',
  'read core nodes',
  'delete,read core pods',
  'create core bindings,pods/binding',
  'patch,update core pods/status',
  'read core replicationcontrollers,services',
  'read apps,extensions replicasets',
  'read apps statefulsets',
  'read policy poddisruptionbudgets',
  'read core persistentvolumeclaims,persistentvolumes',
  'create authentication.k8s.io tokenreviews',
  'create authorization.k8s.io subjectaccessreviews',
  'read storage.k8s.io csinodes',
  'read storage.k8s.io volumeattachments',
  'read core namespaces',
  'read storage.k8s.io csidrivers',
  'read storage.k8s.io csistoragecapacities',
  'read resource.k8s.io deviceclasses',
  'readupdate resource.k8s.io resourceclaims',
  'readupdate resource.k8s.io resourceclaims/status',
  'update core pods/finalizers',
  'read resource.k8s.io resourceslices',
  'create,delete resource.k8s.io resourceclaims',
  'patch,update resource.k8s.io resourceclaims/binding',
];

const controllerManager: readonly string[] = [
  EVENTS,
  'create coordination.k8s.io leases',
  'get,update coordination.k8s.io leases kube-controller-manager',
  'create core secrets,serviceaccounts',
  'delete core secrets',
  'get core configmaps,namespaces,secrets,serviceaccounts',
  'update core secrets,serviceaccounts',
  'create authentication.k8s.io tokenreviews',
  'create authorization.k8s.io subjectaccessreviews',
  'list,watch * *',
  'create core serviceaccounts/token',
];

export const clusterRoles: Readonly<Record<string, RoleLines>> = {
  'cluster-admin': { rules: ['* * *', '* *'] },
  admin: { aggregates: 'admin', rules: [] },
  edit: { labels: aggregatedTo('admin'), aggregates: 'edit', rules: [] },
  view: { labels: aggregatedTo('edit'), aggregates: 'view', rules: [] },
  'system:aggregate-to-admin': {
    labels: aggregatedTo('admin'),
    rules: [
      'create authorization.k8s.io localsubjectaccessreviews',
      'readwrite rbac.authorization.k8s.io rolebindings,roles',
    ],
  },
  'system:aggregate-to-edit': { labels: aggregatedTo('edit'), rules: edit },
  'system:aggregate-to-view': { labels: aggregatedTo('view'), rules: view },
  'system:discovery': {
    rules: ['get /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/'],
  },
  'system:monitoring': {
    rules: [
      'get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*',
      'get core nodes/metrics',
    ],
  },
  'system:basic-user': {
    rules: [
      'create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews',
      'create authentication.k8s.io selfsubjectreviews',
    ],
  },
  'system:public-info-viewer': { rules: ['get /healthz,/livez,/readyz,/version,/version/'] },
  'system:heapster': { rules: ['read core events,namespaces,nodes,pods', 'read extensions deployments'] },
  'system:node': { rules: nodeRules },
  'system:node-problem-detector': { rules: ['get core nodes', 'patch core nodes/status', EVENTS] },
  'system:node-bootstrapper': { rules: [`create,read certificates.k8s.io ${csr}`] },
  'system:auth-delegator': {
    rules: ['create authentication.k8s.io tokenreviews', 'create authorization.k8s.io subjectaccessreviews'],
  },
  'system:kube-aggregator': { rules: ['read core endpoints,services'] },
  'system:kube-controller-manager': { rules: controllerManager },
  'system:kube-dns': { rules: ['list,watch core endpoints,services'] },
  'system:persistent-volume-provisioner': {
    rules: [
      'create,delete,read core persistentvolumes',
      'read,update core persistentvolumeclaims',
      'read storage.k8s.io storageclasses',
      'watch core events',
      EVENTS,
    ],
  },
  [`system:certificates.k8s.io:${csr}:nodeclient`]: { rules: [`create certificates.k8s.io ${csr}/nodeclient`] },
  [`system:certificates.k8s.io:${csr}:selfnodeclient`]: { rules: [`create certificates.k8s.io ${csr}/selfnodeclient`] },
  'system:volume-scheduler': {
    rules: [
      'readupdate core persistentvolumes',
      'read storage.k8s.io storageclasses',
      'readupdate core persistentvolumeclaims',
    ],
  },
  'system:certificates.k8s.io:legacy-unknown-approver': approve('legacy-unknown'),
  'system:certificates.k8s.io:kubelet-serving-approver': approve('kubelet-serving'),
  'system:certificates.k8s.io:kube-apiserver-client-approver': approve('kube-apiserver-client'),
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': approve('kube-apiserver-client-kubelet'),
  'system:service-account-issuer-discovery': {
    rules: [
      'get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/',
    ],
  },
  'system:kubelet-api-admin': {
    rules: [
      'read core nodes',
      'proxy core nodes',
      '* core nodes/log,nodes/metrics,nodes/proxy,nodes/stats',
      '* core nodes/configz,nodes/healthz,nodes/pods',
    ],
  },
  'system:node-proxier': {
    rules: [
      'list,watch core endpoints,services',
      'read core nodes',
      EVENTS,
      'list,watch networking.k8s.io servicecidrs',
      'list,watch discovery.k8s.io endpointslices',
    ],
  },
  'system:kube-scheduler': { rules: scheduler },
};

/** By the name of the binding, which is that of its ClusterRole. */
export const clusterRoleBindings: Readonly<Record<string, BindingLines>> = {
  'cluster-admin': { groups: ['system:masters'] },
  'system:monitoring': { groups: ['system:monitoring'] },
  'system:discovery': { groups: ['system:authenticated'] },
  'system:basic-user': { groups: ['system:authenticated'] },
  'system:public-info-viewer': { groups: ['system:authenticated', 'system:unauthenticated'] },
  'system:node-proxier': { users: ['system:kube-proxy'] },
  'system:kube-controller-manager': { users: ['system:kube-controller-manager'] },
  'system:kube-dns': { serviceAccounts: ['kube-system/kube-dns'] },
  'system:kube-scheduler': { users: ['system:kube-scheduler'] },
  'system:volume-scheduler': { users: ['system:kube-scheduler'] },
  // Nodes have their own authorizer; the binding is there, for nobody.
  'system:node': {},
  'system:service-account-issuer-discovery': { groups: ['system:serviceaccounts'] },
};
