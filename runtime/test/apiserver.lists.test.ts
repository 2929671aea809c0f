/**
 * Long lists leave in pieces, in every form: all of them at one revision, whatever is written meanwhile; one that cannot be read to
 * its end does not look whole.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Agent, get } from 'node:https';
import type { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parse } from 'yaml';
import { decodeProtobuf } from '../src/api/protobuf.ts';
import { ask, open, WatchReader } from './apiserverAsk.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
/** Together more than any form of a list has in one piece, also more than is kept of a protobuf list that is being measured. */
const COUNT = 400;
const FILLING = 'y'.repeat(12_000);

/** Lists that are open at the same time and not read. */
const UNREAD = 8;
/** Of a list of 5 MB: a piece, and of a protobuf list what is kept of measuring it. */
const MOST_HELD_BYTES = 3 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is reachable, in the heap and beside it. */
async function heldBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise(resolve => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Name and the label `mark`, in the order of the list. */
type Seen = readonly (readonly [name: string, mark: string])[];
interface Listed {
  readonly revision: string;
  readonly seen: Seen;
}

interface Item {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}
interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items?: readonly Item[];
  readonly rows?: readonly { readonly object: Item }[];
}

const seenOf = ({ metadata, items, rows }: List): Listed => ({
  revision: metadata.resourceVersion,
  seen: (items ?? (rows ?? []).map(({ object }) => object)).map(({ metadata: { name, labels } }) => [
    name,
    labels?.mark ?? '',
  ]),
});

const json = (bytes: Buffer): Listed => seenOf(JSON.parse(bytes.toString()));
const forms: readonly { form: string; headers: Record<string, string>; read: (bytes: Buffer) => Listed }[] = [
  { form: 'JSON', headers: {}, read: json },
  { form: 'JSON for people', headers: { 'user-agent': 'curl/8' }, read: json },
  { form: 'a table', headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }, read: json },
  {
    form: 'metadata',
    headers: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
    read: json,
  },
  {
    form: 'protobuf',
    headers: { accept: 'application/vnd.kubernetes.protobuf' },
    read: bytes => seenOf(decodeProtobuf(bytes) as unknown as List),
  },
  {
    form: 'YAML',
    headers: { accept: 'application/yaml' },
    read: bytes => seenOf(parse(bytes.toString()) as List),
  },
];

/** What comes over a connection of its own. @param pauseMs between chunks */
async function received(
  { url, ca, admin }: InProcessServer,
  protocol: 'h2' | 'h1.1',
  path: string,
  pauseMs: number,
): Promise<Buffer> {
  const credentials = { ca, cert: admin.certificatePem, key: admin.privateKeyPem };
  const session = protocol === 'h2' ? connect(url, credentials) : undefined;
  const agent = new Agent(credentials);
  try {
    const body: Readable =
      session?.request({ ':path': path }) ??
      ((await once(get(`${url}${path}`, { agent }), 'response')) as [Readable])[0];
    const chunks: Buffer[] = [];
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      if (chunks.length % 16 === 0) await setTimeout(pauseMs);
    }
    return Buffer.concat(chunks);
  } finally {
    session?.close();
    agent.destroy();
  }
}

