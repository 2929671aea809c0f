import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { ConfigMap } from '../api/generated/types/core.v1.ts';
import type { Request, Response } from '../lib/exchange.ts';
import { silentLogger } from '../lib/log.ts';
import { ManualClock, settle } from '../lib/testing/manualClock.ts';
import { Client } from './client.ts';
import { Informer } from './informer.ts';
import { inProcessTransport } from './inProcess.ts';
import { Reach, UnreachableError } from './reach.ts';
import { ConfigMaps } from './resources.ts';
import type { Transport } from './transport.ts';

const map = (name: string, rv: number, uid = name): ConfigMap => ({
  metadata: { namespace: 'x', name, uid, resourceVersion: String(rv), managedFields: [{ manager: 'm' }] },
  data: { name, rv: String(rv) },
});

/** Answers lists and watches from a script, in order, and keeps what was asked. */
class Script {
  readonly asked: string[] = [];
  readonly #lists: (() => Response)[] = [];
  readonly #watches: { readonly lines: object[]; readonly end: boolean }[] = [];

  list(rv: number, ...items: ConfigMap[]): this {
    this.#lists.push(() => json(200, { metadata: { resourceVersion: String(rv) }, items }));
    return this;
  }

  fail(code: number, reason: string): this {
    this.#lists.push(() => json(code, { kind: 'Status', code, reason, message: reason }));
    return this;
  }

  /** The watch ends after the events; without `end` it stays open until the client leaves. */
  watch(end: boolean, ...events: [string, object][]): this {
    this.#watches.push({ lines: events.map(([type, object]) => ({ type, object })), end });
    return this;
  }

  readonly handler = async (request: Request): Promise<Response> => {
    const isWatch = request.query.has('watch');
    this.asked.push(isWatch ? `watch ${request.query.get('resourceVersion')}` : 'list');
    if (!isWatch) return this.#lists.shift()?.() ?? json(500, {});
    const { lines, end } = this.#watches.shift() ?? { lines: [], end: false };
    const body = (async function* () {
      for (const line of lines) yield Buffer.from(`${JSON.stringify(line)}\n`);
      if (!end && !request.signal.aborted) {
        await new Promise<void>(resolve => request.signal.addEventListener('abort', () => resolve(), { once: true }));
      }
    })();
    return { status: 200, headers: {}, body };
  };
}

const json = (status: number, body: object): Response => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
});

async function follow(
  script: Script,
  body: (informer: Informer<ConfigMap>, told: string[], clock: ManualClock) => Promise<void>,
  logger = silentLogger,
) {
  const clock = new ManualClock();
  const client = new Client(inProcessTransport(script.handler, { name: 'a', groups: [] }));
  const informer = new Informer(ConfigMaps, {
    client,
    clock,
    logger,
    random: () => 1,
    indexers: { rv: object => [object.data?.rv ?? ''] },
  });
  const told: string[] = [];
  const name = (object: ConfigMap): string => `${object.metadata.name}@${object.metadata.resourceVersion}`;
  informer.on({
    add: object => told.push(`+${name(object)}`),
    update: (object, old) => told.push(`${name(old)}>${name(object)}`),
    delete: object => told.push(`-${name(object)}`),
  });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  try {
    await settle();
    await body(informer, told, clock);
  } finally {
    stop.abort();
    await running;
    assert.equal(clock.pending, 0);
  }
}

test('list, watch, resume where the watch ended', async () => {
  const script = new Script()
    .list(5, map('a', 3), map('b', 5))
    .watch(
      true,
      ['MODIFIED', map('a', 6)],
      ['DELETED', map('b', 7)],
      ['ADDED', map('c', 8)],
      ['BOOKMARK', { metadata: { resourceVersion: '20' } }],
    )
    .watch(false, ['MODIFIED', map('c', 21)]);
  await follow(script, async (informer, told, clock) => {
    await clock.advance(1000);
    assert.deepEqual(script.asked, ['list', 'watch 5', 'watch 20']);
    assert.deepEqual(told, ['+a@3', '+b@5', 'a@3>a@6', '-b@7', '+c@8', 'c@8>c@21']);
    assert.equal(informer.get('x', 'a')?.metadata.managedFields, undefined);
    assert.deepEqual(
      informer.byIndex('rv', '21').map(object => object.metadata.name),
      ['c'],
    );
    assert.deepEqual(informer.byIndex('rv', '8'), []);
    assert.equal(informer.size, 2);
    const late: string[] = [];
    informer.on({ add: object => late.push(object.metadata.name ?? '') })();
    assert.deepEqual(late, ['a', 'c'], 'a late listener is told of what is there');
  });
});

