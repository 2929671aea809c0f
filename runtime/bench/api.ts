/**
 * The API server under load, over HTTP/2 and HTTP/1.1: operations a second, latencies, and the CPU time the server's process
 * spends on one. `node --import tsx runtime/bench/api.ts [--json] [--objects 2000]`
 *
 * The server is a process of its own (its CPU time is read from /proc), with the settings of the device's unit and the real store
 * on the file system of $TMPDIR.
 * To beat: kube-apiserver 1.36 with etcd on the same kind of machine; see `anchors` in load.ts.
 */
import { parseArgs } from 'node:util';
import { type SpawnedServer, spawnServer } from '../test/startServer.ts';
import { bundledServer } from './bundled.ts';
import { serverSettings } from './device.ts';
import { type ApiRow, type Connection, connectHttp1, connectHttp2, measure, PODS, pod, rssMiB } from './load.ts';
import { MAPS, map, serveWidgets, WIDGETS, widget } from './otherObjects.ts';
import { watchDelivery } from './watchDelivery.ts';

export type { ApiRow } from './load.ts';

/** What `--json` prints. */
export interface ApiFigures {
  /** As a bundle, without the code cache of the device. */
  readonly readyMs: number;
  readonly idleRssMiB: number;
  readonly loadedRssMiB: number;
  readonly rows: readonly ApiRow[];
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, objects: { type: 'string', default: '2000' } },
});
const objects = Number(values.objects);

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
  const mapPath = (index: number): string => `${MAPS}/${name(index % objects)}`;
  const json = 'application/json-patch+json';
  const jsonPatch = (index: number): string =>
    JSON.stringify([{ op: 'replace', path: '/metadata/labels/round', value: `j${index}` }]);
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
  await add('patch json ×16', objects, 16, index => connection.send('PATCH', path(index), jsonPatch(index), json), 200);
  await add('delete ×16', objects, 16, index => connection.send('DELETE', path(index)), 200);
  await add('create configmap ×16', objects, 16, index => connection.send('POST', MAPS, map(name(index), 'a')), 201);
  await add('update ×16', objects, 16, index => connection.send('PUT', mapPath(index), map(name(index), 'b')), 200);
  const applied = (index: number): string => `${mapPath(index)}?fieldManager=bench&force=true`;
  const yaml = 'application/apply-patch+yaml';
  await add(
    'apply ×16',
    objects,
    16,
    index => connection.send('PATCH', applied(index), map(name(index), 'c'), yaml),
    200,
  );
  await add('create custom ×16', objects, 16, index => connection.send('POST', WIDGETS, widget(name(index))), 201);
  for (const paths of [MAPS, WIDGETS]) await connection.send('DELETE', paths);
  return rows;
}

async function warmUp(connection: Connection): Promise<void> {
  const label = JSON.stringify({ metadata: { labels: { round: 'warm' } } });
  for (let index = 0; index < 1000; index++) {
    const path = `${PODS}/warm-${index}`;
    await connection.send('POST', PODS, pod(`warm-${index}`));
    await connection.send('PATCH', path, label, 'application/merge-patch+json');
    await connection.send('GET', path);
    await connection.send('DELETE', path);
  }
}

// The server is given this process' environment; this process has read its own settings long ago.
const { flags, environment } = serverSettings();
Object.assign(process.env, environment, { NODE_OPTIONS: flags.join(' ') });
const server = await spawnServer({ bundle: await bundledServer() });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void server.close().finally(() => process.exit(1)));
try {
  const idleMiB = rssMiB(server.pid);
  const setup = connectHttp2(server);
  const bench = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await setup.send('POST', '/api/v1/namespaces', JSON.stringify(bench));
  await setup.send('POST', '/api/v1/namespaces/bench/serviceaccounts', JSON.stringify(account));
  await serveWidgets(setup);
  // A server that runs for months is measured, not what V8 spends on compiling: over each protocol, a thousand of each are the compiler's.
  await warmUp(setup);
  setup.close();
  const other = connectHttp1(server);
  await warmUp(other);
  other.close();
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
      `exec → ready ${figures.readyMs} ms; RSS ${idleMiB} MiB idle, ${figures.loadedRssMiB} MiB after the load`,
    );
  }
} finally {
  await server.close();
}
