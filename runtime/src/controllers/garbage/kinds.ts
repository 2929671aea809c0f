/**
 * The kinds of objects that can be garbage, as the server has them now.
 *
 * Invariants: one discovery at a time; `added` and `removed` are told once for each kind that comes or goes; a discovery that
 * fails changes nothing and is tried again.
 */
import { type DiscoveredResource, discover } from '../../client/discovery.ts';
import { groupResourceOf } from '../../client/resources.ts';
import { delay } from '../../lib/clock.ts';
import type { ControllerContext } from '../context.ts';

/** Written often and owned by nobody. */
const IGNORED = new Set(['events', 'events.events.k8s.io']);
/** What announces kinds: a change of one of these is a reason to look again. */
const ANNOUNCING = new Set(['customresourcedefinitions.apiextensions.k8s.io', 'apiservices.apiregistration.k8s.io']);
/** A definition is served some time after it is written, and several come together. */
const SETTLE_MS = 1000;
/** Owners of kinds that nobody serves do not make us ask more often than this. */
const ASK_AGAIN_MS = 30_000;

export interface KindListener {
  /** All that are new, at once. */
  added(resources: readonly DiscoveredResource[]): void;
  removed(resource: DiscoveredResource): void;
}

export class Kinds {
  readonly #context: ControllerContext;
  readonly #signal: AbortSignal;
  readonly #listener: KindListener;
  readonly #known = new Map<string, DiscoveredResource>();
  #running: Promise<void> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => {};

  constructor(context: ControllerContext, signal: AbortSignal, listener: KindListener) {
    this.#context = context;
    this.#signal = signal;
    this.#listener = listener;
    signal.addEventListener('abort', () => this.#cancel(), { once: true });
  }

  /** In whatever version it is served. */
  find(group: string, kind: string): DiscoveredResource | undefined {
    return this.#known.get(`${group} ${kind}`);
  }

  /** An object of `ref` has changed: new kinds may be served in a moment. */
  changed(ref: DiscoveredResource): void {
    if (!ANNOUNCING.has(groupResourceOf(ref))) return;
    this.#cancel();
    if (this.#signal.aborted) return;
    this.#cancel = this.#context.clock.after(SETTLE_MS, () => void this.refresh());
  }

  /** Somebody needs a kind that is not known. Resolves when the server has been asked, if that was not just now. */
  async seek(): Promise<void> {
    if (this.#running || this.#context.clock.now() - this.#askedAtMs >= ASK_AGAIN_MS) await this.refresh();
  }

  /** Asks the server until it answers or the signal aborts; never rejects. */
  refresh(): Promise<void> {
    this.#running ??= this.#refresh().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #refresh(): Promise<void> {
    const { client, clock, logger } = this.#context;
    const signal = this.#signal;
    for (let delayMs = 250; !signal.aborted; delayMs = Math.min(delayMs * 2, 30_000)) {
      try {
        const found = (await discover(client, { signal })).filter(isCollectable);
        this.#askedAtMs = clock.now();
        this.#take(found);
        return;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, 'the kinds of objects could not be learnt; it will be tried again');
        await delay(delayMs, signal, clock);
      }
    }
  }

  #take(found: readonly DiscoveredResource[]): void {
    const served = new Map(found.map(resource => [`${resource.group} ${resource.kind}`, resource]));
    for (const [key, resource] of this.#known) {
      if (served.has(key)) continue;
      this.#known.delete(key);
      this.#listener.removed(resource);
    }
    const added = [...served].filter(([key]) => !this.#known.has(key));
    for (const [key, resource] of added) this.#known.set(key, resource);
    if (added.length > 0) this.#listener.added(added.map(([, resource]) => resource));
  }
}

const isCollectable = (resource: DiscoveredResource): boolean =>
  ['list', 'watch', 'delete'].every(verb => resource.verbs.includes(verb)) && !IGNORED.has(groupResourceOf(resource));
