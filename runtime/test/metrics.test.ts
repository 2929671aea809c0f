/**
 * `/metrics` as monitoring people know it: every metric upstream calls STABLE and that has a meaning here is there, with its name,
 * type, labels and buckets. Those of the API server are read from upstream's sources; those of its scheduler and controllers stand
 * below (kubernetes: test/instrumentation/testdata/stable-metrics-list.yaml).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ask, open } from './apiserverAsk.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { definition, version } from './customResourcesFixture.ts';
import { debianGoSource } from './debianSource.ts';

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

/** Of other parts than the API server's library. */
const others: readonly Metric[] = [
  { name: 'node_collector_evictions_total', type: 'counter', labels: ['zone'] },
  { name: 'scheduler_pending_pods', type: 'gauge', labels: ['queue'] },
  { name: 'scheduler_pod_scheduling_attempts', type: 'histogram', labels: [], buckets: powers(1, 5) },
  { name: 'scheduler_preemption_attempts_total', type: 'counter', labels: [] },
  { name: 'scheduler_preemption_victims', type: 'histogram', labels: [], buckets: powers(1, 7) },
  { name: 'scheduler_queue_incoming_pods_total', type: 'counter', labels: ['event', 'queue'] },
  { name: 'scheduler_schedule_attempts_total', type: 'counter', labels: ['profile', 'result'] },
  {
    name: 'scheduler_scheduling_attempt_duration_seconds',
    type: 'histogram',
    labels: ['profile', 'result'],
    buckets: powers(0.001, 15),
  },
  {
    name: 'scheduler_framework_extension_point_duration_seconds',
    type: 'histogram',
    labels: ['extension_point', 'profile', 'status'],
    buckets: powers(0.0001, 12),
  },
  // Not stable yet, and looked for by every dashboard all the same.
  { name: 'scheduler_pod_scheduling_sli_duration_seconds', type: 'histogram', labels: ['attempts'] },
  { name: 'apiserver_request_sli_duration_seconds', type: 'histogram', labels: requestLabels() },
  { name: 'apiserver_watch_events_total', type: 'counter', labels: ['group', 'kind', 'version'] },
  { name: 'rest_client_requests_total', type: 'counter', labels: ['code', 'host', 'method'] },
  { name: 'rest_client_request_duration_seconds', type: 'histogram', labels: ['host', 'verb'] },
  { name: 'workqueue_adds_total', type: 'counter', labels: ['name'] },
  { name: 'workqueue_depth', type: 'gauge', labels: ['name'] },
  { name: 'workqueue_queue_duration_seconds', type: 'histogram', labels: ['name'] },
  { name: 'workqueue_work_duration_seconds', type: 'histogram', labels: ['name'] },
  { name: 'workqueue_retries_total', type: 'counter', labels: ['name'] },
  { name: 'workqueue_unfinished_work_seconds', type: 'gauge', labels: ['name'] },
  { name: 'workqueue_longest_running_processor_seconds', type: 'gauge', labels: ['name'] },
  {
    name: 'pod_security_evaluations_total',
    type: 'counter',
    labels: ['decision', 'mode', 'policy_level', 'policy_version', 'request_operation', 'resource', 'subresource'],
  },
  { name: 'pod_security_exemptions_total', type: 'counter', labels: ['request_operation', 'resource', 'subresource'] },
  { name: 'process_cpu_seconds_total', type: 'counter', labels: [] },
  { name: 'process_resident_memory_bytes', type: 'gauge', labels: [] },
  { name: 'process_virtual_memory_bytes', type: 'gauge', labels: [] },
  { name: 'process_open_fds', type: 'gauge', labels: [] },
  { name: 'process_max_fds', type: 'gauge', labels: [] },
  { name: 'process_start_time_seconds', type: 'gauge', labels: [] },
  { name: 'kubernetes_build_info', type: 'gauge', labels: ['git_version', 'major', 'minor', 'platform'] },
];

/** Upstream's that have no meaning here (yet), and why. */
const without: Readonly<Record<string, string>> = {
  apiserver_admission_webhook_admission_duration_seconds: 'there are no admission webhooks yet',
};

function requestLabels(): string[] {
  return ['component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'];
}

function powers(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((start * 2 ** i).toPrecision(6)));
}

