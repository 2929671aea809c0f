/**
 * Counters under upstream's names, in Prometheus' text format, which every scraper takes, whatever else it asks for.
 *
 * Paths come from the network: what is no served resource is counted under one name, so the series stay few.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { kindModule } from '../api/kinds/index.ts';
import { findResource, type ResourceInfo } from '../api/resources.ts';
import { exponential, HistogramChild, type MetricRegistry } from '../lib/metrics.ts';
import type { Store } from '../store/store.ts';
import type { ObjectCount, ObjectCounts } from './objectCounts.ts';
import type { WatchHub } from './watch/hub.ts';

/** Seconds, upstream's. Those of `_sli_` are the ones from {@link SLI_FROM} on. */
export const requestBuckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const SLI_FROM = 0.05;
/** Bytes. */
const sizeBuckets = exponential(1000, 10, 7);
const MAX_SERIES = 2000;
/** Some hundred lines: a millisecond or two. */
const CHUNK_CHARACTERS = 65_536;

export interface Labels {
  /** `GET`, `LIST`, `POST`, `APPLY`…: as upstream's, not the API's own verbs. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly dryRun: boolean;
}

interface Series {
  readonly of: Pick<Labels, 'group' | 'version' | 'resource'>;
  readonly verb: string;
  /** Without `dry_run` and with it. */
  readonly labels: string;
  readonly dryLabels: string;
  readonly codes: Map<number, number>;
  readonly seconds: HistogramChild;
  /** Only of what is read. */
  readonly bytes: HistogramChild | undefined;
}

/** How large an answer was, once that is known. */
export type Sized = (bytes: number) => void;

export interface Measured {
  readonly store: Store;
  readonly watches: WatchHub;
  readonly objects: ObjectCounts;
  readonly startedMs: number;
  /** `v1.36.4+atoll0.1.0` */
  readonly gitVersion: string;
  /** Those of the server's other parts. */
  readonly registry: MetricRegistry;
}

export const labelsOf = (of: Pick<ResourceInfo, 'group' | 'version' | 'kind'>): string =>
  `group=${quote(of.group)},kind=${quote(of.kind)},version=${quote(of.version)}`;

export class Metrics {
  readonly #series = new Map<string, Series>();
  readonly #deprecated = new Set<string>();
  #reading = 0;
  #mutating = 0;

  begin(mutating: boolean): void {
    if (mutating) this.#mutating++;
    else this.#reading++;
  }

  end(mutating: boolean): void {
    if (mutating) this.#mutating--;
    else this.#reading--;
  }

