/**
 * Charging quotas, exactly: of many requests at the same moment no more are let in than fit.
 *
 * Invariants:
 * - the requests of one namespace are decided one after another, those that wait together in one round: one write a quota;
 * - a request is let in only when every quota that concerns it holds its charge durably (compare-and-swap on the revision it
 *   was decided upon; a lost race is decided again on the newer quota);
 * - what is charged and not written yet is in {@link Charges.unsettled}, from before its charge is stored until its write is over;
 * - a namespace without waiting requests costs nothing.
 */
import type { ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { formatQuantities } from '../../../api/quantities.ts';
import { conflict, type StatusError } from '../../../api/status.ts';
import type { KeyValue, Store } from '../../../store/store.ts';
import { commit } from '../../registry.ts';
import { deserialize, serialize } from '../../serialized.ts';
import { checkQuotas, type QuotaRequest, type QuotaState, stateOf } from './check.ts';

export interface Charge {
  readonly request: QuotaRequest;
  readonly dryRun: boolean;
  /** The refusal as this request says it. */
  readonly refused: (reason: string) => StatusError;
}

interface Waiting {
  readonly charge: Charge;
  readonly done: (error?: unknown) => void;
}

/** How long after the last write of a namespace a count may have missed it. */
const RECENT_MS = 5000;

/** Lost races in a row; each means that somebody else (the controller) has written the quota. */
const MAX_ROUNDS = 20;

export class Charges {
  readonly #store: Pick<Store, 'commit'>;
  readonly #quotasOf: (namespace: string) => readonly (ResourceQuota & KubeObject)[];
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #unsettled = new Map<string, Set<Charge>>();
  readonly #settledAtMs = new Map<string, number>();

  constructor(
    store: Pick<Store, 'commit'>,
    quotasOf: (namespace: string) => readonly (ResourceQuota & KubeObject)[],
    now: () => number,
  ) {
    this.#store = store;
    this.#quotasOf = quotasOf;
    this.#now = now;
  }

  /** Charged, and not known to be written or given up. */
  unsettled(namespace: string): readonly QuotaRequest[] {
    return [...(this.#unsettled.get(namespace) ?? [])].map(({ request }) => request);
  }

  /** Whether objects are being charged here, or were a moment ago: who counts them may have missed some. */
  isBusy(namespace: string): boolean {
    const settledAtMs = this.#settledAtMs.get(namespace);
    if (settledAtMs !== undefined && this.#now() - settledAtMs >= RECENT_MS) this.#settledAtMs.delete(namespace);
    return this.#settledAtMs.has(namespace) || this.#unsettled.has(namespace);
  }

  /** The write of what was charged is over. */
  settle(namespace: string, charge: Charge): void {
    const unsettled = this.#unsettled.get(namespace);
    if (!unsettled?.delete(charge)) return;
    if (unsettled.size === 0) this.#unsettled.delete(namespace);
    // Insertion order is the order of time: what is old goes, and no namespace is remembered for ever.
    this.#settledAtMs.delete(namespace);
    for (const [other, atMs] of this.#settledAtMs) {
      if (this.#now() - atMs < RECENT_MS) break;
      this.#settledAtMs.delete(other);
    }
    this.#settledAtMs.set(namespace, this.#now());
  }

  /** Resolves when the request is charged; then {@link settle} must be called. @throws StatusError when it does not fit. */
  charge(namespace: string, charge: Charge): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => {
        if (error === undefined) resolve();
        else {
          this.settle(namespace, charge);
          reject(error);
        }
      };
      const waiting = this.#waiting.get(namespace);
      if (waiting) {
        waiting.push({ charge, done });
        return;
      }
      this.#waiting.set(namespace, [{ charge, done }]);
      void this.#work(namespace);
    });
  }

  async #work(namespace: string): Promise<void> {
    for (;;) {
      const waiting = this.#waiting.get(namespace) ?? [];
      if (waiting.length === 0) break;
      this.#waiting.set(namespace, []);
      try {
        const quotas = this.#quotasOf(namespace).map(quota => stateOf(quota, keyOf(quota), revisionOf(quota)));
        await this.#decide(namespace, quotas, waiting);
      } catch (error) {
        for (const { done } of waiting) done(error);
      }
    }
    this.#waiting.delete(namespace);
  }

  async #decide(namespace: string, quotas: readonly QuotaState[], waiting: readonly Waiting[]): Promise<void> {
    let undecided = waiting;
    let states = quotas;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const charged: Waiting[] = [];
      for (const one of undecided) {
        const { request, dryRun, refused } = one.charge;
        const checked = checkQuotas(states, request, this.#now());
        if ('refusal' in checked) one.done(refused(checked.refusal));
        else if (dryRun || checked.states.every((state, i) => state === states[i])) one.done();
        else {
          states = checked.states;
          charged.push(one);
        }
      }
      if (charged.length === 0) return;
      const unsettled = this.#unsettled.get(namespace) ?? new Set();
      this.#unsettled.set(namespace, unsettled);
      for (const { charge } of charged) unsettled.add(charge);
      const lost = await this.#write(states.filter(state => state.charged));
      if (lost.length === 0) {
        for (const { done } of charged) done();
        return;
      }
      // The others hold their charges: only those that have changed meanwhile are asked again.
      undecided = charged;
      states = lost.map(({ key, value, modRevision }) =>
        stateOf(deserialize(value, modRevision) as ResourceQuota & KubeObject, key, modRevision),
      );
    }
    const [first] = states;
    const name = first?.quota.metadata.name ?? '';
    for (const { done } of undecided) done(conflict({ group: '', resource: 'resourcequotas' }, name));
  }

  /** @returns the quotas that somebody else has written meanwhile, as they are now; those that are gone bind nobody. */
  async #write(states: readonly QuotaState[]): Promise<KeyValue[]> {
    const results = await Promise.all(
      states.map(({ quota, key, revision, used }) => {
        const status = { ...quota.status, used: formatQuantities(used) };
        const value = serialize({ ...quota, status } as unknown as KubeObject);
        return commit({ parts: { store: this.#store } }, { key, value, expect: revision });
      }),
    );
    return results.flatMap(result => (result.ok || !result.current ? [] : [result.current]));
  }
}

const keyOf = ({ metadata }: KubeObject): string =>
  `/registry/core/resourcequotas/${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

const revisionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
