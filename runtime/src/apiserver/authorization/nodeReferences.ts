/**
 * Which node runs which pod, and what its pods refer to: the graph behind the node authorizer.
 *
 * Invariants: begun when the first node asks; from then on it holds, for every pod in the store that is bound to a node, the
 * node's name and the names the pod's spec mentions (not the pod itself: a few strings a pod), as of the newest revision.
 */
import type { Pod, Volume } from '../../api/generated/types/core.v1.ts';
import type { Store } from '../../store/store.ts';
import { deserialize } from '../serialized.ts';

const PREFIX = '/registry/core/pods/';

interface Bound {
  readonly node: string;
  /** `secrets/<namespace>/<name>` */
  readonly references: readonly string[];
}

export class NodeReferences {
  readonly #store: Store;
  readonly #pods = new Map<string, Bound>();
  /** By `<node> <reference>`: how many pods refer to it. */
  readonly #counts = new Map<string, number>();
  #started: Promise<void> | undefined;
  #stop: () => void = () => undefined;
  #closed = false;

  constructor(store: Store) {
    this.#store = store;
  }

  async uses(node: string, resource: string, namespace: string, name: string): Promise<boolean> {
    await this.#start();
    return this.#counts.has(`${node} ${resource}/${namespace}/${name}`);
  }

  /** True also for a pod that does not exist: its absence is what the node is to learn. */
  async runs(node: string, namespace: string, name: string): Promise<boolean> {
    await this.#start();
    const key = `${PREFIX}${namespace}/${name}`;
    const bound = this.#pods.get(key);
    if (bound) return bound.node === node;
    return !this.#closed && (await this.#store.get(key)) === undefined;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#pods.clear();
    this.#counts.clear();
  }

  #start(): Promise<void> {
    this.#started ??= this.#load();
    return this.#started;
  }

  async #load(): Promise<void> {
    const { items, revision } = await this.#store.range({ prefix: PREFIX });
    if (this.#closed) return;
    this.#pods.clear();
    this.#counts.clear();
    for (const { key, value, modRevision } of items) this.#set(key, value, modRevision);
    this.#stop = this.#store.watch(
      { prefix: PREFIX, afterRevision: revision },
      {
        onEvents: events => {
          for (const event of events) {
            this.#remove(event.key);
            if (event.type === 'put') this.#set(event.key, event.value, event.revision);
          }
        },
        onEnd: () => {
          if (!this.#closed) this.#load().catch(() => undefined); // the store is closing
        },
      },
    );
  }

  #set(key: string, value: Buffer, revision: number): void {
    const pod = deserialize(value, revision) as unknown as Pod;
    const node = pod.spec?.nodeName ?? '';
    if (node === '') return;
    const references = referencesOf(pod);
    this.#pods.set(key, { node, references });
    for (const reference of references) {
      const place = `${node} ${reference}`;
      this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
    }
  }

  #remove(key: string): void {
    const bound = this.#pods.get(key);
    if (!bound) return;
    this.#pods.delete(key);
    for (const reference of bound.references) {
      const place = `${bound.node} ${reference}`;
      const left = (this.#counts.get(place) ?? 0) - 1;
      if (left > 0) this.#counts.set(place, left);
      else this.#counts.delete(place);
    }
  }
}

/** Everything a pod's spec mentions by name that its node must read. */
export function referencesOf(pod: Pod): string[] {
  const namespace = pod.metadata.namespace ?? '';
  const { spec } = pod;
  const found = new Set<string>();
  const add = (resource: string, name: string | undefined): void => {
    if (name !== undefined && name !== '') found.add(`${resource}/${namespace}/${name}`);
  };
  if (!spec) return [];
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const volume of spec.volumes ?? []) addVolume(volume, add);
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
  return [...found];
}

function addVolume(volume: Volume, add: (resource: string, name: string | undefined) => void): void {
  add('secrets', volume.secret?.secretName);
  add('configmaps', volume.configMap?.name);
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  add('secrets', volume.csi?.nodePublishSecretRef?.name);
  for (const source of volume.projected?.sources ?? []) {
    add('secrets', source.secret?.name);
    add('configmaps', source.configMap?.name);
  }
}