test('a resource that is not served, before its definition comes or after it has gone, is one quiet line', async () => {
  const script = new Script()
    .fail(404, 'NotFound')
    .fail(404, 'NotFound')
    .list(5, map('a', 3))
    .watch(true, ['ERROR', { kind: 'Status', code: 404, reason: 'NotFound' }])
    .fail(404, 'NotFound')
    .list(9)
    .watch(false);
  const lines: string[] = [];
  const logger = pino({ level: 'info', base: null, timestamp: false }, { write: line => lines.push(line) });
  const body = async (_informer: unknown, told: string[], clock: ManualClock): Promise<void> => {
    for (let i = 0; i < 6; i++) await clock.advance(10_000);
    assert.deepEqual(script.asked, ['list', 'list', 'list', 'watch 5', 'list', 'list', 'watch 9']);
    assert.deepEqual(told, ['+a@3', '-a@3']);
  };
  await follow(script, body, logger);
  assert.deepEqual(
    lines.map(line => JSON.parse(line) as unknown),
    [
      {
        level: 30,
        resource: 'configmaps',
        msg: 'the server does not serve the resource; it will be asked again',
      },
    ],
  );
});

test('expired history: the list is read again and only the difference is told', async () => {
  const script = new Script()
    .list(5, map('a', 3), map('b', 5), map('c', 4))
    .watch(true, ['ERROR', { kind: 'Status', code: 410, reason: 'Expired' }])
    .list(30, map('a', 3), map('b', 25), map('c', 29, 'another uid'), map('d', 30))
    .watch(false);
  await follow(script, async (_informer, told, clock) => {
    await clock.advance(1000);
    assert.deepEqual(script.asked, ['list', 'watch 5', 'list', 'watch 30']);
    assert.deepEqual(told.slice(3), ['b@5>b@25', '-c@4', '+c@29', '+d@30']);
  });
});

test('a server that is away is asked again in the moment it is back, and not said to be away by everybody', async () => {
  const script = new Script().list(1, map('a', 1)).watch(false);
  const clock = new ManualClock();
  const stop = new AbortController();
  const said: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void said.push(line) });
  const reach = new Reach({
    server: 'https://127.0.0.1:6443',
    logger: silentLogger,
    clock,
    signal: stop.signal,
    knock: () => Promise.reject(new Error('connect ECONNREFUSED')),
  });
  const inner = inProcessTransport(script.handler, { name: 'a', groups: [] });
  const transport: Transport = {
    ...inner,
    reach,
    request: request =>
      reach.away === undefined ? inner.request(request) : Promise.reject(new UnreachableError(reach.away)),
  };
  const informer = new Informer(ConfigMaps, { client: new Client(transport), clock, logger });
  reach.refused('connect ECONNREFUSED');
  const running = informer.run(stop.signal);
  await clock.advance(10 * 60_000);
  assert.equal(informer.hasSynced, false);
  reach.announced();
  await settle();
  assert.equal(informer.hasSynced, true);
  assert.deepEqual(said, []);
  stop.abort();
  await running;
  assert.equal(clock.pending, 0);
});

test('a server that cannot answer yet is asked again, ever more slowly', async () => {
  const script = new Script()
    .fail(503, 'ServiceUnavailable')
    .fail(503, 'ServiceUnavailable')
    .list(1, map('a', 1))
    .watch(false);
  await follow(script, async (informer, told, clock) => {
    assert.equal(script.asked.length, 1);
    await clock.advance(200);
    assert.equal(script.asked.length, 2);
    assert.equal(informer.hasSynced, false);
    await clock.advance(399);
    assert.equal(script.asked.length, 2);
    await clock.advance(1);
    assert.deepEqual(told, ['+a@1']);
    await informer.synced;
  });
});
