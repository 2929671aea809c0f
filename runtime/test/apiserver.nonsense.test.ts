/**
 * Thousands of requests that make no sense, over the wire, made from Kubernetes' own test objects: each is answered soon and
 * properly, none with a 500, and the server is as well as before and no larger.
 *
 * ATOLL_SEED and ATOLL_NONSENSE (how many) choose others; a failure names its seed.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { decodeProtobuf } from '../src/api/protobuf.ts';
import { apiTestData } from './debianSource.ts';
import { Chance } from './nonsense/random.ts';
import { type Nonsense, nonsense, type Sample, sampleOf } from './nonsense/requests.ts';
import { type SpawnedServer, spawnServer } from './startServer.ts';

const seed = Number(process.env.ATOLL_SEED ?? 20_261_121);
const count = Number(process.env.ATOLL_NONSENSE ?? 4_000);
const DEADLINE_MS = 15_000;
const AT_ONCE = 16;
const MOST_GROWTH_MIB = 128;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

describe('nonsense', { timeout: 300_000 }, () => {
  let server: SpawnedServer;
  let session: http2.ClientHttp2Session;
  let samples: Sample[];

  before(async () => {
    const folder = await apiTestData();
    samples = readdirSync(folder)
      .filter(file => file.endsWith('.json') && !file.includes('WatchEvent'))
      .flatMap(file => sampleOf(JSON.parse(readFileSync(join(folder, file), 'utf8'))) ?? []);
    server = await spawnServer();
    session = http2.connect(server.url, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
    });
    session.on('error', () => undefined); // told by the requests
    const headers = { 'content-type': 'application/json' };
    for (const [path, body] of [
      ['/api/v1/namespaces/default/serviceaccounts', '{"metadata":{"name":"default"}}'],
      ['/api/v1/namespaces/default/configmaps', '{"metadata":{"name":"it"},"data":{"a":"b"}}'],
      ['/apis/coordination.k8s.io/v1/namespaces/default/leases', '{"metadata":{"name":"it"}}'],
      [
        '/api/v1/namespaces/default/pods',
        '{"metadata":{"name":"it"},"spec":{"containers":[{"name":"c","image":"i"}]}}',
      ],
      [
        '/apis/apps/v1/namespaces/default/deployments',
        '{"metadata":{"name":"it"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}',
      ],
    ] as const) {
      const made = await send({ method: 'POST', path, headers, body: Buffer.from(body) });
      assert.ok(made.status === 201 || made.status === 409, `${path}: ${made.status} ${made.body}`);
    }
  });
  after(async () => {
    session.close();
    await server.close();
  });

  function send({ method, path, headers, body }: Nonsense): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const endStream = body.length === 0;
      const stream = session.request({ ...headers, ':method': method, ':path': path }, { endStream });
      const chunks: Buffer[] = [];
      let status = 0;
      let type = '';
      const timer = setTimeout(() => {
        stream.close();
        reject(new Error(`no end within ${DEADLINE_MS / 1000} s, status ${status}`));
      }, DEADLINE_MS);
      stream.on('response', answer => {
        status = Number(answer[':status']);
        type = String(answer['content-type'] ?? '');
        // A watch that was accepted goes on for ever.
        if (status === 200 && /[?&]watch=|\/watch\//.test(path)) stream.close();
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', error => {
        clearTimeout(timer);
        reject(error);
      });
      stream.on('close', () => {
        clearTimeout(timer);
        resolve({ status, type, body: Buffer.concat(chunks) });
      });
      if (!endStream) stream.end(body);
    });
  }

  const rssMiB = (): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;

  it(`is answered properly (seed ${seed})`, async () => {
    const chance = new Chance(seed);
    const faults = new Map<string, string>();
    let sent = 0;
    let warmMiB = 0;
    const work = async (): Promise<void> => {
      while (sent < count) {
        if (sent++ === Math.floor(count / 4)) warmMiB = rssMiB();
        const request = nonsense(chance, samples);
        const fault = await send(request).then(
          answer => faultOf(request, answer),
          (error: unknown) => String(error),
        );
        if (fault === undefined) continue;
        const { method, path, headers, body } = request;
        const kind = fault.slice(0, 160);
        if (!faults.has(kind))
          faults.set(
            kind,
            `${method} ${path} ${JSON.stringify(headers)} ${body.toString('latin1').slice(0, 20_000)}\n → ${fault}`,
          );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const shown = [...faults.values()].slice(0, 20).map(text => text.slice(0, 3000));
    assert.equal(faults.size, 0, `seed ${seed}:\n${shown.join('\n\n')}`);
    const it = await send({
      method: 'GET',
      path: '/readyz',
      headers: {},
      body: Buffer.alloc(0),
    });
    assert.equal(it.status, 200, it.body.toString());
    const growth = rssMiB() - warmMiB;
    assert.ok(growth < MOST_GROWTH_MIB, `the server has grown by ${growth.toFixed(0)} MiB since a quarter of the way`);
  });
});

/** Undefined: a proper answer. */
function faultOf({ method, path }: Nonsense, { status, type, body }: Answer): string | undefined {
  const text = (): string => body.toString('utf8').slice(0, 600);
  if (status === 0) return 'no answer';
  if (
    status >= 500 &&
    !(status === 504 && body.includes('Too large resource version')) &&
    !(status === 503 && /\/(log|proxy|exec)/.test(path))
  )
    return `${status} ${text()}`;
  if (status < 400 || method === 'HEAD') return undefined;
  if (type.startsWith('text/plain') || body.length === 0) {
    // Paths that are no API's: health checks, OpenAPI's 406, and what nobody serves.
    return path.startsWith('/api/') || path.startsWith('/apis/') ? `${status} without a Status: ${text()}` : undefined;
  }
  try {
    const said = type.includes('protobuf')
      ? decodeProtobuf(body)
      : (parse(body.toString('utf8')) as Record<string, unknown>);
    if (said.kind === 'Status' && said.status === 'Failure' && said.code === status && said.message) return undefined;
  } catch {
    // told below
  }
  return `${status} without a proper Status: ${text()}`;
}
