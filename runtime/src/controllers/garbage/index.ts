/**
 * Objects whose owners are all gone go too; owners deleted in the foreground wait for their dependents, owners deleted
 * with `Orphan` let them go first.
 *
 * Every kind that can be deleted is watched as long as it is served, but only the metadata that matters is kept; kinds that another controller
 * caches are not watched twice. Nothing is deleted on the word of a cache alone: the object and every owner that is not
 * known to be gone are read from the server first.
 */
import { isConflict, isInvalid, isNotFound } from '../../client/apiError.ts';
import { anyCacheOf } from '../../client/caches.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import type { Informer } from '../../client/informer.ts';
import { allSynced } from '../../client/informers.ts';
import { type ApiObject, apiVersionOf, keyOf, type ResourceRef } from '../../client/resources.ts';
import type { WorkQueue } from '../../client/workQueue.ts';
import { delay } from '../../lib/clock.ts';
import { type Controller, type ControllerContext, newQueue, reconcile } from '../context.ts';
import {
  awaitsDependents,
  FOREGROUND,
  Graph,
  type Item,
  judge,
  ORPHAN,
  type OwnerState,
  orphansDependents,
  ownersOf,
} from './graph.ts';
import { Kinds } from './kinds.ts';

const MAX_ABSENT = 1000;
/** How long the caches of new kinds may take before work goes on without them. */
const FILL_MS = 30_000;

export const garbageCollector: Controller = (context, signal) => new Collector(context, signal).run();