const SOURCES = ['endpoints/metrics', 'admission/metrics', 'storage/etcd3/metrics'] as const;
const constants: Readonly<Record<string, string>> = {
  APIServerComponent: 'apiserver',
  namespace: 'apiserver',
  subsystem: 'admission',
};

/** The STABLE metrics that a Go file declares: `NewCounterVec(&CounterOpts{…}, []string{…})`. */
function stableIn(source: string): Metric[] {
  const declared =
    /New(Counter|Gauge|Histogram)(?:Vec)?\(\s*&\w+\.\w+Opts\{([\s\S]*?)\n\t+\},(?:\s*\[\]string\{([^}]*)\})?/g;
  return [...source.matchAll(declared)].flatMap(([, type = '', options = '', labels = '']) => {
    if (!/StabilityLevel:\s*\w+\.STABLE/.test(options)) return [];
    const option = (name: string): string => {
      const [, text = ''] = new RegExp(`${name}:\\s*("[^"]*"|\\w+),`).exec(options) ?? [];
      return text.startsWith('"') ? text.slice(1, -1) : (constants[text] ?? text);
    };
    const [, list = ''] = /\[\]float64\{([^}]*)\}/.exec(options) ?? [];
    const buckets = list.split(',').flatMap(part => (part.trim() === '' ? [] : [Number(part)]));
    return [
      {
        name: [option('Namespace'), option('Subsystem'), option('Name')].filter(part => part !== '').join('_'),
        type: type.toLowerCase() as Metric['type'],
        labels: labels.split(',').flatMap(label => (label.trim() === '' ? [] : [label.trim().slice(1, -1)])),
        ...(buckets.length > 0 ? { buckets } : {}),
      },
    ];
  });
}

/** What a scraper reads: types and series by name. */
function parse(text: string): { types: Map<string, string>; series: Map<string, Map<string, string>[]> } {
  const types = new Map<string, string>();
  const series = new Map<string, Map<string, string>[]>();
  for (const line of text.split('\n')) {
    const [, of, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (of !== undefined && type !== undefined) {
      assert.ok(!types.has(of), `${of} is told twice`);
      types.set(of, type);
    }
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?[\d.e+-]+|NaN|\+Inf)$/.exec(line);
    assert.ok(match, `no scraper reads ${line}`);
    const [, name = '', labels = ''] = match;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = '', value = '']) => [key, value] as const,
    );
    series.set(name, [...(series.get(name) ?? []), new Map(pairs)]);
  }
  return { types, series };
}

