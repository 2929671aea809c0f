/**
 * The shared caches, and what they keep of an object: only what controllers and the scheduler read. The caches must
 * therefore never be written back whole; controllers patch.
 */
import type { CustomResourceDefinition } from '../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { Deployment, ReplicaSet } from '../api/generated/types/apps.v1.ts';
import type { Container, Node, Pod, ResourceQuota } from '../api/generated/types/core.v1.ts';
import type { PodDisruptionBudget } from '../api/generated/types/policy.v1.ts';
import { controllerOf } from '../api/owners.ts';
import type { Informer } from './informer.ts';
import type { Informers } from './informers.ts';
import {
  type ApiObject,
  CustomResourceDefinitions,
  Deployments,
  groupResourceOf,
  metadataOf,
  Namespaces,
  Nodes,
  PodDisruptionBudgets,
  Pods,
  ReplicaSets,
  ResourceQuotas,
  type ResourceRef,
} from './resources.ts';

const POD_ANNOTATIONS = ['controller.kubernetes.io/pod-deletion-cost'];
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Index of pods and ReplicaSets: the uid of the controlling owner, or {@link orphansOf} its namespace. */
export const BY_CONTROLLER = 'controller';
/** Index of pods by `spec.nodeName`; unassigned pods under the empty string. */
export const BY_NODE = 'node';

export const orphansOf = (namespace: string | undefined): string => `orphans/${namespace ?? ''}`;

const byController = (object: ApiObject): string[] => [
  controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace),
];

export function podsOf(informers: Informers): Informer<Pod> {
  const pods = informers.of(Pods, { transform: slimPod });
  pods.addIndex(BY_CONTROLLER, byController);
  pods.addIndex(BY_NODE, pod => [pod.spec?.nodeName ?? '']);
  return pods;
}

export const nodesOf = (informers: Informers): Informer<Node> => informers.of(Nodes, { transform: slimNode });

export function replicaSetsOf(informers: Informers): Informer<ReplicaSet> {
  const sets = informers.of(ReplicaSets, { transform: withoutLastApplied<ReplicaSet> });
  sets.addIndex(BY_CONTROLLER, byController);
  return sets;
}

export const deploymentsOf = (informers: Informers): Informer<Deployment> =>
  informers.of(Deployments, { transform: withoutLastApplied<Deployment> });

export const resourceQuotasOf = (informers: Informers): Informer<ResourceQuota> =>
  informers.of(ResourceQuotas, { transform: withoutLastApplied<ResourceQuota> });

export const disruptionBudgetsOf = (informers: Informers): Informer<PodDisruptionBudget> =>
  informers.of(PodDisruptionBudgets, { transform: withoutLastApplied<PodDisruptionBudget> });

/** Without schemas, which are nearly all of a definition and which no controller asks for. */
export const customResourceDefinitionsOf = (informers: Informers): Informer<CustomResourceDefinition> =>
  // Some of them are half a megabyte.
  informers.of(CustomResourceDefinitions, { transform: slimDefinition, pageSize: 10 });

export const namespacesOf = (informers: Informers) => informers.of(Namespaces, { transform: withoutLastApplied });

/** A cache of a kind's objects that holds no more of them than who they are and whose. */
export const metadataCacheOf = (informers: Informers, ref: ResourceRef): Informer<ApiObject> =>
  informers.of(metadataOf(ref), { metadataOnly: true, transform: slimMetadata });

/** The fullest cache there is of a kind already, or {@link metadataCacheOf} it: for those who need only metadata. */
export function anyCacheOf(informers: Informers, ref: ResourceRef): Informer<ApiObject> {
  const full = FULL_CACHES[groupResourceOf(ref)];
  return full ? full(informers) : metadataCacheOf(informers, ref);
}