class Collector {
  readonly #graph = new Graph();
  readonly #queue: WorkQueue;
  readonly #kinds: Kinds;
  readonly #caches = new Map<DiscoveredResource, { readonly cache: Informer<ApiObject>; readonly stop: () => void }>();
  /** Uids of objects seen deleted. */
  readonly #absent = new Set<string>();
  #synced = false;
  /** Settles when the caches of kinds that have just come are filled: until then dependents may be unknown. */
  #filling: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: ControllerContext,
    private readonly signal: AbortSignal,
  ) {
    this.#queue = newQueue(context);
    this.#kinds = new Kinds(context, signal, {
      added: resources => this.#follow(resources),
      removed: resource => this.#leave(resource),
    });
  }

  async run(): Promise<void> {
    const { context, signal } = this;
    await this.#kinds.refresh();
    try {
      await allSynced(
        [...this.#caches.values()].map(({ cache }) => cache),
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#synced = true;
    for (const { object } of this.#graph.items()) this.#consider(object);
    await reconcile(context, this.#queue, [], uid => this.#work(uid), signal, 5);
  }

  #follow(resources: readonly DiscoveredResource[]): void {
    const { informers, clock } = this.context;
    const caches = resources.map(resource => {
      const cache = anyCacheOf(informers, resource);
      const stop = cache.on({
        add: object => this.#changed(resource, object),
        update: (object, old) => this.#changed(resource, object, old),
        delete: object => this.#deleted(resource, object),
      });
      this.#caches.set(resource, { cache, stop });
      return cache;
    });
    if (!this.#synced) return;
    // A kind that does not answer must not hold up all others for ever.
    this.#filling = Promise.race([
      allSynced(caches, this.signal).catch(() => undefined),
      delay(FILL_MS, this.signal, clock),
    ]);
    // Owners of these kinds may have been taken for unknown.
    for (const { object } of this.#graph.items()) this.#consider(object);
  }

  #leave(resource: DiscoveredResource): void {
    const followed = this.#caches.get(resource);
    if (!followed) return;
    this.#caches.delete(resource);
    followed.stop();
    this.context.informers.drop(followed.cache);
    for (const { ref, object } of [...this.#graph.items()])
      if (ref === resource) this.#graph.remove(object.metadata.uid ?? '');
  }

  #changed(ref: DiscoveredResource, object: ApiObject, old?: ApiObject): void {
    this.#graph.put(ref, object);
    if (!this.#synced) return;
    this.#kinds.changed(ref);
    if (old) {
      // An owner that waits for this one may wait no longer.
      for (const owner of ownersOf(old)) this.#wake(owner.uid);
    }
    this.#consider(object);
  }

  #deleted(ref: DiscoveredResource, object: ApiObject): void {
    const { uid = '' } = object.metadata;
    this.#graph.remove(uid);
    this.#absent.add(uid);
    if (this.#absent.size > MAX_ABSENT) {
      for (const oldest of this.#absent) {
        this.#absent.delete(oldest);
        break;
      }
    }
    if (!this.#synced) return;
    this.#kinds.changed(ref);
    for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.object.metadata.uid ?? '');
    for (const owner of ownersOf(object)) this.#wake(owner.uid);
  }

  #wake(uid: string): void {
    const item = this.#graph.get(uid);
    if (item && awaitsDependents(item.object)) this.#queue.add(uid);
  }

  /** Queues the object if there may be something to do about it. */
  #consider(object: ApiObject): void {
    const { uid = '' } = object.metadata;
    const owners = ownersOf(object);
    const doubtful = owners.some(owner => {
      const known = this.#graph.get(owner.uid);
      return !known || awaitsDependents(known.object);
    });
    if (doubtful || awaitsDependents(object) || orphansDependents(object)) this.#queue.add(uid);
  }

  async #work(uid: string): Promise<undefined> {
    await this.#filling;
    const item = this.#graph.get(uid);
    if (!item) return;
    if (orphansDependents(item.object)) return this.#orphan(item);
    if (awaitsDependents(item.object)) return this.#finishForeground(item);
    if (item.object.metadata.deletionTimestamp) return;
    const live = await this.#live(item);
    if (!live) return;
    const states = new Map<string, OwnerState>();
    for (const owner of ownersOf(live)) states.set(owner.uid, await this.#stateOf(item, live, owner));
    const verdict = judge(
      live,
      ({ uid: owner }) => states.get(owner) ?? 'solid',
      this.#graph.blockersOf(uid).length > 0,
    );
    if (verdict.do === 'disown') await this.#disown(item, live, verdict.uids);
    else if (verdict.do === 'delete') {
      const isCircle =
        verdict.propagationPolicy === 'Foreground' &&
        this.#graph.dependentsOf(uid).some(({ object }) => awaitsDependents(object));
      const deletable = isCircle ? await this.#unblock(item, live) : live;
      if (deletable) await this.#delete(item, deletable, verdict.propagationPolicy);
    }
  }

  /** The object as the server has it. `undefined`: it is gone, or another has its name. */
  async #live({ ref, object }: Item): Promise<ApiObject | undefined> {
    try {
      const live = await this.context.client.getMetadata(ref, keyOf(object), { signal: this.signal });
      return live.metadata.uid === object.metadata.uid ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #stateOf(item: Item, object: ApiObject, owner: ReturnType<typeof ownersOf>[number]): Promise<OwnerState> {
    if (this.#absent.has(owner.uid)) return 'absent';
    const known = this.#graph.get(owner.uid);
    if (known) return awaitsDependents(known.object) ? 'leaving' : 'solid';
    const slash = owner.apiVersion.indexOf('/');
    const group = slash < 0 ? '' : owner.apiVersion.slice(0, slash);
    if (!this.#kinds.find(group, owner.kind)) await this.#kinds.seek();
    const ref = this.#kinds.find(group, owner.kind);
    if (!ref) {
      this.context.logger.warn(
        { object: object.metadata.name, owner },
        'an owner is of a kind this server does not have: its dependent is left alone',
      );
      return 'solid';
    }
    if (ref.namespaced && !item.ref.namespaced) {
      this.context.logger.warn(
        { kind: item.ref.kind, name: object.metadata.name, owner },
        'a cluster-scoped object names a namespaced owner: it is left alone',
      );
      return 'solid';
    }
    try {
      const live = await this.context.client.getMetadata(
        ref,
        { namespace: ref.namespaced ? object.metadata.namespace : undefined, name: owner.name },
        { signal: this.signal },
      );
      if (live.metadata.uid !== owner.uid) return 'absent';
      return awaitsDependents(live) ? 'leaving' : 'solid';
    } catch (error) {
      if (isNotFound(error)) return 'absent';
      throw error;
    }
  }

  async #disown({ ref }: Item, live: ApiObject, uids: ReadonlySet<string>): Promise<void> {
    const ownerReferences = ownersOf(live).filter(owner => !uids.has(owner.uid));
    await this.#patch(ref, live, { ownerReferences: ownerReferences.length > 0 ? ownerReferences : null });
  }

  /** A dependent of it waits already: its owners may wait for that one, so they must not wait for this one. */
  async #unblock(item: Item, live: ApiObject): Promise<ApiObject | undefined> {
    const ownerReferences = ownersOf(live).map(owner => ({ ...owner, blockOwnerDeletion: false }));
    await this.#patch(item.ref, live, { ownerReferences });
    return this.#live(item);
  }

  async #delete({ ref }: Item, live: ApiObject, propagationPolicy: string): Promise<void> {
    const { uid, resourceVersion, name, namespace } = live.metadata;
    const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    this.context.logger.debug(
      { kind: `${apiVersionOf(ref)} ${ref.kind}`, namespace, name, propagationPolicy },
      'deleting garbage',
    );
    try {
      await this.context.client.delete(ref, keyOf(live), { preconditions, propagationPolicy }, { signal: this.signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #finishForeground(item: Item): Promise<undefined> {
    const { uid = '' } = item.object.metadata;
    const blockers = this.#graph.blockersOf(uid);
    // Those that wait themselves wake this one when they go; to queue them would run for ever round a circle of owners.
    for (const { object } of this.#graph.dependentsOf(uid))
      if (!awaitsDependents(object)) this.#queue.add(object.metadata.uid ?? '');
    if (blockers.length === 0) await this.#removeFinalizer(item, FOREGROUND);
  }

  async #orphan(item: Item): Promise<undefined> {
    const { uid = '' } = item.object.metadata;
    for (const dependent of this.#graph.dependentsOf(uid)) {
      const live = await this.#live(dependent);
      if (live && ownersOf(live).some(owner => owner.uid === uid)) await this.#disown(dependent, live, new Set([uid]));
    }
    await this.#removeFinalizer(item, ORPHAN);
  }

  async #removeFinalizer(item: Item, finalizer: string): Promise<void> {
    const live = await this.#live(item);
    if (!live?.metadata.finalizers?.includes(finalizer)) return;
    await this.#patch(item.ref, live, { finalizers: live.metadata.finalizers.filter(name => name !== finalizer) });
  }

  /** With the resource version read: a change in between is a conflict, and everything is looked at again. */
  async #patch(ref: ResourceRef, live: ApiObject, metadata: object): Promise<void> {
    const { uid, resourceVersion } = live.metadata;
    try {
      await this.context.client.patch(
        ref,
        keyOf(live),
        { metadata: { uid, resourceVersion, ...metadata } },
        { type: 'merge', signal: this.signal },
      );
    } catch (error) {
      if (isNotFound(error) || isInvalid(error)) return;
      if (isConflict(error)) throw new Error(`${ref.kind} ${live.metadata.name} changed meanwhile`, { cause: error });
      throw error;
    }
  }
}
