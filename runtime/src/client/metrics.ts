/** What clients and work queues of this process do, under client-go's names (`component-base/metrics/prometheus`). */
import { exponential, type Histogram, type MetricRegistry } from '../lib/metrics.ts';
import type { Transport } from './transport.ts';

/** Seconds, client-go's. */
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
/** Seconds: from 10 ns to 1000 s. */
const queueBuckets = exponential(1e-8, 10, 12).map(value => Number(value.toPrecision(1)));

/** Counts the requests of `transport`. @param host whom it reaches: `127.0.0.1:6443`, `in-process`. */
export function measuredTransport(transport: Transport, registry: MetricRegistry, host: string): Transport {
  const total = registry.counter('rest_client_requests_total', 'Number of HTTP requests by code, method and host.', [
    'code',
    'host',
    'method',
  ]);
  const seconds = registry.histogram(
    'rest_client_request_duration_seconds',
    'Request latency in seconds, by verb and host.',
    ['host', 'verb'],
    requestBuckets,
  );
  const byVerb = new Map<string, Histogram>();
  const of = (method: string): Histogram => {
    let found = byVerb.get(method);
    if (!found) {
      found = seconds.with(host, method);
      byVerb.set(method, found);
    }
    return found;
  };
  return {
    async request(request) {
      const beganMs = performance.now();
      let code = '<error>';
      try {
        const response = await transport.request(request);
        code = String(response.status);
        return response;
      } finally {
        of(request.method).observe((performance.now() - beganMs) / 1000);
        total.with(code, host, request.method).inc();
      }
    },
    close: () => transport.close(),
  };
}

/** What a {@link WorkQueue} tells while it works. */
export interface QueueMetrics {
  added(depth: number): void;
  /** @param waitedMs since it was added. */
  began(depth: number, waitedMs: number): void;
  done(workedMs: number): void;
  retried(): void;
}

export interface Watched {
  /** When each key that is worked on was begun, in ms of `performance.now()`. */
  begun(): Iterable<number>;
}

export class WorkQueueMetrics {
  readonly #registry: MetricRegistry;
  readonly #queues = new Map<string, Watched[]>();

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    const read = (value: (sinceMs: readonly number[]) => number) => () =>
      [...this.#queues].map(([name, queues]) => {
        const nowMs = performance.now();
        return [[name], value(queues.flatMap(queue => [...queue.begun()].map(ms => (nowMs - ms) / 1000)))] as const;
      });
    registry.collect(
      'gauge',
      'workqueue_unfinished_work_seconds',
      'Seconds of work that has been begun and is not done; a growing value means stuck workers.',
      ['name'],
      read(seconds => seconds.reduce((sum, one) => sum + one, 0)),
    );
    registry.collect(
      'gauge',
      'workqueue_longest_running_processor_seconds',
      'For how many seconds the longest work of the queue has been going on.',
      ['name'],
      read(seconds => Math.max(0, ...seconds)),
    );
  }

  /** Of several queues of one name, the sums are told. */
  of(name: string, queue: Watched): QueueMetrics {
    this.#queues.set(name, [...(this.#queues.get(name) ?? []), queue]);
    const registry = this.#registry;
    const depth = registry.gauge('workqueue_depth', 'Keys that wait.', ['name']).with(name);
    const adds = registry.counter('workqueue_adds_total', 'Keys that were added.', ['name']).with(name);
    const retries = registry.counter('workqueue_retries_total', 'Keys that are tried again.', ['name']).with(name);
    const waited = registry
      .histogram('workqueue_queue_duration_seconds', 'How long keys wait, in seconds.', ['name'], queueBuckets)
      .with(name);
    const worked = registry
      .histogram('workqueue_work_duration_seconds', 'How long work on a key takes, in seconds.', ['name'], queueBuckets)
      .with(name);
    return {
      added(now) {
        adds.inc();
        depth.set(now);
      },
      began(now, waitedMs) {
        depth.set(now);
        waited.observe(waitedMs / 1000);
      },
      done: workedMs => worked.observe(workedMs / 1000),
      retried: () => retries.inc(),
    };
  }
}
