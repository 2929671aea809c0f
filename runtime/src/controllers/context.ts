/** What every controller is given, and how it runs. */
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import { allSynced, type Informers } from '../client/informers.ts';
import type { WorkQueueMetrics } from '../client/metrics.ts';
import { type Worker, WorkQueue } from '../client/workQueue.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { MetricRegistry } from '../lib/metrics.ts';

export interface ControllerContext {
  readonly client: Client;
  /** Shared by all controllers and the scheduler: one cache a resource. */
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The controller's name, and where it tells how it does. */
  readonly measured?: { readonly name: string; readonly metrics: WorkQueueMetrics } | undefined;
  readonly metrics?: MetricRegistry | undefined;
}

/** Runs until `signal` aborts. Asks for its informers before it first waits. */
export type Controller = (context: ControllerContext, signal: AbortSignal) => Promise<void>;

/** Thrown by work that is not done and not failed: it waits for others, and is tried again with back-off. */
export class Unfinished extends Error {
  override readonly name = 'Unfinished';
}

/** @param baseDelayMs the first back-off; default 5 ms. */
export function newQueue(context: ControllerContext, baseDelayMs?: number): WorkQueue {
  return new WorkQueue({ clock: context.clock, baseDelayMs, measured: context.measured });
}

/** Waits for the caches, then reconciles what the queue brings until `signal` aborts. */
export async function reconcile(
  context: ControllerContext,
  queue: WorkQueue,
  caches: readonly { readonly synced: Promise<void> }[],
  work: Worker,
  signal: AbortSignal,
  concurrency = 2,
): Promise<void> {
  try {
    await allSynced(caches, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const onError = (error: unknown, key: string, retries: number): void => {
    // The first failures are mostly lost races, which the retry settles.
    const level = retries > 3 && !(error instanceof Unfinished) ? 'warn' : 'debug';
    context.logger[level]({ err: error, key, retries }, 'reconciling failed; it will be tried again');
  };
  await queue.run(work, { concurrency, onError }, signal);
}
