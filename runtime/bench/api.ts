/**
 * The API server under load, over HTTP/2 and HTTP/1.1: operations a second, latencies, and the CPU time the server's process
 * spends on one. `node --import tsx runtime/bench/api.ts [--json] [--objects 2000]`
 *
 * The server is a process of its own (its CPU time is read from /proc), with the settings of the device's unit and the real store
 * on the file system of $TMPDIR.
 * To beat: kube-apiserver 1.36 with etcd on the same kind of machine; see {@link anchors}.
 */
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { type SpawnedServer, spawnServer } from '../test/startServer.ts';
import { serverSettings } from './device.ts';

/** One operation over one protocol; a row of what `--json` prints. */
export interface ApiRow {
  readonly operation: string;
  readonly protocol: string;
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the server, all threads. */
  readonly cpuMsPerOperation: number;
  readonly anchorCpuMs?: number;
}

/** What `--json` prints. */
export interface ApiFigures {
  /** From source, through tsx. */
  readonly readyMs: number;
  readonly idleRssMiB: number;
  readonly loadedRssMiB: number;
  readonly rows: readonly ApiRow[];
}

/** CPU ms an operation of kube-apiserver 1.36 and etcd together. */
const anchors: Readonly<Record<string, number>> = {
  'create ×16': 1.2,
  get: 0.9,
  'list 2000': 24,
  'patch ×16': 1.5,
  'delete ×16': 1.3,
};

/** Linux counts in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

interface Connection {
  send(method: string, path: string, body?: string, type?: string): Promise<Answer>;
  close(): void;
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, objects: { type: 'string', default: '2000' } },
});
const objects = Number(values.objects);

const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

const rssMiB = (pid: number): number => {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(match?.[1] ?? 0) / 1024);
};

function connectHttp2(server: SpawnedServer): Connection {
  const session = http2.connect(server.url, {
    ca: server.ca,
    cert: server.admin.certificatePem,
    key: server.admin.privateKeyPem,
    settings: { initialWindowSize: 16 * 1024 * 1024 },
  });
  session.once('connect', () => session.setLocalWindowSize(64 * 1024 * 1024));
  return {
    send: (method, path, body, type = 'application/json') =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':method': method, ':path': path, 'content-type': type });
        let status = 0;
        const chunks: Buffer[] = [];
        stream.on('response', headers => {
          status = Number(headers[':status']);
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
        stream.on('error', reject);
        stream.end(body);
      }),
    close: () => session.close(),
  };
}

function connectHttp1(server: SpawnedServer): Connection {
  const agent = new https.Agent({
    keepAlive: true,
    maxSockets: 32,
    ca: server.ca,
    cert: server.admin.certificatePem,
    key: server.admin.privateKeyPem,
  });
  return {
    send: (method, path, body, type = 'application/json') =>
      new Promise((resolve, reject) => {
        const headers = {
          'content-type': type,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        };
        const request = https.request(`${server.url}${path}`, { method, agent, headers }, response => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          response.on('error', reject);
        });
        request.on('error', reject);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

async function measure(
  server: SpawnedServer,
  operation: string,
  protocol: string,
  count: number,
  concurrency: number,
  run: (index: number) => Promise<Answer>,
  good: number,
): Promise<ApiRow> {
  const latencies: number[] = [];
  const cpu = cpuMs(server.pid);
  const began = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const at = performance.now();
      const { status, body } = await run(index);
      if (status !== good) throw new Error(`${operation}: ${status} ${body.toString().slice(0, 300)}`);
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - began) / 1000;
  await new Promise(resolve => setTimeout(resolve, 200)); // what the server still does for them counts too
  return row(operation, protocol, latencies, seconds, cpuMs(server.pid) - cpu);
}

function row(operation: string, protocol: string, latencies: number[], seconds: number, cpu: number): ApiRow {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const anchor = anchors[operation];
  return {
    operation,
    protocol,
    operations: latencies.length,
    perSecond: Math.round(latencies.length / seconds),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
    cpuMsPerOperation: round(cpu / latencies.length),
    ...(anchor === undefined ? {} : { anchorCpuMs: anchor }),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

const PODS = '/api/v1/namespaces/bench/pods';

const pod = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'bench', tier: 'front' }, annotations: { note: 'made by the benchmark' } },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'example.test/bench:1.0',
          env: [{ name: 'A', value: 'one' }],
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '32Mi' } },
          ports: [{ containerPort: 8080 }],
        },
      ],
    },
  });

async function suite(server: SpawnedServer, protocol: string, connection: Connection): Promise<ApiRow[]> {
  const rows: ApiRow[] = [];
  const prefix = `p-${protocol.replace(/\W/g, '')}`;
  const name = (index: number): string => `${prefix}-${index}`;
  const path = (index: number): string => `${PODS}/${name(index % objects)}`;
  const add = async (
    ...args: Parameters<typeof measure> extends [unknown, infer O, unknown, ...infer R] ? [O, ...R] : never
  ): Promise<void> => {
    const [operation, ...rest] = args;
    rows.push(await measure(server, operation, protocol, ...rest));
  };
  await add('create ×16', objects, 16, index => connection.send('POST', PODS, pod(name(index))), 201);
  await add('get', 4000, 8, index => connection.send('GET', path(index)), 200);
  await add('get ×1', 1000, 1, index => connection.send('GET', path(index)), 200);
  await add(`list ${objects}`, 100, 1, () => connection.send('GET', PODS), 200);
  await add(`list ${objects} selected`, 100, 1, () => connection.send('GET', `${PODS}?labelSelector=app%3Dnone`), 200);
  const merge = 'application/merge-patch+json';
  const strategic = 'application/strategic-merge-patch+json';
  const patch = (index: number): string => JSON.stringify({ metadata: { labels: { round: `r${index}` } } });
  await add('patch ×16', objects, 16, index => connection.send('PATCH', path(index), patch(index), merge), 200);
  await add(
    'patch strategic ×16',
    objects,
    16,
    index => connection.send('PATCH', path(index), patch(index + 1), strategic),
    200,
  );
  await add('delete ×16', objects, 16, index => connection.send('DELETE', path(index)), 200);
  return rows;
}

/** From the answer to a write until every one of `watchers` has its event. */
async function watchDelivery(server: SpawnedServer, watchers: number): Promise<ApiRow> {
  const session = http2.connect(server.url, {
    ca: server.ca,
    cert: server.admin.certificatePem,
    key: server.admin.privateKeyPem,
  });
  const maps = '/api/v1/namespaces/bench/configmaps';
  const writer = connectHttp2(server);
  let seen = 0;
  let wake: () => void = () => undefined;
  const streams = await Promise.all(
    Array.from({ length: watchers }, async () => {
      const stream = session.request({ ':method': 'GET', ':path': `${maps}?watch=1&resourceVersion=0` });
      await new Promise(resolve => stream.once('response', resolve));
      stream.on('data', (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 10) seen++;
        wake();
      });
      return stream;
    }),
  );
  const count = 500;
  const latencies: number[] = [];
  const cpu = cpuMs(server.pid);
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    const at = performance.now();
    const target = seen + watchers;
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `watch-${index}` },
      data: { a: 'b' },
    });
    await writer.send('POST', maps, body);
    while (seen < target) {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
    latencies.push(performance.now() - at);
  }
  const seconds = (performance.now() - began) / 1000;
  const result = row(`create seen by ${watchers} watches`, 'h2', latencies, seconds, cpuMs(server.pid) - cpu);
  for (const stream of streams) stream.close();
  session.close();
  writer.close();
  return result;
}