describe('/metrics', () => {
  let cluster: TestCluster;
  let upstream: Metric[];
  const get = async (path: string): Promise<string> =>
    (await ask(cluster.server.apiServer.handler, `GET ${path}`)).bytes.toString('utf8');

  before(async () => {
    const root = join(await debianGoSource('golang-k8s-apiserver-dev'), 'k8s.io/apiserver/pkg');
    upstream = SOURCES.flatMap(folder => stableIn(readFileSync(join(root, folder, 'metrics.go'), 'utf8')));
    cluster = await startCluster();
    await makeBusy(cluster);
  });
  after(() => cluster.close());

  it('reads upstream’s sources', () => {
    const names = upstream.map(({ name }) => name);
    assert.ok(names.length >= 9, `only ${names.join(', ')} are called stable`);
    assert.ok(
      names.includes('apiserver_request_total') && names.includes('apiserver_storage_objects'),
      names.join(', '),
    );
  });

  it('has every stable metric of upstream’s, under its name, with its type, labels and buckets', async () => {
    const { types, series } = parse(await get('/metrics'));
    for (const { name, type, labels, buckets } of [...upstream, ...others]) {
      if (Object.hasOwn(without, name)) {
        assert.ok(!types.has(name), `${name} is there after all`);
        continue;
      }
      assert.equal(types.get(name), type, name);
      const [first] = series.get(type === 'histogram' ? `${name}_count` : name) ?? [];
      assert.deepEqual([...(first?.keys() ?? [])].sort(), [...labels].sort(), name);
      if (!buckets) continue;
      const of = JSON.stringify([...(first ?? [])]);
      const own = (series.get(`${name}_bucket`) ?? []).filter(one => {
        const { le: _, ...rest } = Object.fromEntries(one);
        return JSON.stringify(Object.entries(rest)) === of;
      });
      const limits = own.map(one => Number(one.get('le')?.replace('+Inf', 'Infinity')));
      assert.deepEqual(
        limits.slice(0, -1).map(limit => Number(limit.toPrecision(6))),
        buckets,
        name,
      );
      assert.equal(limits.at(-1), Number.POSITIVE_INFINITY, name);
    }
  });

  it('tells of the store what dashboards ask of etcd', async () => {
    const { types, series } = parse(await get('/metrics'));
    assert.equal(types.get('etcd_request_duration_seconds'), 'histogram');
    assert.equal(types.get('etcd_requests_total'), 'counter');
    const counted = (series.get('etcd_requests_total') ?? []).map(one => [...one.values()].join(' '));
    for (const wanted of ['create pods', 'update pods', 'delete pods', 'get pods', 'list pods', 'create namespaces'])
      assert.ok(counted.includes(wanted), counted.join(', '));
    assert.ok(counted.includes('create priorityclasses.scheduling.k8s.io'), counted.join(', '));
    assert.ok(counted.includes('listWithCount pods'), 'objects are counted when metrics are asked for');
    const timed = (series.get('etcd_request_duration_seconds_count') ?? []).map(one => [...one.values()].join(' '));
    assert.ok(timed.includes('create pods') && timed.includes('get '), timed.join(', '));
    assert.ok(!timed.includes('get pods'), 'reads are timed together');
  });

  it('is small: nothing that nobody has asked for, and no histogram of what only our own caches read', async () => {
    const text = await get('/metrics');
    const { series } = parse(text);
    const kilobytes = text.length / 1024;
    assert.ok(kilobytes < 400, `${kilobytes} KB`);
    const listed = (series.get('apiserver_request_total') ?? []).filter(one => one.get('verb') === 'LIST');
    assert.ok(listed.length > 40, 'they are counted');
    for (const name of ['workqueue_work_duration_seconds', 'apiserver_request_duration_seconds'])
      for (const line of text.split('\n')) if (line.startsWith(`${name}_count`)) assert.ok(!line.endsWith(' 0'), line);
  });

  it('tells of health checks under /metrics/slis', async () => {
    await get('/readyz');
    await get('/livez/ping');
    const { types, series } = parse(await get('/metrics/slis'));
    assert.deepEqual(
      [...types],
      [
        ['kubernetes_healthcheck', 'gauge'],
        ['kubernetes_healthchecks_total', 'counter'],
      ],
    );
    const checks = (series.get('kubernetes_healthchecks_total') ?? []).map(one => [...one.values()].join(' '));
    for (const wanted of ['ping success livez', 'ping success readyz', 'store success readyz'])
      assert.ok(checks.includes(wanted), checks.join(', '));
  });

  it('forgets what was counted of a custom resource when that goes', async () => {
    const { handler } = cluster.server.apiServer;
    const made = definition(
      { plural: 'passers', kind: 'Passer', group: 'gone.test' },
      version('v1', { type: 'object' }),
      {
        ...version('v2', { type: 'object' }),
        storage: false,
      },
    );
    const post = (path: string, body: object) => ask(handler, `POST ${path}`, { body });
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const objects = '/apis/gone.test/v1/namespaces/default/passers';
    const name = 'passers.gone.test';
    const told = async (): Promise<string[]> =>
      (await get('/metrics')).split('\n').filter(line => /gone\.test|passer/i.test(line));
    for (const round of [1, 2]) {
      assert.equal((await post(definitions, made)).status, 201);
      await eventually('it is served', async () => (await ask(handler, `GET ${objects}`)).status === 200);
      const body = { apiVersion: 'gone.test/v1', kind: 'Passer', metadata: { name: 'p' } };
      assert.equal((await post(objects, body)).status, 201);
      assert.equal((await ask(handler, `GET ${objects.replace('v1', 'v2')}`)).status, 200);
      const watch = await open(handler, `GET ${objects}?watch=1`);
      const lines = await told();
      for (const wanted of [
        /^apiserver_request_total.*version="v1"/,
        /^apiserver_request_total.*version="v2"/,
        /^etcd_requests_total/,
      ])
        assert.ok(
          lines.some(line => wanted.test(line)),
          `${round}: ${lines.join('\n')}`,
        );
      assert.ok(lines.some(line => line.startsWith('apiserver_longrunning_requests') && line.endsWith(' 1')));
      const { json: now } = await ask(handler, `GET ${definitions}/${name}`);
      now.spec.versions[1].served = false;
      assert.equal((await ask(handler, `PUT ${definitions}/${name}`, { body: now })).status, 200);
      const left = await told();
      assert.ok(!left.some(line => line.includes('version="v2"')), left.join('\n'));
      assert.ok(left.some(line => line.includes('version="v1"')));
      assert.equal((await ask(handler, `DELETE ${definitions}/${name}`)).status, 200);
      await eventually('it is gone', async () => (await ask(handler, `GET ${definitions}/${name}`)).status === 404);
      assert.deepEqual(await told(), []);
      if (!Buffer.isBuffer(watch.body)) await watch.body[Symbol.asyncIterator]().return?.();
    }
  });

  it('counts what PodSecurity decides', async () => {
    const text = await get('/metrics');
    for (const line of [
      'pod_security_evaluations_total{decision="deny",mode="enforce",policy_level="restricted",policy_version="latest",request_operation="create",resource="pod",subresource=""} 1',
      'pod_security_evaluations_total{decision="deny",mode="warn",policy_level="baseline",policy_version="v1.30",request_operation="create",resource="pod",subresource=""} 1',
      'pod_security_evaluations_total{decision="allow",mode="enforce",policy_level="privileged",policy_version="latest",request_operation="create",resource="pod",subresource=""}',
    ])
      assert.ok(
        text.includes(line),
        `${line} is not in\n${text
          .split('\n')
          .filter(one => one.includes('pod_security'))
          .join('\n')}`,
      );
  });
});

