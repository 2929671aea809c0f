/** Lists and watches as client-go's informers use them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MAX_WAITING_BYTES } from '../src/apiserver/watch/stream.ts';
import { type Answered, ask, open, type Question, WatchReader } from './apiserverAsk.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

let server: InProcessServer;
const call = (line: string, question?: Question): Promise<Answered> => ask(server.apiServer.handler, line, question);
const watch = async (line: string, question?: Question): Promise<WatchReader> =>
  new WatchReader(await open(server.apiServer.handler, line, question));

const map = (name: string, labels: Record<string, string> = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
});

async function create(name: string, labels?: Record<string, string>): Promise<string> {
  const { status, json } = await call(`POST ${MAPS}`, { body: map(name, labels) });
  assert.equal(status, 201);
  return json.metadata.resourceVersion;
}

const label = (name: string, labels: object): Promise<Answered> =>
  call(`PATCH ${MAPS}/${name}`, {
    body: { metadata: { labels } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });

describe('lists and watches', { timeout: 120_000 }, () => {
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  it('list pages at one revision, with what remains', async () => {
    for (let index = 0; index < 25; index++) await create(`page-${String(index).padStart(2, '0')}`);
    const names: string[] = [];
    let token = '';
    let revision = '';
    const remaining: (number | undefined)[] = [];
    do {
      const { json } = await call(`GET ${MAPS}?limit=10&continue=${token}`);
      if (revision === '') {
        revision = json.metadata.resourceVersion;
        await create('page-10a'); // after the first page: not in this list
        await call(`DELETE ${MAPS}/page-20`);
      }
      assert.equal(json.metadata.resourceVersion, revision);
      remaining.push(json.metadata.remainingItemCount);
      names.push(...json.items.map((item: { metadata: { name: string } }) => item.metadata.name));
      token = json.metadata.continue ?? '';
    } while (token !== '');
    assert.equal(names.length, 25);
    assert.ok(names.includes('page-20') && !names.includes('page-10a'));
    assert.deepEqual(remaining, [15, 5, undefined]);
  });

  it('list with selectors under a limit, without a count of what remains', async () => {
    for (let index = 0; index < 6; index++) await create(`sel-${index}`, { odd: String(index % 2) });
    const first = await call(`GET ${MAPS}?labelSelector=odd%3D1&limit=2`);
    assert.deepEqual(
      first.json.items.map((i: { metadata: { name: string } }) => i.metadata.name),
      ['sel-1', 'sel-3'],
    );
    assert.equal(first.json.metadata.remainingItemCount, undefined);
    const rest = await call(`GET ${MAPS}?labelSelector=odd%3D1&limit=2&continue=${first.json.metadata.continue}`);
    assert.deepEqual(
      rest.json.items.map((i: { metadata: { name: string } }) => i.metadata.name),
      ['sel-5'],
    );
    const one = await call(`GET ${MAPS}?fieldSelector=metadata.name%3Dsel-2`);
    assert.equal(one.json.items.length, 1);
  });

  it('list at an exact revision, and refuse the future', async () => {
    const revision = await create('past');
    await call(`DELETE ${MAPS}/past`);
    const exact = await call(`GET ${MAPS}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
    assert.ok(exact.json.items.some((i: { metadata: { name: string } }) => i.metadata.name === 'past'));
    const future = await call(`GET ${MAPS}?resourceVersion=999999&resourceVersionMatch=NotOlderThan`);
    assert.equal(future.status, 504);
    assert.equal(future.json.details.causes[0].reason, 'ResourceVersionTooLarge');
  });

  it('watch from a revision, and see every event once and in order', async () => {
    const revision = await create('w');
    const reader = await watch(`GET ${MAPS}?watch=1&resourceVersion=${revision}`);
    await label('w', { a: 'b' });
    await create('w2');
    await call(`DELETE ${MAPS}/w`);
    assert.deepEqual(await reader.names(3), ['MODIFIED w', 'ADDED w2', 'DELETED w']);
    await call(`DELETE ${MAPS}/w2`);
    const last = await reader.next();
    assert.equal(last?.type, 'DELETED');
    assert.ok(Number(last?.object.metadata.resourceVersion) > Number(revision) + 3, 'a deletion has its own revision');
    await reader.close();
  });

  it('watch with a selector turns changes of labels into coming and going', async () => {
    await create('t1', { tier: 'a' });
    await create('t2', { tier: 'b' });
    const reader = await watch(`GET ${MAPS}?watch=1&labelSelector=tier%3Da&resourceVersion=0`);
    assert.deepEqual(await reader.names(1), ['ADDED t1']);
    await label('t2', { tier: 'a' });
    await label('t1', { tier: 'b' });
    await label('t1', { tier: 'c' }); // was not selected, is not selected
    await label('t2', { other: 'x' });
    await call(`DELETE ${MAPS}/t1`);
    await call(`DELETE ${MAPS}/t2`);
    assert.deepEqual(await reader.names(4), ['ADDED t2', 'DELETED t1', 'MODIFIED t2', 'DELETED t2']);
    await reader.close();
  });

  it('watch one object by its path, and nothing else', async () => {
    await create('one');
    const reader = await watch('GET /api/v1/watch/namespaces/default/configmaps/one');
    assert.deepEqual(await reader.names(1), ['ADDED one']);
    await create('another');
    await label('one', { a: 'b' });
    assert.deepEqual(await reader.names(1), ['MODIFIED one']);
    await reader.close();
    const refused = await call(
      'GET /api/v1/watch/namespaces/default/configmaps/one?fieldSelector=metadata.name%3Danother',
    );
    assert.equal(refused.status, 400);
    assert.equal(refused.json.message, "fieldSelector metadata.name doesn't match requested name");
  });

  it('stream a list, and say where it ends', async () => {
    const { json } = await call(`GET ${MAPS}`);
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const reader = await watch(`GET ${MAPS}?${query}`);
    for (let index = 0; index < json.items.length; index++) assert.equal((await reader.next())?.type, 'ADDED');
    const end = await reader.next();
    assert.equal(end?.type, 'BOOKMARK');
    assert.equal(end?.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
    assert.equal(end?.object.kind, 'ConfigMap');
    await create('streamed');
    assert.deepEqual(await reader.names(1), ['ADDED streamed']);
    await reader.close();
  });

  it('bookmark what has been sent once the past is behind them, however young they are', async () => {
    const { json } = await call(`GET ${MAPS}`);
    const since = json.metadata.resourceVersion;
    await create('marked');
    const reader = await watch(
      `GET ${MAPS}?watch=1&resourceVersion=${since}&allowWatchBookmarks=true&timeoutSeconds=3`,
    );
    assert.deepEqual(await reader.names(1), ['ADDED marked']);
    const mark = await reader.next();
    assert.equal(mark?.type, 'BOOKMARK');
    assert.ok(Number(mark?.object.metadata.resourceVersion) > Number(since));
    assert.equal(await reader.next(), undefined);
  });

  it('end in time, and leave nothing behind', async () => {
    const { json } = await call(`GET ${MAPS}`);
    const reader = await watch(`GET ${MAPS}?watch=1&resourceVersion=${json.metadata.resourceVersion}&timeoutSeconds=1`);
    assert.equal(await reader.next(), undefined);
    const gone = new AbortController();
    const other = await watch(`GET ${MAPS}?watch=1&resourceVersion=${json.metadata.resourceVersion}`, {
      signal: gone.signal,
    });
    gone.abort();
    assert.equal(await other.next(), undefined);
    const metrics = await call('GET /metrics');
    const open = metrics.bytes.toString().match(/^apiserver_longrunning_requests\{.*\} \d+$/gm) ?? [];
    assert.ok(open.length > 0 && open.every(line => line.endsWith('} 0')), open.join('\n'));
  });

  it('say 410 when the past is forgotten', async () => {
    const revision = await create('old');
    const page = await call(`GET ${MAPS}?limit=2`);
    for (let index = 0; index < 5; index++) await label('old', { n: String(index) });
    await server.store.compact(server.store.revision());
    const reader = await watch(`GET ${MAPS}?watch=1&resourceVersion=${revision}`);
    const event = await reader.next();
    assert.equal(event?.type, 'ERROR');
    assert.equal(event?.object.code, 410);
    assert.equal(event?.object.reason, 'Expired');
    assert.equal(await reader.next(), undefined);
    const rest = await call(`GET ${MAPS}?limit=2&continue=${page.json.metadata.continue}`);
    assert.equal(rest.status, 410);
    const recovered = await call(`GET ${MAPS}?continue=${rest.json.metadata.continue}`);
    assert.equal(recovered.status, 200);
  });

  it('as tables and as metadata, with the columns once', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const events = await call('GET /api/v1/namespaces/default/events', { headers: { accept } });
    const shown = events.json.columnDefinitions.filter((column: { priority: number }) => column.priority === 0);
    assert.deepEqual(
      shown.map((column: { name: string }) => column.name),
      ['Last Seen', 'Type', 'Reason', 'Object', 'Message'],
    );
    const table = await call(`GET ${MAPS}?limit=1`, { headers: { accept } });
    assert.equal(table.json.kind, 'Table');
    assert.equal(table.json.columnDefinitions[0].name, 'Name');
    assert.equal(table.json.rows[0].object.kind, 'PartialObjectMetadata');
    const reader = await watch(`GET ${MAPS}?watch=1&resourceVersion=${table.json.metadata.resourceVersion}`, {
      headers: { accept },
    });
    await create('tab1');
    await create('tab2');
    const [first, second] = [await reader.next(), await reader.next()];
    assert.ok(first?.object.columnDefinitions.length > 0);
    assert.equal(second?.object.columnDefinitions, null);
    assert.equal(second?.object.rows[0].cells[0], 'tab2');
    await reader.close();
    const partial = await call(`GET ${MAPS}/tab1`, {
      headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
    });
    assert.equal(partial.json.kind, 'PartialObjectMetadata');
    assert.equal(partial.json.data, undefined);
  });

  it('cut a reader that does not read, and only that one', async () => {
    const { json } = await call(`GET ${MAPS}`);
    const at = `watch=1&resourceVersion=${json.metadata.resourceVersion}`;
    const slow = await watch(`GET ${MAPS}?${at}`);
    const quick = await watch(`GET ${MAPS}?${at}`);
    const size = 512 * 1024;
    const writes = Math.ceil(MAX_WAITING_BYTES / size) + 2;
    for (let index = 0; index < writes; index++) {
      const body = { ...map(`slow-${index}`), data: { a: 'x'.repeat(size) } };
      assert.equal((await call(`POST ${MAPS}`, { body })).status, 201);
      assert.equal((await quick.next())?.object.metadata.name, `slow-${index}`);
    }
    assert.equal(await slow.next(), undefined);
    await quick.close();
    await call(`DELETE ${MAPS}`);
  });
});
