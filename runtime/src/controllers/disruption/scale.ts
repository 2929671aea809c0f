/** How many pods a pod's controller wants, whatever kind of controller it is. */

import type { OwnerReference } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { ReplicaSet } from '../../api/generated/types/apps.v1.ts';
import type { Scale } from '../../api/generated/types/autoscaling.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { controllerOf } from '../../api/owners.ts';
import { isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { type DiscoveredResource, discover } from '../../client/discovery.ts';
import type { Informer } from '../../client/informer.ts';
import { Deployments, pathOf, ReplicaSets, type ResourceRef } from '../../client/resources.ts';

export class Scales {
  readonly #client: Client;
  readonly #replicaSets: Informer<ReplicaSet>;
  /** Every resource the server has, as of the last time an unknown kind was met. */
  #resources: readonly DiscoveredResource[] = [];

  constructor(client: Client, replicaSets: Informer<ReplicaSet>) {
    this.#client = client;
    this.#replicaSets = replicaSets;
  }

  /**
   * The sum over the controllers of these pods, each once.
   * @returns with the names of pods that have none.
   * @throws Error when a controller is gone or does not scale: then nobody knows how many pods there should be.
   */
  async of(
    pods: readonly Pod[],
    signal: AbortSignal,
  ): Promise<{ readonly scale: number; readonly unmanaged: string[] }> {
    const scales = new Map<string, number>();
    const unmanaged: string[] = [];
    for (const pod of pods) {
      const { namespace = '', name = '' } = pod.metadata;
      const owner = controllerOf(pod);
      if (!owner) unmanaged.push(name);
      else if (!scales.has(owner.uid)) {
        const scale = await this.#ofController(namespace, owner, signal);
        if (scale === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`);
        scales.set(owner.uid, scale);
      }
    }
    return { scale: [...scales.values()].reduce((sum, scale) => sum + scale, 0), unmanaged };
  }

  async #ofController(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<number | undefined> {
    const [version = '', group = ''] = owner.apiVersion.split('/').reverse();
    if (group === ReplicaSets.group && owner.kind === ReplicaSets.kind) {
      const set = this.#replicaSets.get(namespace, owner.name);
      if (set?.metadata.uid !== owner.uid) return undefined;
      // A rollout moves pods from one set to another: what counts is what the Deployment wants.
      const above = controllerOf(set);
      if (!above?.apiVersion.startsWith('apps/') || above.kind !== Deployments.kind) return set.spec?.replicas ?? 1;
      return this.#scaleOf(Deployments, namespace, above, signal);
    }
    const ref = await this.#refOf(group, version, owner.kind, signal);
    return ref && this.#scaleOf(ref, namespace, owner, signal);
  }

  async #refOf(group: string, version: string, kind: string, signal: AbortSignal): Promise<ResourceRef | undefined> {
    const find = (): DiscoveredResource | undefined =>
      this.#resources.find(resource => resource.group === group && resource.kind === kind);
    if (!find()) this.#resources = await discover(this.#client, { signal });
    const found = find();
    return found && { ...found, version };
  }

  async #scaleOf(
    ref: ResourceRef,
    namespace: string,
    { name, uid }: OwnerReference,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const path = pathOf(ref, { namespace, name }, 'scale');
    try {
      const scale = await this.#client.rawJson<Scale>({ method: 'GET', path }, { signal });
      return scale.metadata?.uid === uid ? (scale.spec?.replicas ?? 0) : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
