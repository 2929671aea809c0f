/**
 * Gives every pod that waits a node.
 *
 * Invariants: one decision at a time, each on a snapshot that holds all decisions before it; deciding is synchronous, so
 * no event is missed between looking and parking; binding runs beside the next decisions; a pod is bound at most once
 * (the API server refuses a second binding, and the uid is in ours).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodCondition } from '../api/generated/types/core.v1.ts';
import { isTerminal, podCondition } from '../api/pods.ts';
import { isConflict, isNotFound } from '../client/apiError.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import { allSynced, type Informers } from '../client/informers.ts';
import { keyOf, keyText, Pods } from '../client/resources.ts';
import { wireTime } from '../client/wireTime.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { MetricRegistry } from '../lib/metrics.ts';
import { Cluster } from './cluster.ts';
import { decide, type Failure, failureText } from './decide.ts';
import { SchedulerMetrics } from './metrics.ts';
import { asksDifferently, LIFTED_BY_DEPARTURE, LIFTED_BY_POD, LIFTED_BY_VOLUME, liftedByNodeUpdate } from './moves.ts';
import { preempt } from './preempt.ts';
import { priorityOf, type QueuedPod, SchedulingQueue } from './queue.ts';

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Pods that ask for another scheduler are left alone. */
  readonly name?: string | undefined;
  /** Where it tells how it does. */
  readonly metrics?: MetricRegistry | undefined;
}

