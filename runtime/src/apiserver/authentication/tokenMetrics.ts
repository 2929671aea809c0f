/** How service accounts come, under upstream's names (`pkg/serviceaccount/metrics.go`). */
import type { Counter, MetricRegistry } from '../../lib/metrics.ts';

export class TokenMetrics {
  readonly #fresh: Counter;
  readonly #stale: Counter;
  readonly #secret: Counter;
  readonly #legacy: Readonly<Record<'automatic' | 'manual' | 'invalid', Counter>>;

  constructor(registry: MetricRegistry) {
    const counter = (name: string, help: string): Counter => registry.counter(`serviceaccount_${name}`, help).with();
    this.#fresh = counter('valid_tokens_total', 'Cumulative valid projected service account tokens used');
    this.#stale = counter('stale_tokens_total', 'Cumulative stale projected service account tokens used');
    this.#secret = counter('legacy_tokens_total', 'Cumulative legacy service account tokens used');
    this.#legacy = {
      automatic: counter('legacy_auto_token_uses_total', 'Cumulative auto-generated legacy tokens used'),
      manual: counter('legacy_manual_token_uses_total', 'Cumulative manually created service account tokens used'),
      invalid: counter('invalid_legacy_auto_token_uses_total', 'Cumulative invalid auto-generated legacy tokens used'),
    };
  }

  projected(isStale: boolean): void {
    (isStale ? this.#stale : this.#fresh).inc();
  }

  legacy(which: 'automatic' | 'manual' | 'invalid'): void {
    if (which !== 'invalid') this.#secret.inc();
    this.#legacy[which].inc();
  }
}
