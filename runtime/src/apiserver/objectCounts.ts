/** How many objects of each resource are stored, for `/metrics`: counted when asked, at most once a minute (as upstream). */
import { setImmediate as turn } from 'node:timers/promises';
import type { ResourceInfo } from '../api/resources.ts';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/store.ts';
import { prefixOf } from './keys.ts';

const KEPT_MS = 60_000;

export interface ObjectCount {
  readonly group: string;
  readonly resource: string;
  readonly count: number;
}

export class ObjectCounts {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #resources: () => readonly ResourceInfo[];
  #counted: Promise<ObjectCount[]> | undefined;
  #countedMs = 0;

  constructor(store: Store, clock: Clock, resources: () => readonly ResourceInfo[]) {
    this.#store = store;
    this.#clock = clock;
    this.#resources = resources;
  }

  /** Something is not served any more: they are counted anew when they are asked for. */
  forget(): void {
    this.#counted = undefined;
  }

  counts(): Promise<ObjectCount[]> {
    const nowMs = this.#clock.now();
    if (!this.#counted || nowMs - this.#countedMs >= KEPT_MS) {
      this.#countedMs = nowMs;
      this.#counted = this.#count();
      this.#counted.catch(() => {
        this.#counted = undefined;
      });
    }
    return this.#counted;
  }

  async #count(): Promise<ObjectCount[]> {
    const prefixes = new Map<string, ResourceInfo>();
    for (const resource of this.#resources()) {
      if (resource.verbs.includes('list')) prefixes.set(prefixOf(resource, ''), resource);
    }
    const counts: ObjectCount[] = [];
    for (const [prefix, { group, resource }] of prefixes) {
      counts.push({ group, resource, count: await this.#store.count(prefix) });
      await turn();
    }
    return counts;
  }
}