describe('long lists', () => {
  let server: InProcessServer;
  const call = (line: string, question: Parameters<typeof ask>[2] = {}): ReturnType<typeof ask> =>
    ask(server.apiServer.handler, line, question);
  const name = (index: number): string => `m-${String(index).padStart(4, '0')}`;
  const mapOf = (index: number): object => ({
    metadata: { name: name(index), labels: { mark: 'first', odd: `${index % 2}` } },
    data: { filling: FILLING },
  });
  const create = async (index: number): Promise<void> => {
    const { status, bytes } = await call(`POST ${MAPS}`, { body: mapOf(index) });
    assert.equal(status, 201, bytes.toString());
  };
  /** Changes, removes and adds what a list that has begun has not come to. */
  const disturb = async (mark: string): Promise<void> => {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const body = { metadata: { labels: { mark } } };
    assert.equal((await call(`PATCH ${MAPS}/${name(COUNT - 2)}`, { headers, body })).status, 200);
    assert.equal((await call(`DELETE ${MAPS}/${name(COUNT - 3)}`)).status, 200);
    await create(COUNT);
  };
  const restore = async (): Promise<void> => {
    await create(COUNT - 3);
    assert.equal((await call(`DELETE ${MAPS}/${name(COUNT)}`)).status, 200);
  };

  before(async () => {
    server = await startServer();
    await Promise.all(Array.from({ length: COUNT }, (_, index) => create(index)));
  });
  after(() => server.close());

  for (const { form, headers, read } of forms) {
    for (const query of ['', '?labelSelector=odd!=3']) {
      it(`as ${form}${query}: at one revision, whatever is written meanwhile`, async () => {
        const expected = json((await call(`GET ${MAPS}${query}`)).bytes);
        const { status, body } = await open(server.apiServer.handler, `GET ${MAPS}${query}`, { headers });
        assert.equal(status, 200);
        assert.ok(!Buffer.isBuffer(body), 'it comes in pieces');
        const chunks: Buffer[] = [];
        for await (const chunk of body) {
          if (chunks.push(chunk) === 1) await disturb(form.replace(/\W/g, ''));
        }
        assert.deepEqual(read(Buffer.concat(chunks)), expected);
        await restore();
      });
    }

    it(`as ${form}: not whole when what follows is forgotten`, async () => {
      const { body } = await open(server.apiServer.handler, `GET ${MAPS}`, { headers });
      assert.ok(!Buffer.isBuffer(body));
      const rest = body[Symbol.asyncIterator]();
      assert.equal((await rest.next()).done, false);
      await disturb('forgotten');
      await server.store.compact(server.store.revision());
      await assert.rejects(async () => {
        while (!(await rest.next()).done);
      }, /has been compacted/);
      await restore();
    });
  }

  for (const protocol of ['h2', 'h1.1'] as const) {
    it(`arrive over ${protocol} as they were made, also where they are taken slowly`, async () => {
      const { bytes: expected } = await call(`GET ${MAPS}`);
      const chunks = await Promise.all([0, 5].map(pauseMs => received(server, protocol, MAPS, pauseMs)));
      for (const bytes of chunks) assert.ok(bytes.equals(expected), `${bytes.length} of ${expected.length} bytes`);
    });
  }

  for (const { form, headers } of forms) {
    for (const query of ['', '?labelSelector=odd%3D1', '?labelSelector=odd%3D3']) {
      it(`as ${form}${query}: are answered however much is forgotten until then`, async () => {
        let answered = false;
        const answering = open(server.apiServer.handler, `GET ${MAPS}${query}`, { headers }).finally(() => {
          answered = true;
        });
        const compactions: Promise<void>[] = [];
        for (let round = 0; !answered; round++) {
          await server.store.commit({ key: '/elsewhere', value: Buffer.from(String(round)) });
          // Not awaited: it waits for the list.
          compactions.push(server.store.compact(server.store.revision()));
          await new Promise(resolve => setImmediate(resolve));
        }
        const { status, body } = await answering;
        assert.equal(status, 200);
        if (!Buffer.isBuffer(body)) await body[Symbol.asyncIterator]().return?.();
        await Promise.all(compactions);
      });
    }
  }

  for (const { form, headers } of forms) {
    it(`as ${form}: cost little while nobody takes them`, async () => {
      const { body: whole } = await open(server.apiServer.handler, `GET ${MAPS}`, { headers });
      assert.ok(!Buffer.isBuffer(whole));
      let sizeBytes = 0;
      for await (const chunk of whole) sizeBytes += chunk.length;
      const before = await heldBytes();
      const unread: AsyncIterator<Buffer>[] = [];
      for (let index = 0; index < UNREAD; index++) {
        const { body } = await open(server.apiServer.handler, `GET ${MAPS}`, { headers });
        assert.ok(!Buffer.isBuffer(body));
        const rest = body[Symbol.asyncIterator]();
        await rest.next();
        await rest.next();
        unread.push(rest);
      }
      const each = ((await heldBytes()) - before) / UNREAD;
      assert.ok(each < MOST_HELD_BYTES, `each of ${sizeBytes} bytes holds ${Math.round(each)}`);
      for (const rest of unread) await rest.return?.();
    });
  }

  it('leave nothing behind when they are left', async () => {
    for (const { headers } of forms) {
      const controller = new AbortController();
      const { body } = await open(server.apiServer.handler, `GET ${MAPS}`, { headers, signal: controller.signal });
      assert.ok(!Buffer.isBuffer(body));
      const rest = body[Symbol.asyncIterator]();
      await rest.next();
      controller.abort();
      await rest.return?.();
      assert.equal((await rest.next()).done, true);
    }
  });

  const STREAMING = 'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';

  it('as a watch: what was there, then what has happened meanwhile, each once', async () => {
    const { seen } = json((await call(`GET ${MAPS}`)).bytes);
    const reader = new WatchReader(await open(server.apiServer.handler, `GET ${MAPS}?${STREAMING}`));
    const events: string[] = [];
    const next = async (): Promise<void> => {
      const event = await reader.next();
      events.push(
        `${event?.type} ${event?.object.metadata.name ?? 'end'} ${event?.object.metadata.labels?.mark ?? ''}`,
      );
    };
    await next();
    await disturb('watched');
    while (events.length < seen.length + 4) await next();
    assert.deepEqual(events, [
      ...seen.map(([name, mark]) => `ADDED ${name} ${mark}`),
      'BOOKMARK end ',
      `MODIFIED ${name(COUNT - 2)} watched`,
      `DELETED ${name(COUNT - 3)} first`,
      `ADDED ${name(COUNT)} first`,
    ]);
    await reader.close();
    await restore();
  });

  it('as a watch: tells when what follows is forgotten, and ends', async () => {
    const reader = new WatchReader(await open(server.apiServer.handler, `GET ${MAPS}?${STREAMING}`));
    assert.equal((await reader.next())?.type, 'ADDED');
    await disturb('lost');
    await server.store.compact(server.store.revision());
    let last = await reader.next();
    while (last?.type === 'ADDED') last = await reader.next();
    assert.deepEqual([last?.type, last?.object.code, last?.object.reason], ['ERROR', 410, 'Expired']);
    assert.equal(await reader.next(), undefined);
  });

  it('are deleted piece by piece, those that are selected and were there', async () => {
    const before = json((await call(`GET ${MAPS}`)).bytes).seen.length;
    const deleting = call(`DELETE ${MAPS}?labelSelector=odd%3D1`);
    const { status, bytes } = await deleting;
    assert.equal(status, 200, bytes.toString());
    const { kind, status: said } = JSON.parse(bytes.toString()) as { kind: string; status: string };
    assert.deepEqual([kind, said], ['Status', 'Success']);
    const left = json((await call(`GET ${MAPS}`)).bytes).seen;
    assert.ok(left.length < before && left.length > before / 3, `${left.length} of ${before}`);
    assert.equal(json((await call(`GET ${MAPS}?labelSelector=odd%3D1`)).bytes).seen.length, 0);

    const later = `${MAPS}/${name(COUNT + 7)}`;
    const all = call(`DELETE ${MAPS}`);
    // The first piece of it takes more than a turn: this is there before the last one is come to.
    await create(COUNT + 7);
    assert.equal((await all).status, 200);
    const { seen } = json((await call(`GET ${MAPS}`)).bytes);
    assert.deepEqual(
      seen.map(([name]) => name),
      [name(COUNT + 7)],
    );
    assert.equal((await call(`GET ${later}`)).status, 200);
    const short = await call(`DELETE ${MAPS}`);
    assert.deepEqual(
      json(short.bytes).seen.map(([name]) => name),
      [name(COUNT + 7)],
    );
  });

  it('are deleted only until one cannot be', async () => {
    await Promise.all(Array.from({ length: 120 }, (_, index) => create(index)));
    const headers = { 'content-type': 'application/merge-patch+json' };
    const body = { metadata: { finalizers: ['example.com/stay'] } };
    assert.equal((await call(`PATCH ${MAPS}/${name(100)}`, { headers, body })).status, 200);
    assert.equal((await call(`DELETE ${MAPS}?dryRun=All`)).status, 200);
    assert.equal(json((await call(`GET ${MAPS}`)).bytes).seen.length, 120);
    const refused = await call(`DELETE ${MAPS}`, { body: { preconditions: { uid: 'another' } } });
    assert.equal(refused.status, 409);
    assert.equal(json((await call(`GET ${MAPS}`)).bytes).seen.length, 120);
    assert.equal((await call(`DELETE ${MAPS}`)).status, 200);
    assert.deepEqual(
      json((await call(`GET ${MAPS}`)).bytes).seen.map(([name]) => name),
      [name(100)],
    );
    assert.equal(
      (await call(`PATCH ${MAPS}/${name(100)}`, { headers, body: { metadata: { finalizers: null } } })).status,
      200,
    );
    assert.equal((await call(`GET ${MAPS}/${name(100)}`)).status, 404);
  });
});
