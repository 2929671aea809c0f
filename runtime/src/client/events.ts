/**
 * Events about objects, for people: recorded in the background, never in the way of work, never a flood.
 *
 * The rules are upstream's correlator's: the same event again only counts up; ten events of one object and reason with
 * differing messages within ten minutes become one "(combined from similar events)"; one object gets a burst of 25 and
 * then one every five minutes.
 *
 * Invariants: at most {@link MAX_QUEUED} events wait, later ones are dropped; events of one recorder are written in order; a failure to write is logged and forgotten.
 */
import { randomInt } from 'node:crypto';
import type { Event as KubeEvent } from '../api/generated/types/core.v1.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from './apiError.ts';
import type { Client } from './client.ts';
import { type Decision, EventCorrelator } from './eventCorrelator.ts';
import { type ApiObject, apiVersionOf, Events, type ResourceRef } from './resources.ts';
import { wireTime } from './wireTime.ts';

export interface EventRecorderOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** `default-scheduler`, `kubelet` */
  readonly component: string;
  /** The node, for components of a node. */
  readonly host?: string | undefined;
}

export interface EventExtras {
  /** A part of the object: `spec.containers{web}`. */
  readonly fieldPath?: string | undefined;
}

const MAX_QUEUED = 1000;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #correlator: EventCorrelator;
  readonly #queue: { readonly decision: Decision; readonly event: KubeEvent }[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#correlator = new EventCorrelator();
  }

  /** Returns at once. `ref` says what kind `object` is: objects out of lists do not. */
  event<T extends ApiObject>(
    ref: ResourceRef<T>,
    object: T,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    extras: EventExtras = {},
  ): void {
    if (this.#closed || this.#queue.length >= MAX_QUEUED) return;
    const { component, host } = this.#options;
    const { name = '', namespace, uid } = object.metadata;
    const nowMs = this.#clock.now();
    const now = wireTime(nowMs);
    // As upstream: events about cluster-scoped objects live in `default`.
    const eventNamespace = namespace || 'default';
    const involvedObject = {
      apiVersion: apiVersionOf(ref),
      kind: ref.kind,
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(object.metadata.resourceVersion ? { resourceVersion: object.metadata.resourceVersion } : {}),
      ...(extras.fieldPath ? { fieldPath: extras.fieldPath } : {}),
    };
    // Go cuts messages at 1024 bytes.
    const short = message.length > 1024 ? `${message.slice(0, 1021)}...` : message;
    const decision = this.#correlator.decide({ involvedObject, type, reason, message: short }, nowMs);
    if (!decision) return;
    const event: KubeEvent = {
      metadata: { name: `${name.slice(0, 200)}.${eventSuffix(nowMs)}`, namespace: eventNamespace },
      involvedObject,
      type,
      reason,
      message: decision.message,
      source: { component, ...(host ? { host } : {}) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    this.#queue.push({ decision, event });
    this.#writing ??= this.#drain();
  }

  /** Resolves when all recorded so far is written or given up. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Takes no more events; what waits is still written. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      try {
        await this.#write(next.decision, next.event);
      } catch (error) {
        if (!isNamespaceTerminating(error) && !isNotFound(error)) {
          this.#options.logger.debug({ err: error, reason: next.event.reason }, 'an event could not be recorded');
        }
      }
    }
    this.#writing = undefined;
  }

  async #write({ memory }: Decision, event: KubeEvent): Promise<void> {
    const { client } = this.#options;
    if (memory.written) {
      try {
        memory.count += 1;
        const { count } = memory;
        const { message, lastTimestamp } = event;
        await client.patch(Events, memory.written, { count, message, lastTimestamp }, { type: 'merge' });
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        memory.count = 0;
      }
    }
    const { name = '', namespace } = event.metadata;
    await client.create(Events, event).catch(error => {
      if (!isAlreadyExists(error)) throw error;
    });
    memory.count += 1;
    memory.written = { namespace, name };
  }
}

/** Unique enough within an object: time in hexadecimal as upstream's, and what is random where upstream has nanoseconds. */
function eventSuffix(nowMs: number): string {
  return (BigInt(nowMs) * 1_000_000n + BigInt(randomInt(1_000_000))).toString(16);
}
