/**
 * Which node runs which pod, and what its pods refer to: the graph behind the node authorizer.
 *
 * Invariants: begun when the first node asks; from then on it holds, for every pod in the store that is bound to a node, the
 * node's name and the names the pod mentions (not the pod itself: a few strings a pod), as of the newest revision.
 */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { referencesOf } from '../../api/podReferences.ts';
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
    // A mirror pod's word gives no access: its node wrote it.
    const references = pod.metadata.annotations?.[MIRROR] === undefined ? referencesOf(pod) : [];
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
