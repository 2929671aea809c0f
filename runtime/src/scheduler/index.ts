/** The scheduler as the server starts it. */
import { setMaxListeners } from 'node:events';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/events.ts';
import { Informers } from '../client/informers.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { MetricRegistry } from '../lib/metrics.ts';
import { Scheduler } from './scheduler.ts';

export interface StartSchedulerOptions {
  /** With the identity `system:kube-scheduler`. */
  readonly client: Client;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** Shared with the controllers, so that pods and nodes are cached once. Default: its own, started here. */
  readonly informers?: Informers | undefined;
  /** Where it tells how it does. */
  readonly metrics?: MetricRegistry | undefined;
}

/** Schedules until `signal` aborts; resolves when all it began is done. */
export async function startScheduler(options: StartSchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, logger, clock = systemClock } = options;
  // Every request under way listens to this one signal: many listeners are no leak here.
  setMaxListeners(0, signal);
  const informers = options.informers ?? new Informers({ client, logger, clock });
  const events = new EventRecorder({ client, logger, clock, component: 'default-scheduler' });
  const scheduler = new Scheduler({ client, informers, events, logger, clock, metrics: options.metrics });
  if (!options.informers) informers.start(signal);
  await scheduler.run(signal);
  await events.close();
}
