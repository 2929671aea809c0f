/**
 * Which node runs which pod, and what its pods refer to: the graph behind the node authorizer.
 *
 * Invariants: begun when the first node asks; from then on it holds, for every pod in the store that is bound to a node, the
 * node's name and the names the pod mentions (not the pod itself: a few strings a pod), as of the newest revision.
 */
import type { Pod, Volume } from '../../api/generated/types/core.v1.ts';
import type { Store } from '../../store/store.ts';
import { type Followed, follow } from '../follow.ts';
import { deserialize } from '../serialized.ts';

const PREFIX = '/registry/core/pods/';
const MIRROR = 'kubernetes.io/config.mirror';

interface Bound {
  readonly node: string;
  /** `secrets/<namespace>/<name>` */
  readonly references: readonly string[];
}

export class NodeReferences {
  readonly #store: Store;
  readonly #followed: Followed;
  readonly #pods = new Map<string, Bound>();
  /** By node: each reference and how many pods have it. */
  readonly #nodes = new Map<string, Map<string, number>>();

  constructor(store: Store) {
    this.#store = store;
    this.#followed = follow(store, PREFIX, {
      reset: () => {
        this.#pods.clear();
        this.#nodes.clear();
      },
      put: (key, value, revision) => {
        this.#remove(key);
        this.#set(key, deserialize(value, revision) as unknown as Pod);
      },
      remove: key => this.#remove(key),
    });
  }

  async uses(node: string, resource: string, namespace: string, name: string): Promise<boolean> {
    await this.#followed.ready();
    return this.#nodes.get(node)?.has(`${resource}/${namespace}/${name}`) === true;
  }

  /** What pods of the node refer to of a resource: `[namespace, name]`. */
  async used(node: string, resource: string): Promise<(readonly [namespace: string, name: string])[]> {
    await this.#followed.ready();
    const found: (readonly [string, string])[] = [];
    for (const reference of this.#nodes.get(node)?.keys() ?? []) {
      const [kind, namespace = '', name = ''] = reference.split('/');
      if (kind === resource) found.push([namespace, name]);
    }
    return found;
  }

  /** True also for a pod that does not exist: its absence is what the node is to learn. */
  async runs(node: string, namespace: string, name: string): Promise<boolean> {
    await this.#followed.ready();
    const key = `${PREFIX}${namespace}/${name}`;
    const bound = this.#pods.get(key);
    if (bound) return bound.node === node;
    return (await this.#store.get(key)) === undefined;
  }

  close(): void {
    this.#followed.close();
  }

  #set(key: string, pod: Pod): void {
    const node = pod.spec?.nodeName ?? '';
    if (node === '') return;
    const references = referencesOf(pod);
    this.#pods.set(key, { node, references });
    if (references.length === 0) return;
    const counts = this.#nodes.get(node) ?? new Map<string, number>();
    this.#nodes.set(node, counts);
    for (const reference of references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  }

  #remove(key: string): void {
    const bound = this.#pods.get(key);
    if (!bound) return;
    this.#pods.delete(key);
    const counts = this.#nodes.get(bound.node);
    if (!counts) return;
    for (const reference of bound.references) {
      const left = (counts.get(reference) ?? 0) - 1;
      if (left > 0) counts.set(reference, left);
      else counts.delete(reference);
    }
    if (counts.size === 0) this.#nodes.delete(bound.node);
  }
}

/** Everything a pod mentions by name that its node must read. A mirror pod's word gives no access: its node wrote it. */
export function referencesOf(pod: Pod): string[] {
  const namespace = pod.metadata.namespace ?? '';
  const { spec, status } = pod;
  const found = new Set<string>();
  const add = (resource: string, name: string | null | undefined): void => {
    if (name !== undefined && name !== null && name !== '') found.add(`${resource}/${namespace}/${name}`);
  };
  if (!spec || pod.metadata.annotations?.[MIRROR] !== undefined) return [];
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const volume of spec.volumes ?? []) addVolume(volume, pod.metadata.name ?? '', add);
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add('configmaps', configMapRef?.name);
      add('secrets', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('configmaps', valueFrom?.configMapKeyRef?.name);
      add('secrets', valueFrom?.secretKeyRef?.name);
    }
  }
  // A claim made from a template has its name in the status.
  for (const { resourceClaimName } of spec.resourceClaims ?? []) add('resourceclaims', resourceClaimName);
  for (const { resourceClaimName } of status?.resourceClaimStatuses ?? []) add('resourceclaims', resourceClaimName);
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName);
  return [...found];
}

function addVolume(volume: Volume, pod: string, add: (resource: string, name: string | undefined) => void): void {
  add('secrets', volume.secret?.secretName);
  add('configmaps', volume.configMap?.name);
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral) add('persistentvolumeclaims', `${pod}-${volume.name}`);
  for (const source of volume.projected?.sources ?? []) {
    add('secrets', source.secret?.name);
    add('configmaps', source.configMap?.name);
  }
  add('secrets', volume.csi?.nodePublishSecretRef?.name);
  add('secrets', volume.azureFile?.secretName);
  for (const { secretRef } of [volume.cephfs, volume.cinder, volume.flexVolume, volume.iscsi, volume.rbd].flatMap(
    source => (source ? [source] : []),
  )) {
    add('secrets', secretRef?.name);
  }
  add('secrets', volume.scaleIO?.secretRef?.name);
  add('secrets', volume.storageos?.secretRef?.name);
}