// The server is given this process' environment; this process has read its own settings long ago.
const { flags, environment } = serverSettings();
Object.assign(process.env, environment, { NODE_OPTIONS: flags.join(' ') });
const server = await spawnServer();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void server.close().finally(() => process.exit(1)));
try {
  const idleMiB = rssMiB(server.pid);
  const setup = connectHttp2(server);
  const bench = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await setup.send('POST', '/api/v1/namespaces', JSON.stringify(bench));
  await setup.send('POST', '/api/v1/namespaces/bench/serviceaccounts', JSON.stringify(account));
  // The first hundred requests are the compiler's.
  for (let index = 0; index < 300; index++) {
    await setup.send('POST', PODS, pod(`warm-${index}`));
    await setup.send('DELETE', `${PODS}/warm-${index}`);
  }
  setup.close();
  const h2 = connectHttp2(server);
  const rows = await suite(server, 'h2', h2);
  h2.close();
  const h1 = connectHttp1(server);
  rows.push(...(await suite(server, 'h1.1', h1)));
  h1.close();
  rows.push(await watchDelivery(server, 50));
  const figures: ApiFigures = {
    readyMs: Math.round(server.readyMs),
    idleRssMiB: idleMiB,
    loadedRssMiB: rssMiB(server.pid),
    rows,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  else {
    console.table(rows);
    console.log(
      `exec → ready (from source, through tsx) ${figures.readyMs} ms; RSS ${idleMiB} MiB idle, ${figures.loadedRssMiB} MiB after the load`,
    );
  }
} finally {
  await server.close();
}