/** Bindings under way at once. */
const MAX_BINDING = 16;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #cluster: Cluster;
  readonly #queue: SchedulingQueue;
  readonly #name: string;
  readonly #metrics: SchedulerMetrics | undefined;
  readonly #work = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;
  #ready = false;
  #planned = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#name = options.name ?? 'default-scheduler';
    this.#cluster = new Cluster(options.informers);
    this.#metrics = options.metrics && new SchedulerMetrics(options.metrics, this.#name);
    this.#queue = new SchedulingQueue(options.clock, () => this.#plan(), this.#metrics);
    this.#metrics?.watch(() => ({ ...this.#queue.sizes, gated: this.#gated() }));
    this.#listen();
  }

  /** Runs until `signal` aborts; resolves when the last binding has ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    try {
      await allSynced(this.#cluster.caches, signal);
      this.#ready = true;
      this.#plan();
      await new Promise<void>(resolve => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#queue.close();
      await Promise.allSettled(this.#work);
    }
  }

  #gated(): number {
    let count = 0;
    for (const pod of this.#cluster.pods.list()) {
      if (!pod.spec?.nodeName && (pod.spec?.schedulingGates?.length ?? 0) > 0 && this.#isOurs(pod)) count++;
    }
    return count;
  }

  #isOurs(pod: Pod): boolean {
    return (pod.spec?.schedulerName || 'default-scheduler') === this.#name;
  }

  #waits(pod: Pod): boolean {
    return (
      this.#isOurs(pod) &&
      !pod.spec?.nodeName &&
      !pod.metadata.deletionTimestamp &&
      !isTerminal(pod) &&
      (pod.spec?.schedulingGates?.length ?? 0) === 0
    );
  }

  /** The cluster's own listeners stand before these: what is asked here sees the change already. */
  #listen(): void {
    const { pods, nodes, claims, volumes } = this.#cluster;
    const queue = this.#queue;
    pods.on({
      add: pod => {
        if (this.#waits(pod)) queue.add(pod);
        else if (pod.spec?.nodeName) queue.moved(LIFTED_BY_POD);
      },
      update: (pod, old) => {
        if (this.#waits(pod)) {
          if (this.#cluster.isAssumed(pod)) return;
          if (!this.#waits(old) || asksDifferently(pod, old)) queue.add(pod);
          else queue.refresh(pod);
          return;
        }
        queue.delete(pod);
        if (!pod.spec?.nodeName) return;
        if (isTerminal(pod) && !isTerminal(old)) queue.moved(LIFTED_BY_DEPARTURE);
        else if (!old.spec?.nodeName || !isDeepStrictEqual(pod.metadata.labels, old.metadata.labels)) {
          queue.moved(LIFTED_BY_POD);
        }
      },
      delete: pod => {
        queue.delete(pod);
        if (pod.spec?.nodeName) queue.moved(LIFTED_BY_DEPARTURE);
      },
    });
    nodes.on({
      add: () => queue.moved(undefined),
      update: (node, old) => {
        const lifted = liftedByNodeUpdate(node, old);
        if (lifted.length > 0) queue.moved(lifted);
      },
      delete: () => queue.moved(LIFTED_BY_POD),
    });
    const volumeChanged = (): void => queue.moved(LIFTED_BY_VOLUME);
    claims.on({ add: volumeChanged, update: volumeChanged });
    volumes.on({ add: volumeChanged, update: volumeChanged });
  }

  /** Decisions run one an event-loop turn: a thousand new pods do not stop the process. */
  #plan(): void {
    if (this.#planned || !this.#ready || this.#signal?.aborted || this.#work.size >= MAX_BINDING) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      if (this.#signal?.aborted) return;
      const entry = this.#queue.pop();
      if (!entry) return;
      this.#decide(entry);
      this.#plan();
    });
  }

  #decide(entry: QueuedPod): void {
    const { pod } = entry;
    const { logger, random = Math.random } = this.#options;
    const beganMs = performance.now();
    try {
      const decision = decide(pod, this.#cluster.snapshot(pod), random);
      if (decision.node === undefined) {
        this.#refused(entry, decision.failure);
        this.#metrics?.attempted('unschedulable', performance.now() - beganMs);
      } else {
        this.#cluster.assume(pod, decision.node);
        this.#start(this.#bind(entry, decision.node, beganMs));
      }
    } catch (error) {
      logger.error({ err: error, pod: keyText(keyOf(pod)) }, 'a pod could not be scheduled');
      this.#metrics?.attempted('error', performance.now() - beganMs);
      this.#queue.retry(entry);
    }
  }

  #start(work: Promise<void>): void {
    const { logger } = this.#options;
    const tracked: Promise<void> = work
      .catch(error => {
        if (!this.#signal?.aborted) logger.warn({ err: error }, 'a scheduling decision could not be written');
      })
      .finally(() => {
        this.#work.delete(tracked);
        this.#plan();
      });
    this.#work.add(tracked);
  }

  async #bind(entry: QueuedPod, node: string, beganMs: number): Promise<void> {
    const { client, clock, events, logger } = this.#options;
    const bindingMs = performance.now();
    const { pod } = entry;
    const { namespace, name = '', uid } = pod.metadata;
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { kind: 'Node', name: node },
    };
    try {
      await client.createSubresource(Pods, keyOf(pod), 'binding', binding, this.#request());
    } catch (error) {
      this.#cluster.forget(pod);
      this.#metrics?.bound(false, performance.now() - bindingMs);
      // Gone, or bound already: the cache will say so.
      if (isNotFound(error) || isConflict(error)) return;
      const message = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error, pod: keyText(keyOf(pod)), node }, 'binding failed');
      events.event(Pods, pod, 'Warning', 'FailedScheduling', `binding rejected: ${message}`);
      this.#metrics?.attempted('error', performance.now() - beganMs);
      this.#queue.retry(entry);
      return;
    }
    const nowMs = performance.now();
    this.#metrics?.bound(true, nowMs - bindingMs);
    this.#metrics?.attempted('scheduled', nowMs - beganMs);
    this.#metrics?.scheduled(entry.attempts + 1, clock.now() - entry.sinceMs);
    events.event(Pods, pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`);
  }

  #refused(entry: QueuedPod, failure: Failure): void {
    const { pod } = entry;
    const { events } = this.#options;
    let text: string;
    let nominated: string | undefined;
    let victims: readonly Pod[] = [];
    if (failure.nodes === 0) text = 'no nodes available to schedule pods';
    else if (this.#awaitsVictims(pod)) {
      text = failureText(failure, 'preemption: not eligible due to a terminating pod on the nominated node.');
    } else {
      const result = preempt(pod, this.#cluster.snapshot(pod), failure);
      this.#metrics?.preempted(result.node === undefined ? 0 : result.victims.length);
      if (result.node === undefined) text = failureText(failure, result.text);
      else {
        text = failureText(failure);
        nominated = result.node;
        victims = result.victims;
        this.#cluster.nominate(pod, nominated);
      }
    }
    this.#queue.park(entry, failure.nodes === 0 ? new Set() : failure.plugins);
    events.event(Pods, pod, 'Warning', 'FailedScheduling', text);
    this.#start(this.#report(pod, text, nominated, victims));
  }

  /** Its victims have not gone yet: taking more would not help. */
  #awaitsVictims(pod: Pod): boolean {
    const node = this.#cluster.nominatedNode(pod);
    if (!node) return false;
    const info = this.#cluster.snapshot(pod).nodes.find(({ name }) => name === node);
    return info?.pods.some(other => other.metadata.deletionTimestamp && priorityOf(other) < priorityOf(pod)) ?? false;
  }

  async #report(pod: Pod, message: string, nominated: string | undefined, victims: readonly Pod[]): Promise<void> {
    const { client } = this.#options;
    await this.#setCondition(
      pod,
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
      nominated ? { nominatedNodeName: nominated } : {},
    );
    for (const victim of victims) {
      const text = `${this.#name}: preempting to accommodate a higher priority pod`;
      await this.#setCondition(
        victim,
        { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: text },
        {},
      );
      const { uid } = victim.metadata;
      try {
        await client.delete(Pods, keyOf(victim), uid ? { preconditions: { uid } } : {}, this.#request());
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      const by = `Preempted by pod ${pod.metadata.uid ?? ''} on node ${nominated ?? ''}`;
      this.#options.events.event(Pods, victim, 'Normal', 'Preempted', by);
    }
  }

  /** Writes only what is new: the same refusal again costs nothing. */
  async #setCondition(pod: Pod, condition: PodCondition, status: Readonly<Record<string, string>>): Promise<void> {
    const { client, clock } = this.#options;
    const old = podCondition(pod, condition.type);
    const same =
      old?.status === condition.status && old.reason === condition.reason && old.message === condition.message;
    if (same && Object.keys(status).length === 0) return;
    const now = wireTime(clock.now());
    const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
    const patch = {
      metadata: { uid: pod.metadata.uid },
      status: { ...status, conditions: [{ ...condition, lastTransitionTime, lastProbeTime: null }] },
    };
    try {
      await client.patch(Pods, keyOf(pod), patch, { type: 'strategic', subresource: 'status', ...this.#request() });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #request(): { readonly signal?: AbortSignal } {
    return this.#signal ? { signal: this.#signal } : {};
  }
}