  /**
   * @param durationMs undefined: it is counted, and nobody wants to know how long it took.
   * @returns undefined: nor how large the answer is.
   */
  observe(labels: Labels, code: number, durationMs: number | undefined): Sized | undefined {
    const { verb, group, version, resource, subresource, scope, dryRun } = labels;
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${dryRun}`;
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= MAX_SERIES) return undefined;
      series = newSeries(labels);
      this.#series.set(key, series);
      this.#noteDeprecated(labels);
    }
    series.codes.set(code, (series.codes.get(code) ?? 0) + 1);
    if (durationMs === undefined) return undefined;
    // How long a watch was open says nothing about the server.
    if (verb !== 'WATCH' && verb !== 'CONNECT') series.seconds.observe(durationMs / 1000);
    const { bytes } = series;
    return bytes && (size => bytes.observe(size));
  }

  /** Nobody can ask for it any more. */
  forget({ group, version, resource }: Pick<ResourceInfo, 'group' | 'version' | 'resource'>): void {
    for (const [key, { of }] of this.#series)
      if (of.resource === resource && of.group === group && of.version === version) this.#series.delete(key);
  }

  #noteDeprecated({ group, version, resource, subresource }: Labels): void {
    const found = resource === '' ? undefined : findResource(group, version, resource);
    if (!found || kindModule(group, found.kind, version)?.deprecated === undefined) return;
    this.#deprecated.add(
      `group=${quote(group)},removed_release="",resource=${quote(resource)},subresource=${quote(subresource)},version=${quote(version)}`,
    );
  }

  /**
   * Everything, in chunks with turns of the event loop between them: it may be megabytes, and others are waiting.
   * @returns rejects when the store cannot be asked.
   */
  async chunks(measured: Measured, more: () => string): Promise<AsyncIterable<Buffer>> {
    const counted = await measured.objects.counts();
    const { registry } = measured;
    // With the request that asks, which will have been answered by the time they are written.
    const inFlight: InFlight = { mutating: this.#mutating, readOnly: this.#reading };
    const families = (): Generator<string>[] => [
      this.#requests(),
      this.#rest(measured, counted, inFlight),
      registry.families(),
    ];
    return (async function* () {
      let text = '';
      for (const blocks of families()) {
        for (const block of blocks) {
          text += block;
          if (text.length < CHUNK_CHARACTERS) continue;
          yield Buffer.from(text);
          text = '';
          await turn();
        }
      }
      yield Buffer.from(text + more());
    })();
  }

  /** A series is told in one block, so that its numbers fit together. */
  *#requests(): Generator<string> {
    const all = [...this.#series.values()];
    yield headOf('apiserver_request_total', 'counter', 'Requests by verb, resource, code and more.');
    for (const { dryLabels, codes } of all)
      yield linesOf([...codes].map(([code, count]) => `apiserver_request_total{code="${code}",${dryLabels}} ${count}`));
    const timed = all.filter(({ seconds }) => seconds.total > 0);
    const duration = 'apiserver_request_duration_seconds';
    yield headOf(duration, 'histogram', 'Response latency in seconds; watches excluded.');
    for (const { dryLabels, seconds } of timed) yield linesOf(seconds.lines(duration, dryLabels));
    const sli = 'apiserver_request_sli_duration_seconds';
    yield headOf(sli, 'histogram', 'Response latency in seconds; watches excluded.');
    for (const { labels, seconds } of timed) yield linesOf(seconds.lines(sli, labels, SLI_FROM));
    const sizes = 'apiserver_response_sizes';
    yield headOf(sizes, 'histogram', 'Size of answers to reads in bytes.');
    for (const { labels, bytes } of all) if (bytes && bytes.total > 0) yield linesOf(bytes.lines(sizes, labels));
  }

  *#rest(
    { store, watches, startedMs, gitVersion }: Measured,
    counted: readonly ObjectCount[],
    inFlight: InFlight,
  ): Generator<string> {
    yield metric('apiserver_current_inflight_requests', 'gauge', 'Requests being answered; watches excluded.', [
      ['request_kind="mutating"', inFlight.mutating],
      ['request_kind="readOnly"', inFlight.readOnly],
    ]);
    yield metric('apiserver_longrunning_requests', 'gauge', 'Open watches.', watches.longRunning());
    yield metric('apiserver_watch_events_total', 'counter', 'Events sent to watches.', watches.eventsSent());
    if (this.#deprecated.size > 0) {
      const asked = [...this.#deprecated].map(labels => [labels, 1] as const);
      yield metric('apiserver_requested_deprecated_apis', 'gauge', 'Deprecated APIs that have been asked for.', asked);
    }
    yield metric(
      'apiserver_storage_objects',
      'gauge',
      'Objects stored, by resource.',
      counted.map(({ group, resource, count }) => [
        `resource=${quote(group === '' ? resource : `${resource}.${group}`)}`,
        count,
      ]),
    );
    yield metric(
      'apiserver_resource_objects',
      'gauge',
      'Objects stored, by group and resource.',
      counted.map(({ group, resource, count }) => [`group=${quote(group)},resource=${quote(resource)}`, count]),
    );
    yield metric('apiserver_storage_revision', 'gauge', 'The newest durable revision of the store.', [
      ['', store.revision()],
    ]);
    yield metric('apiserver_storage_compacted_revision', 'gauge', 'Revisions before this one are forgotten.', [
      ['', store.compactedRevision()],
    ]);
    const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
    yield metric('kubernetes_build_info', 'gauge', 'What this server is.', [
      [`git_version=${quote(gitVersion)},major="${major}",minor="${minor}",platform=${quote(process.platform)}`, 1],
    ]);
    for (const [name, type, help, value] of processMetrics(startedMs)) yield metric(name, type, help, [['', value]]);
  }
}

interface InFlight {
  readonly mutating: number;
  readonly readOnly: number;
}

type Values = Iterable<readonly [labels: string, value: number]>;

const headOf = (name: string, type: string, help: string): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

function linesOf(lines: Iterable<string>): string {
  let text = '';
  for (const line of lines) text += `${line}\n`;
  return text;
}

function metric(name: string, type: 'counter' | 'gauge', help: string, values: Values): string {
  let text = headOf(name, type, help);
  for (const [labels, value] of values) text += labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
  return text;
}

function newSeries({ verb, group, version, resource, subresource, scope, dryRun }: Labels): Series {
  const of = (dry: string): string =>
    `component="apiserver",${dry}group=${quote(group)},resource=${quote(resource)},scope=${quote(scope)},subresource=${quote(subresource)},verb=${quote(verb)},version=${quote(version)}`;
  return {
    of: { group, version, resource },
    verb,
    labels: of(''),
    dryLabels: of(`dry_run="${dryRun ? 'All' : ''}",`),
    codes: new Map(),
    seconds: new HistogramChild(requestBuckets),
    bytes: verb === 'GET' || verb === 'LIST' ? new HistogramChild(sizeBuckets) : undefined,
  };
}

type ProcessMetric = readonly [name: string, type: 'counter' | 'gauge', help: string, value: number];

/** What every Prometheus client library says of its process. */
function processMetrics(startedMs: number): ProcessMetric[] {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    [
      'process_cpu_seconds_total',
      'counter',
      'User and system CPU time spent in seconds.',
      (cpu.user + cpu.system) / 1e6,
    ],
    ['process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', memory.rss],
    ...fromProc(),
    ['process_start_time_seconds', 'gauge', 'Start time of the process since the epoch in seconds.', startedMs / 1000],
    ['nodejs_heap_used_bytes', 'gauge', 'Bytes of the heap in use.', memory.heapUsed],
    ['nodejs_external_memory_bytes', 'gauge', 'Bytes of buffers outside the heap.', memory.external],
  ];
}

function fromProc(): ProcessMetric[] {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return [
      [
        'process_virtual_memory_bytes',
        'gauge',
        'Virtual memory size in bytes.',
        1024 * Number(/^VmSize:\s+(\d+)/m.exec(status)?.[1] ?? 0),
      ],
      ['process_open_fds', 'gauge', 'Number of open file descriptors.', readdirSync('/proc/self/fd').length],
      [
        'process_max_fds',
        'gauge',
        'Maximum number of open file descriptors.',
        Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0),
      ],
    ];
  } catch {
    return []; // no Linux
  }
}

export const quote = (text: string): string => JSON.stringify(text);
