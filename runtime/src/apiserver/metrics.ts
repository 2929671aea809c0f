/** Counters under upstream's names, in Prometheus' text format. */
import type { Store } from '../store/store.ts';

/** Seconds; upstream's buckets, thinned. */
const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 1, 2, 5, 10, 30, 60];

interface Labels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
}

interface Series {
  readonly labels: string;
  readonly codes: Map<number, number>;
  readonly counts: number[];
  sum: number;
  total: number;
}

/** Paths come from the network: what is not a served resource is counted under one name, so series stay few. */
const MAX_SERIES = 2000;

export class Metrics {
  readonly #series = new Map<string, Series>();
  #inFlight = 0;

  begin(): void {
    this.#inFlight++;
  }

  end(): void {
    this.#inFlight--;
  }

  observe(labels: Labels, code: number, durationMs: number): void {
    const { verb, group, version, resource, subresource, scope } = labels;
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scope}`;
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= MAX_SERIES) return;
      const text = `component="apiserver",group=${quote(group)},resource=${quote(resource)},scope=${quote(scope)},subresource=${quote(subresource)},verb=${quote(verb)},version=${quote(version)}`;
      series = { labels: text, codes: new Map(), counts: new Array<number>(buckets.length).fill(0), sum: 0, total: 0 };
      this.#series.set(key, series);
    }
    series.codes.set(code, (series.codes.get(code) ?? 0) + 1);
    if (verb === 'WATCH') return; // how long a watch was open says nothing about the server
    const seconds = durationMs / 1000;
    series.sum += seconds;
    series.total++;
    const at = buckets.findIndex(limit => seconds <= limit);
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1;
  }

  text(store: Store, watches: number, startedMs: number): string {
    const lines: string[] = [];
    const metric = (name: string, type: string, help: string, values: readonly string[]): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values);
    };
    const all = [...this.#series.values()];
    metric(
      'apiserver_request_total',
      'counter',
      'Requests by verb, resource and code.',
      all.flatMap(({ labels, codes }) =>
        [...codes].map(([code, count]) => `apiserver_request_total{code="${code}",${labels}} ${count}`),
      ),
    );
    metric(
      'apiserver_request_duration_seconds',
      'histogram',
      'Response latency in seconds, watches excluded.',
      all.filter(({ total }) => total > 0).flatMap(histogram),
    );
    metric('apiserver_current_inflight_requests', 'gauge', 'Requests being answered.', [
      `apiserver_current_inflight_requests ${this.#inFlight}`,
    ]);
    metric('apiserver_longrunning_requests', 'gauge', 'Open watches.', [
      `apiserver_longrunning_requests{verb="WATCH"} ${watches}`,
    ]);
    metric('apiserver_storage_revision', 'gauge', 'The newest durable revision of the store.', [
      `apiserver_storage_revision ${store.revision()}`,
    ]);
    metric('apiserver_storage_compacted_revision', 'gauge', 'Revisions before this one are forgotten.', [
      `apiserver_storage_compacted_revision ${store.compactedRevision()}`,
    ]);
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', [
      `process_resident_memory_bytes ${memory.rss}`,
    ]);
    metric('nodejs_heap_used_bytes', 'gauge', 'Bytes of the heap in use.', [
      `nodejs_heap_used_bytes ${memory.heapUsed}`,
    ]);
    metric('process_cpu_seconds_total', 'counter', 'User and system CPU time spent in seconds.', [
      `process_cpu_seconds_total ${(cpu.user + cpu.system) / 1e6}`,
    ]);
    metric('process_start_time_seconds', 'gauge', 'Start time of the process since the epoch in seconds.', [
      `process_start_time_seconds ${startedMs / 1000}`,
    ]);
    return `${lines.join('\n')}\n`;
  }
}

function histogram({ labels, counts, sum, total }: Series): string[] {
  const name = 'apiserver_request_duration_seconds';
  let cumulative = 0;
  const lines = buckets.map((limit, index) => {
    cumulative += counts[index] ?? 0;
    return `${name}_bucket{${labels},le="${limit}"} ${cumulative}`;
  });
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${total}`,
    `${name}_sum{${labels}} ${sum}`,
    `${name}_count{${labels}} ${total}`,
  ];
}

const quote = (text: string): string => JSON.stringify(text);
