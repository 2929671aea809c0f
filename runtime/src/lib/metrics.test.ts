import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exponential, MetricRegistry } from './metrics.ts';

describe('metrics', () => {
  it('are written as Prometheus reads them', () => {
    const registry = new MetricRegistry();
    registry.counter('requests_total', 'Requests.', ['code', 'verb']).with('200', 'GET').inc();
    registry.counter('requests_total', 'Requests.', ['code', 'verb']).with('200', 'GET').inc(2);
    registry.gauge('open', 'Open.').with().set(5);
    registry.gauge('open', 'Open.').with().inc(-1);
    const seconds = registry.histogram('seconds', 'Latency.', ['verb'], [0.5, 1, 1e6]);
    for (const value of [0.1, 0.5, 0.7, 30, 2e6]) seconds.with('a"b\n').observe(value);
    registry.collect('gauge', 'kept', 'Kept.', ['kind'], () => [[['pods'], 3]]);
    registry.counter('never_total', 'Never.');
    assert.equal(
      registry.text(),
      `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",verb="GET"} 3
# HELP open Open.
# TYPE open gauge
open 4
# HELP seconds Latency.
# TYPE seconds histogram
seconds_bucket{verb="a\\"b\\n",le="0.5"} 2
seconds_bucket{verb="a\\"b\\n",le="1"} 3
seconds_bucket{verb="a\\"b\\n",le="1e+06"} 4
seconds_bucket{verb="a\\"b\\n",le="+Inf"} 5
seconds_sum{verb="a\\"b\\n"} 2000031.3
seconds_count{verb="a\\"b\\n"} 5
# HELP kept Kept.
# TYPE kept gauge
kept{kind="pods"} 3
`,
    );
    assert.equal(new MetricRegistry().text(), '');
  });

  it('go with what they speak of', () => {
    const registry = new MetricRegistry();
    const family = registry.counter('requests_total', 'Requests.', ['code', 'verb']);
    family.with('200', 'GET').inc();
    const old = family.with('404', 'GET');
    family.remove('404', 'GET');
    family.remove('500', 'GET');
    old.inc();
    assert.match(registry.text(), /^# HELP .*\n# TYPE .*\nrequests_total\{code="200",verb="GET"\} 1\n$/);
    family.with('404', 'GET').inc();
    assert.match(registry.text(), /requests_total\{code="404",verb="GET"\} 1\n/);
  });

  it('are bounded, whatever the labels', () => {
    const registry = new MetricRegistry();
    const family = registry.counter('x_total', 'X.', ['name']);
    for (let i = 0; i < 5000; i++) family.with(`n${i}`).inc();
    assert.equal(registry.text().split('\n').length, 1003);
  });

  it('have buckets as Go makes them', () => {
    assert.deepEqual(exponential(1000, 10, 7), [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
    assert.deepEqual(exponential(1, 2, 5), [1, 2, 4, 8, 16]);
  });
});
