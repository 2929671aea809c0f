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
import { serverSettings } from './device.ts';
import { type ApiRow, connectHttp1, connectHttp2, measure, PODS, pod, rssMiB } from './load.ts';
import { watchDelivery } from './watchDelivery.ts';

/** What `--json` prints. */
export interface ScaleFigures {
  readonly objects: number;
  /** What the server's process has grown by, a thousand objects. */
  readonly growthMiBPerThousand: number;
  /** Written to the disk by the server, a write; an object has some 900 bytes. */
  readonly diskBytesPerWrite: number;
  /** exec → ready with all objects there; from source, through tsx. */
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

const writtenBytes = (pid: number): number =>
  Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

const name = (index: number): string => `p-${index % objects}`;
const merge = 'application/merge-patch+json';
const patch = (index: number): string => JSON.stringify({ metadata: { labels: { round: `r${index}` } } });

async function fill(server: SpawnedServer): Promise<ApiRow> {
  const connection = connectHttp2(server);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await connection.send('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: 'bench' } }));
  await connection.send('POST', '/api/v1/namespaces/bench/serviceaccounts', JSON.stringify(account));
  const create = (index: number): ReturnType<typeof connection.send> => connection.send('POST', PODS, pod(name(index)));
  try {
    return await measure(server, `create ×32 up to ${objects}`, 'h2', objects, 32, create, 201);
  } finally {
    connection.close();
  }
}

/** Reads and writes one by one; with `listing`, while all objects are being listed over another connection, again and again. */
async function alongside(server: SpawnedServer, protocol: 'h2' | 'h1.1', listing: boolean): Promise<ApiRow[]> {
  const connect = protocol === 'h2' ? connectHttp2 : connectHttp1;
  const [reads, writes, lists] = [connect(server), connect(server), connect(server)];
  let going = true;
  let listed = 0;
  const list = async (): Promise<void> => {
    while (going && listing) {
      const { status } = await lists.send('GET', PODS);
      if (status !== 200) throw new Error(`list: ${status}`);
      listed++;
    }
  };
  const during = listing ? ` while ${objects} are listed` : '';
  try {
    const get = (index: number): ReturnType<typeof reads.send> => reads.send('GET', `${PODS}/${name(index * 7)}`);
    const change = (index: number): ReturnType<typeof writes.send> =>
      writes.send('PATCH', `${PODS}/${name(index * 11)}`, patch(index), merge);
    const listings = list();
    const rows = await Promise.all([
      measure(server, `get ×1${during}`, protocol, listing ? 400 : 1000, 1, get, 200),
      measure(server, `patch ×1${during}`, protocol, listing ? 200 : 500, 1, change, 200),
    ]);
    going = false;
    await listings;
    if (listing && listed === 0) throw new Error('no list has ended');
    return rows;
  } finally {
    for (const connection of [reads, writes, lists]) connection.close();
  }
}

async function listRow(server: SpawnedServer, protocol: 'h2' | 'h1.1'): Promise<ApiRow> {
  const connection = protocol === 'h2' ? connectHttp2(server) : connectHttp1(server);
  try {
    return await measure(server, `list ${objects}`, protocol, 5, 1, () => connection.send('GET', PODS), 200);
  } finally {
    connection.close();
  }
}

// The server is given this process' environment; this process has read its own settings long ago.
const { flags, environment } = serverSettings();
Object.assign(process.env, environment, { NODE_OPTIONS: flags.join(' ') });
const directory = await mkdtemp(join(tmpdir(), 'atoll-bench-scale-'));
let server = await spawnServer({ directory });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void server.close().finally(() => process.exit(1)));
try {
  const [idleMiB, idleBytes] = [rssMiB(server.pid), writtenBytes(server.pid)];
  const rows = [await fill(server)];
  const diskBytesPerWrite = Math.round((writtenBytes(server.pid) - idleBytes) / objects);
  const growthMiBPerThousand = Math.round((100 * (rssMiB(server.pid) - idleMiB)) / (objects / 1000)) / 100;
  for (const protocol of ['h2', 'h1.1'] as const) {
    rows.push(...(await alongside(server, protocol, false)), ...(await alongside(server, protocol, true)));
    rows.push(await listRow(server, protocol));
  }
  rows.push(await watchDelivery(server, watches, 100));
  await server.close();
  server = await spawnServer({ directory });
  const figures: ScaleFigures = {
    objects,
    growthMiBPerThousand,
    diskBytesPerWrite,
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
