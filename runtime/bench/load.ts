/** Load on a server that is a process of its own: connections, latencies, and the CPU time and memory it spends. */
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import type { SpawnedServer } from '../test/startServer.ts';

/** One operation over one protocol; a row of what `--json` prints. */
export interface ApiRow {
  readonly operation: string;
  readonly protocol: string;
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the server, all threads; not told where others ask at the same time. */
  readonly cpuMsPerOperation?: number;
  readonly anchorCpuMs?: number;
}

/** CPU ms an operation of kube-apiserver 1.36 and etcd together. */
const anchors: Readonly<Record<string, number>> = {
  'create ×16': 1.2,
  get: 0.9,
  'patch ×16': 1.5,
  'delete ×16': 1.3,
};
/** The same of a list of 2,000. A longer one is taken to cost as much an object. */
const LIST_OF_2000 = 24;

function anchorOf(operation: string): number | undefined {
  const [, listed] = /^list (\d+)$/.exec(operation) ?? [];
  return listed === undefined ? anchors[operation] : (LIST_OF_2000 * Number(listed)) / 2000;
}

/** Linux counts in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Connection {
  /** @param keep false: what is answered is only read */
  send(method: string, path: string, body?: string, type?: string, keep?: boolean): Promise<Answer>;
  close(): void;
}

export const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

export const rssMiB = (pid: number): number => {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(match?.[1] ?? 0) / 1024);
};

export function connectHttp2(server: SpawnedServer): Connection {
  const session = http2.connect(server.url, {
    ca: server.ca,
    cert: server.admin.certificatePem,
    key: server.admin.privateKeyPem,
    settings: { initialWindowSize: 16 * 1024 * 1024 },
  });
  session.once('connect', () => session.setLocalWindowSize(64 * 1024 * 1024));
  return {
    send: (method, path, body, type = 'application/json', keep = true) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':method': method, ':path': path, 'content-type': type });
        let status = 0;
        const chunks: Buffer[] = [];
        stream.on('response', headers => {
          status = Number(headers[':status']);
        });
        stream.on('data', (chunk: Buffer) => keep && chunks.push(chunk));
        stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
        stream.on('error', reject);
        stream.end(body);
      }),
    close: () => session.close(),
  };
}

export function connectHttp1(server: SpawnedServer): Connection {
  const agent = new https.Agent({
    keepAlive: true,
    maxSockets: 32,
    ca: server.ca,
    cert: server.admin.certificatePem,
    key: server.admin.privateKeyPem,
  });
  return {
    send: (method, path, body, type = 'application/json', keep = true) =>
      new Promise((resolve, reject) => {
        const headers = {
          'content-type': type,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        };
        const request = https.request(`${server.url}${path}`, { method, agent, headers }, response => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => keep && chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          response.on('error', reject);
        });
        request.on('error', reject);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

export async function measure(
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

/** @param cpu of the server, for all of them together; undefined: nobody can tell whose it was */
export function row(operation: string, protocol: string, latencies: number[], seconds: number, cpu?: number): ApiRow {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const anchor = anchorOf(operation);
  return {
    operation,
    protocol,
    operations: latencies.length,
    perSecond: Number((latencies.length / seconds).toPrecision(3)),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
    ...(cpu === undefined ? {} : { cpuMsPerOperation: round(cpu / latencies.length) }),
    ...(anchor === undefined ? {} : { anchorCpuMs: anchor }),
  };
}

export const round = (value: number): number => Math.round(value * 100) / 100;

export const PODS = '/api/v1/namespaces/bench/pods';

export const pod = (name: string): string =>
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
