/**
 * The kinds our own components speak of, each a value that carries its TypeScript type:
 * `client.get(Pods, { namespace, name })` gives a `Pod`.
 */
import type { CustomResourceDefinition } from '../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { ObjectMeta } from '../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '../api/generated/types/apps.v1.ts';
import type { CronJob, Job } from '../api/generated/types/batch.v1.ts';
import type { CertificateSigningRequest } from '../api/generated/types/certificates.v1.ts';
import type { Lease } from '../api/generated/types/coordination.v1.ts';
import type {
  ConfigMap,
  Endpoints as EndpointsObject,
  Event,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '../api/generated/types/core.v1.ts';
import type { EndpointSlice } from '../api/generated/types/discovery.v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../api/generated/types/flowcontrol.v1.ts';
import type { APIService } from '../api/generated/types/kube-aggregator.pkg.apis.apiregistration.v1.ts';
import type { IPAddress } from '../api/generated/types/networking.v1.ts';
import type { PodDisruptionBudget } from '../api/generated/types/policy.v1.ts';
import type { ClusterRole } from '../api/generated/types/rbac.v1.ts';
import type { PriorityClass } from '../api/generated/types/scheduling.v1.ts';
import type { CSINode, StorageClass, VolumeAttributesClass } from '../api/generated/types/storage.v1.ts';

/** The least any object has. */
export interface ApiObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ObjectMeta;
}

declare const objectType: unique symbol;

export interface ResourceRef<T extends ApiObject = ApiObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, as in the path: `pods`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: only holds the type. */
  readonly [objectType]?: T;
}

/** Where an object is. Cluster-scoped objects have no namespace. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

const namespaced = <T extends ApiObject>(
  group: string,
  version: string,
  resource: string,
  kind: string,
): ResourceRef<T> => ({ group, version, resource, kind, namespaced: true });

const clusterScoped = <T extends ApiObject>(
  group: string,
  version: string,
  resource: string,
  kind: string,
): ResourceRef<T> => ({ group, version, resource, kind, namespaced: false });

export const Pods = namespaced<Pod>('', 'v1', 'pods', 'Pod');
export const ConfigMaps = namespaced<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const Secrets = namespaced<Secret>('', 'v1', 'secrets', 'Secret');
export const ServiceAccounts = namespaced<ServiceAccount>('', 'v1', 'serviceaccounts', 'ServiceAccount');
export const Services = namespaced<Service>('', 'v1', 'services', 'Service');
export const Endpoints = namespaced<EndpointsObject>('', 'v1', 'endpoints', 'Endpoints');
export const Events = namespaced<Event>('', 'v1', 'events', 'Event');
export const PersistentVolumeClaims = namespaced<PersistentVolumeClaim>(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
);
export const ReplicationControllers = namespaced<ReplicationController>(
  '',
  'v1',
  'replicationcontrollers',
  'ReplicationController',
);
export const ResourceQuotas = namespaced<ResourceQuota>('', 'v1', 'resourcequotas', 'ResourceQuota');
export const Nodes = clusterScoped<Node>('', 'v1', 'nodes', 'Node');
export const Namespaces = clusterScoped<Namespace>('', 'v1', 'namespaces', 'Namespace');
export const PersistentVolumes = clusterScoped<PersistentVolume>('', 'v1', 'persistentvolumes', 'PersistentVolume');

export const Deployments = namespaced<Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const ReplicaSets = namespaced<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const StatefulSets = namespaced<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const DaemonSets = namespaced<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const ControllerRevisions = namespaced<ControllerRevision>(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
);

export const Jobs = namespaced<Job>('batch', 'v1', 'jobs', 'Job');
export const CronJobs = namespaced<CronJob>('batch', 'v1', 'cronjobs', 'CronJob');
export const Leases = namespaced<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const EndpointSlices = namespaced<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
export const PodDisruptionBudgets = namespaced<PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);
export const PriorityClasses = clusterScoped<PriorityClass>(
  'scheduling.k8s.io',
  'v1',
  'priorityclasses',
  'PriorityClass',
);
export const ClusterRoles = clusterScoped<ClusterRole>(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterroles',
  'ClusterRole',
);
export const CertificateSigningRequests = clusterScoped<CertificateSigningRequest>(
  'certificates.k8s.io',
  'v1',
  'certificatesigningrequests',
  'CertificateSigningRequest',
);
export const FlowSchemas = clusterScoped<FlowSchema>('flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas', 'FlowSchema');
export const PriorityLevelConfigurations = clusterScoped<PriorityLevelConfiguration>(
  'flowcontrol.apiserver.k8s.io',
  'v1',
  'prioritylevelconfigurations',
  'PriorityLevelConfiguration',
);
export const IPAddresses = clusterScoped<IPAddress>('networking.k8s.io', 'v1', 'ipaddresses', 'IPAddress');
export const CustomResourceDefinitions = clusterScoped<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
);
export const APIServices = clusterScoped<APIService>('apiregistration.k8s.io', 'v1', 'apiservices', 'APIService');
export const StorageClasses = clusterScoped<StorageClass>('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass');
export const VolumeAttributesClasses = clusterScoped<VolumeAttributesClass>(
  'storage.k8s.io',
  'v1',
  'volumeattributesclasses',
  'VolumeAttributesClass',
);
export const CSINodes = clusterScoped<CSINode>('storage.k8s.io', 'v1', 'csinodes', 'CSINode');

/** The same resource read as metadata only; use it with the `metadataOnly` option of list, watch and informers. */
export function metadataOf({ group, version, resource, kind, namespaced }: ResourceRef): ResourceRef {
  return { group, version, resource, kind, namespaced };
}

/** `v1`, `apps/v1` */
export function apiVersionOf(ref: ResourceRef): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}

/** `pods`, `deployments.apps`: how messages name a resource. */
export function groupResourceOf(ref: ResourceRef): string {
  return ref.group === '' ? ref.resource : `${ref.resource}.${ref.group}`;
}

/**
 * The request path of a collection, an object or a subresource.
 * @throws Error when an object of a namespaced kind is named without its namespace: the request would hit another path.
 */
export function pathOf(ref: ResourceRef, key: Partial<ObjectKey> = {}, subresource?: string): string {
  const root = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  const namespace = ref.namespaced ? key.namespace : undefined;
  if (ref.namespaced && key.name !== undefined && !namespace) {
    throw new Error(
      `${groupResourceOf(ref)} "${key.name}": a namespace is needed; pass it in the key or in metadata.namespace`,
    );
  }
  let path = namespace
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${ref.resource}`
    : `${root}/${ref.resource}`;
  if (key.name !== undefined) path += `/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/**
 * The key of an object the server has named.
 * @throws Error when it has no name yet.
 */
export function keyOf(object: ApiObject): ObjectKey {
  const { name, namespace } = object.metadata;
  if (!name) throw new Error('the object has no metadata.name: it has not been created yet');
  return { namespace, name };
}

/** `namespace/name`, or `name` alone for cluster-scoped objects: the key of caches and work queues. */
export function keyText(key: ObjectKey): string {
  return key.namespace ? `${key.namespace}/${key.name}` : key.name;
}

/** The inverse of {@link keyText}. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