type CacheOf = (informers: Informers) => Informer<ApiObject>;
// An informer of a kind is read here as one of objects; nobody writes through it.
const asObjects = <T extends ApiObject>(of: (informers: Informers) => Informer<T>): CacheOf => of as unknown as CacheOf;
const FULL_CACHES: Readonly<Record<string, CacheOf>> = {
  pods: asObjects(podsOf),
  nodes: asObjects(nodesOf),
  namespaces: asObjects(namespacesOf),
  resourcequotas: asObjects(resourceQuotasOf),
  'replicasets.apps': asObjects(replicaSetsOf),
  'deployments.apps': asObjects(deploymentsOf),
  'poddisruptionbudgets.policy': asObjects(disruptionBudgetsOf),
};

function slimMetadata({ metadata }: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, ownerReferences, finalizers } = metadata;
  return { metadata: { name, namespace, uid, resourceVersion, deletionTimestamp, ownerReferences, finalizers } };
}

function withoutLastApplied<T extends ApiObject>(object: T): T {
  if (object.metadata.annotations) delete object.metadata.annotations[LAST_APPLIED];
  return object;
}

function slimContainer({ name, resources, ports, restartPolicy }: Container): Container {
  return {
    name,
    ...(resources ? { resources } : {}),
    ...(ports?.some(port => port.hostPort) ? { ports } : {}),
    ...(restartPolicy ? { restartPolicy } : {}),
  };
}

function slimPod(pod: Pod): Pod {
  const { annotations } = pod.metadata;
  const kept: Record<string, string> = {};
  for (const name of POD_ANNOTATIONS) if (annotations?.[name] !== undefined) kept[name] = annotations[name];
  pod.metadata.annotations = kept;
  const { spec, status } = pod;
  if (spec) {
    spec.containers = spec.containers.map(slimContainer);
    if (spec.initContainers) spec.initContainers = spec.initContainers.map(slimContainer);
    delete spec.ephemeralContainers;
    delete spec.securityContext;
    delete spec.dnsConfig;
    delete spec.hostAliases;
    delete spec.imagePullSecrets;
    // Of the volumes, only those that have a place.
    spec.volumes = (spec.volumes ?? []).filter(
      volume => volume.persistentVolumeClaim || volume.ephemeral || volume.csi,
    );
  }
  if (status) {
    const { phase, conditions, nominatedNodeName, startTime, reason, podIPs, podIP, hostIP } = status;
    pod.status = {
      phase,
      nominatedNodeName,
      startTime,
      reason,
      podIP,
      podIPs,
      hostIP,
      conditions: (conditions ?? []).map(({ type, status: value, lastTransitionTime, reason: why, message }) => ({
        type,
        status: value,
        lastTransitionTime,
        reason: why,
        // The scheduler compares its own words with what it said last.
        ...(type === 'PodScheduled' ? { message } : {}),
      })),
      containerStatuses: (status.containerStatuses ?? []).map(({ name, ready, restartCount }) => ({
        name,
        ready,
        restartCount,
        image: '',
        imageID: '',
      })),
    };
  }
  return pod;
}

function slimNode(node: Node): Node {
  if (node.status) {
    delete node.status.images;
    delete node.status.volumesInUse;
    delete node.status.volumesAttached;
  }
  return node;
}

const APPROVED_ANNOTATION = 'api-approved.kubernetes.io';

function slimDefinition({ metadata, spec, status }: CustomResourceDefinition): CustomResourceDefinition {
  const { name, uid, resourceVersion, generation, deletionTimestamp, finalizers, annotations } = metadata;
  const approved = annotations?.[APPROVED_ANNOTATION];
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(generation === undefined ? {} : { generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(approved === undefined ? {} : { annotations: { [APPROVED_ANNOTATION]: approved } }),
    },
    spec: {
      group: spec.group,
      names: spec.names,
      scope: spec.scope,
      versions: spec.versions.map(({ name, served, storage }) => ({ name, served, storage })),
    },
    ...(status === undefined ? {} : { status }),
  };
}
