/**
 * ConfigMaps, Secrets and Services that this node's pods name: each one watched while some pod uses it, so that a change reaches
 * its files at once, and kept when the server is away.
 *
 * Always true: an object is watched exactly while at least one pod (by uid) holds it.
 */
import type { ConfigMap, Pod, Secret } from '../../api/generated/types/core.v1.ts';
import type { Client } from '../../client/client.ts';
import { Informer } from '../../client/informer.ts';
import { type ApiObject, ConfigMaps, type ResourceRef, Secrets } from '../../client/resources.ts';
import { type Clock, delay } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { NamespaceObjects } from '../spec/env.ts';

interface Held {
  readonly informer: Informer<ApiObject>;
  readonly stop: AbortController;
  readonly holders: Set<string>;
}

export interface ObjectsOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Called with the uids of the pods that hold a changed object. */
  readonly onChange: (uids: ReadonlySet<string>) => void;
}

/** How long a pod waits for the server's first answer about an object, before it is tried again later. */
const FIRST_ANSWER_MS = 15_000;

export class PodObjects {
  readonly #options: ObjectsOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  /** The objects as the given pod sees them: asking for one makes the pod its holder. */
  of(pod: Pod): NamespaceObjects {
    const uid = pod.metadata.uid ?? '';
    const namespace = pod.metadata.namespace ?? '';
    return {
      configMap: name => this.#get<ConfigMap>(ConfigMaps, namespace, name, uid),
      secret: name => this.#get<Secret>(Secrets, namespace, name, uid),
    };
  }

  /** The pod is gone: what only it held is no longer watched. */
  release(uid: string): void {
    for (const [key, held] of this.#held) {
      held.holders.delete(uid);
      if (held.holders.size > 0) continue;
      held.stop.abort();
      this.#held.delete(key);
    }
  }

  close(): void {
    for (const held of this.#held.values()) held.stop.abort();
    this.#held.clear();
  }

  async #get<T extends ApiObject>(
    ref: ResourceRef<T>,
    namespace: string,
    name: string,
    uid: string,
  ): Promise<T | undefined> {
    const held = this.#hold(ref, namespace, name);
    held.holders.add(uid);
    if (!held.informer.hasSynced) {
      const limit = new AbortController();
      const late = delay(FIRST_ANSWER_MS, limit.signal, this.#options.clock);
      await Promise.race([held.informer.synced, late]).finally(() => limit.abort());
      if (!held.informer.hasSynced)
        throw new Error(`failed to sync ${ref.resource} "${namespace}/${name}": the API server does not answer`);
    }
    // The informer was made for this reference.
    return held.informer.get(namespace, name) as T | undefined;
  }

  #hold<T extends ApiObject>(ref: ResourceRef<T>, namespace: string, name: string): Held {
    const key = `${ref.resource}/${namespace}/${name}`;
    const known = this.#held.get(key);
    if (known) return known;
    const { client, logger, clock } = this.#options;
    const informer = new Informer(ref as ResourceRef, {
      client,
      logger,
      clock,
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    const held: Held = { informer, stop: new AbortController(), holders: new Set() };
    this.#held.set(key, held);
    const changed = (): void => this.#options.onChange(held.holders);
    informer.on({ add: changed, update: changed, delete: changed });
    informer.run(held.stop.signal).catch(error => logger.error({ err: error, key }, 'an object is no longer watched'));
    return held;
  }
}