/** Something of everything that is counted. */
async function makeBusy({ server, addNode }: TestCluster): Promise<void> {
  const { handler } = server.apiServer;
  const post = async (path: string, object: object): Promise<number> =>
    (await ask(handler, `POST ${path}`, { body: object })).status;
  const namespace = (name: string, labels: object): Promise<number> =>
    post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  const pod = (name: string, spec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
  });
  assert.equal(await namespace('strict', { 'pod-security.kubernetes.io/enforce': 'restricted' }), 201);
  const warned = { 'pod-security.kubernetes.io/warn': 'baseline', 'pod-security.kubernetes.io/warn-version': 'v1.30' };
  assert.equal(await namespace('warned', warned), 201);
  assert.equal(await post('/api/v1/namespaces/strict/pods', pod('a')), 403);
  assert.equal(await post('/api/v1/namespaces/warned/pods', pod('a', { hostNetwork: true })), 201);
  await ask(handler, 'GET /api/v1/namespaces/default/endpoints');
  // As from the network: what is read within the process is not timed.
  const read = await handler({
    method: 'GET',
    path: '/api/v1/namespaces/default',
    query: new URLSearchParams(),
    headers: {},
    body: Buffer.alloc(0),
    signal: new AbortController().signal,
    clientCertificate: { commonName: 'system:admin', organizations: ['system:masters'] },
    remoteAddress: '127.0.0.1',
  });
  assert.equal(read.status, 200);
  addNode({ name: 'n', allocatable: { cpu: '1', memory: '1Gi', pods: '10' } });
  const classOf = (name: string, value: number): object => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
  });
  assert.equal(await post('/apis/scheduling.k8s.io/v1/priorityclasses', classOf('high', 1000)), 201);
  const wants = { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '700m' } } }] };
  const pods = '/api/v1/namespaces/default/pods';
  const nodeOf = async (name: string): Promise<string | undefined> => {
    return (await ask(handler, `GET ${pods}/${name}`)).json.spec?.nodeName;
  };
  await eventually(
    'a service account',
    async () => (await ask(handler, 'GET /api/v1/namespaces/default/serviceaccounts/default')).status === 200,
  );
  assert.equal(await post(pods, pod('low', wants)), 201);
  await eventually('the first pod has a node', () => nodeOf('low'));
  assert.equal(await post(pods, pod('high', { ...wants, priorityClassName: 'high' })), 201);
  await eventually('the second pod has taken its place', () => nodeOf('high'));
  // A node that says it is not ready, beside one that is: its pods have to go.
  const sick = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'sick' },
    status: { conditions: [{ type: 'Ready', status: 'False' }] },
  };
  assert.equal(await post('/api/v1/nodes', sick), 201);
  await eventually('the eviction is counted', async () =>
    (await ask(handler, 'GET /metrics')).bytes.includes('node_collector_evictions_total{'),
  );
}
