/** What the scheduler tells of itself, under upstream's names (`pkg/scheduler/metrics`). */
import { exponential, type MetricRegistry } from '../lib/metrics.ts';

export type Result = 'scheduled' | 'unschedulable' | 'error';
type Queue = 'active' | 'backoff' | 'unschedulable' | 'gated';

export class SchedulerMetrics {
  readonly #registry: MetricRegistry;
  readonly #profile: string;
  readonly #attempts;
  readonly #seconds;
  readonly #incoming;
  readonly #bind;

  /** @param profile the scheduler's name. */
  constructor(registry: MetricRegistry, profile: string) {
    this.#registry = registry;
    this.#profile = profile;
    this.#attempts = registry.counter(
      'scheduler_schedule_attempts_total',
      'Attempts to schedule pods, by what became of them.',
      ['profile', 'result'],
    );
    this.#seconds = registry.histogram(
      'scheduler_scheduling_attempt_duration_seconds',
      'How long an attempt took, with the binding, in seconds.',
      ['profile', 'result'],
      exponential(0.001, 2, 15),
    );
    this.#incoming = registry.counter(
      'scheduler_queue_incoming_pods_total',
      'Pods that came into a queue, by why and which.',
      ['event', 'queue'],
    );
    this.#bind = registry.histogram(
      'scheduler_framework_extension_point_duration_seconds',
      'How long all plugins of an extension point took, in seconds.',
      ['extension_point', 'profile', 'status'],
      exponential(0.0001, 2, 12),
    );
  }

  /** Reads how many pods wait where, when somebody asks. */
  watch(read: () => Readonly<Record<Queue, number>>): void {
    this.#registry.collect('gauge', 'scheduler_pending_pods', 'Pods that wait, by where.', ['queue'], () =>
      Object.entries(read()).map(([queue, count]) => [[queue], count] as const),
    );
  }

  incoming(event: 'PodAdd' | 'ScheduleAttemptFailure' | 'BackoffComplete', queue: Queue): void {
    this.#incoming.with(event, queue).inc();
  }

  attempted(result: Result, tookMs: number): void {
    this.#attempts.with(this.#profile, result).inc();
    this.#seconds.with(this.#profile, result).observe(tookMs / 1000);
  }

  bound(good: boolean, tookMs: number): void {
    this.#bind.with('Bind', this.#profile, good ? 'Success' : 'Error').observe(tookMs / 1000);
  }

  /** @param waitedMs from when the pod first asked. */
  scheduled(attempts: number, waitedMs: number): void {
    this.#registry
      .histogram('scheduler_pod_scheduling_attempts', 'How many attempts a pod took.', [], exponential(1, 2, 5))
      .with()
      .observe(attempts);
    this.#registry
      .histogram(
        'scheduler_pod_scheduling_sli_duration_seconds',
        'From when a pod asks until it has a node, in seconds, by attempts.',
        ['attempts'],
        exponential(0.01, 2, 20),
      )
      .with(attempts >= 16 ? '16+' : String(attempts))
      .observe(waitedMs / 1000);
  }

  preempted(victims: number): void {
    this.#registry.counter('scheduler_preemption_attempts_total', 'Preemptions tried.').with().inc();
    if (victims === 0) return;
    this.#registry
      .histogram('scheduler_preemption_victims', 'Pods that had to go for another.', [], exponential(1, 2, 7))
      .with()
      .observe(victims);
  }
}
