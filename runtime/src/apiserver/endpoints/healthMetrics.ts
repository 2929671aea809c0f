/** What became of each health check, for `/metrics/slis` (KEP-3466): as upstream, counted when somebody asks for the check. */
import { MetricRegistry } from '../../lib/metrics.ts';

export class HealthMetrics {
  readonly #registry = new MetricRegistry();
  readonly #last = this.#registry.gauge(
    'kubernetes_healthcheck',
    'Whether the check was good when last asked: 1 or 0.',
    ['name', 'type'],
  );
  readonly #total = this.#registry.counter('kubernetes_healthchecks_total', 'Health checks, by what became of them.', [
    'name',
    'status',
    'type',
  ]);

  /** @param type `livez`, `readyz`, `healthz` */
  checked(name: string, type: string, good: boolean): void {
    this.#last.with(name, type).set(good ? 1 : 0);
    this.#total.with(name, good ? 'success' : 'error', type).inc();
  }

  text(): string {
    return this.#registry.text();
  }
}
