/**
 * The API server with many objects: what each costs in memory and on the disk, whether reads and writes suffer while all are listed, how
 * long a start takes, and 500 watches. `node --import tsx runtime/bench/apiScale.ts [--json] [--objects 50000] [--watches 500]`
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type SpawnedServer, spawnServer } from '../test/startServer.ts';
import { alongside, type Listing, listings, type Protocol } from './alongside.ts';
import { bundledServer } from './bundled.ts';
import { serverSettings } from './device.ts';
import {
  type Answer,
  type ApiRow,
  type Connection,
  connectHttp1,
  connectHttp2,
  measure,
  PODS,
  pod,
  rssMiB,
} from './load.ts';
import { watchDelivery } from './watchDelivery.ts';

/** What `--json` prints. */
export interface ScaleFigures {
  readonly objects: number;
  /** What the server's process has grown by, a thousand objects: those after the first, with which it has what it always needs. */
  readonly growthMiBPerThousand: number;
  /** Written to the disk by the server, a write; an object has some 2.5 KB with who owns its fields. */
  readonly diskBytesPerWrite: number;
  /** The most the server's process had while everything was listed. */
  readonly listingRssMiB: number;
  /** exec → ready with all objects there; as a bundle, without the code cache of the device. */
  readonly startMs: number;
  readonly startedRssMiB: number;
  readonly rows: readonly ApiRow[];
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    objects: { type: 'string', default: '50000' },
    watches: { type: 'string', default: '500' },
  },
});
const objects = Number(values.objects);
const watches = Number(values.watches);
/** After so many objects caches are full and code is compiled: growth is measured from there. */
const FIRST = 1_000;
/** Of the writes that are measured. */
const WRITES = 1_000;

const writtenBytes = (pid: number): number =>
  Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

const connect = (server: SpawnedServer, protocol: Protocol): Connection =>
  protocol === 'h2' ? connectHttp2(server) : connectHttp1(server);

async function prepare(server: SpawnedServer): Promise<void> {
  const connection = connectHttp2(server);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await connection.send('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: 'bench' } }));
  await connection.send('POST', '/api/v1/namespaces/bench/serviceaccounts', JSON.stringify(account));
  connection.close();
}

/** Makes the pods with these numbers. */
async function fill(server: SpawnedServer, from: number, to: number): Promise<ApiRow> {
  const connection = connectHttp2(server);
  const create = (index: number): Promise<Answer> => connection.send('POST', PODS, pod(`p-${from + index}`));
  try {
    return await measure(server, `create ×32 up to ${to}`, 'h2', to - from, 32, create, 201);
  } finally {
    connection.close();
  }
}

/** Each operation alone, with all the objects there: what it costs. */
async function oneByOne(server: SpawnedServer, protocol: Protocol): Promise<ApiRow[]> {
  const connection = connect(server, protocol);
  const own = (index: number): string => `${PODS}/x-${index}`;
  const merge = 'application/merge-patch+json';
  const patch = (index: number): string => JSON.stringify({ metadata: { labels: { round: `r${index}` } } });
  const get = (index: number): Promise<Answer> => connection.send('GET', `${PODS}/p-${(index * 7919) % objects}`);
  const list = (): Promise<Answer> => connection.send('GET', PODS, undefined, undefined, false);
  try {
    return [
      await measure(server, 'create ×16', protocol, WRITES, 16, i => connection.send('POST', PODS, pod(`x-${i}`)), 201),
      await measure(
        server,
        'patch ×16',
        protocol,
        WRITES,
        16,
        i => connection.send('PATCH', own(i), patch(i), merge),
        200,
      ),
      await measure(server, 'delete ×16', protocol, WRITES, 16, i => connection.send('DELETE', own(i)), 200),
      await measure(server, 'get', protocol, 4_000, 8, get, 200),
      await measure(server, `list ${objects}`, protocol, objects > 10_000 ? 4 : 50, 1, list, 200),
    ];
  } finally {
    connection.close();
  }
}

// The server is given this process' environment; this process has read its own settings long ago.
const { flags, environment } = serverSettings();
Object.assign(process.env, environment, { NODE_OPTIONS: flags.join(' ') });
const bundle = await bundledServer();
const directory = await mkdtemp(join(tmpdir(), 'atoll-bench-scale-'));
let server = await spawnServer({ directory, bundle });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void server.close().finally(() => process.exit(1)));
try {
  await prepare(server);
  const idleBytes = writtenBytes(server.pid);
  await fill(server, 0, FIRST);
  const firstMiB = rssMiB(server.pid);
  const rows = [await fill(server, FIRST, objects)];
  const diskBytesPerWrite = Math.round((writtenBytes(server.pid) - idleBytes) / objects);
  // What a process shrinks by counts as the least that can be told.
  const growthMiB = Math.max(0.5, rssMiB(server.pid) - firstMiB);
  const growthMiBPerThousand = growthMiB / ((objects - FIRST) / 1000);
  let listingRssMiB = 0;
  const beside = async (protocol: Protocol, listing?: Listing): Promise<void> => {
    const measured = await alongside(server, protocol, objects, listing);
    rows.push(...measured.rows);
    if (listing) listingRssMiB = Math.max(listingRssMiB, measured.peakRssMiB);
  };
  for (const protocol of ['h2', 'h1.1'] as const) {
    rows.push(...(await oneByOne(server, protocol)));
    await beside(protocol);
    // The way to the client makes no difference to how a list is made: every form once.
    for (const listing of protocol === 'h2' ? listings : listings.slice(0, 1)) await beside(protocol, listing);
  }
  rows.push(await watchDelivery(server, watches, 100));
  await server.close();
  server = await spawnServer({ directory, bundle });
  const figures: ScaleFigures = {
    objects,
    growthMiBPerThousand,
    diskBytesPerWrite,
    listingRssMiB,
    startMs: Math.round(server.readyMs),
    startedRssMiB: rssMiB(server.pid),
    rows,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  else {
    console.table(rows);
    const { rows: _, ...others } = figures;
    console.table(others);
  }
} finally {
  await server.close();
  await rm(directory, { recursive: true, force: true });
}
