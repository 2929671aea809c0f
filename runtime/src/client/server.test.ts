/** The client against the real API server: what scripts cannot show. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { adminUser, type InProcessServer, startServer } from '../../test/startServer.ts';
import { silentLogger } from '../lib/log.ts';
import { settle } from '../lib/testing/manualClock.ts';
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from './apiError.ts';
import { Client } from './client.ts';
import { discover } from './discovery.ts';
import { EventRecorder } from './events.ts';
import { httpTransport } from './http.ts';
import { Informers } from './informers.ts';
import { inProcessTransport } from './inProcess.ts';
import { runLeaderElection } from './leaderElection.ts';
import { ConfigMaps, Deployments, Events, Leases, metadataOf, Pods } from './resources.ts';

let server: InProcessServer;
const clients: [name: string, make: () => Client][] = [
  ['in process', () => new Client(inProcessTransport(server.apiServer.handler, adminUser))],
  [
    'over TLS',
    () => {
      const credentials = { certPem: server.admin.certificatePem, keyPem: server.admin.privateKeyPem };
      return new Client(httpTransport({ server: server.url, caPem: server.ca, credentials }));
    },
  ],
];

before(async () => {
  server = await startServer();
});
after(() => server.close());

for (const [how, make] of clients) {
  test(`${how}: write, read, patch, refuse, delete`, async () => {
    const client = make();
    const namespace = 'default';
    const key = { namespace, name: `map-${how.replace(' ', '-').toLowerCase()}` };
    const created = await client.create(ConfigMaps, { metadata: key, data: { a: '1' } });
    await assert.rejects(client.create(ConfigMaps, { metadata: key }), isAlreadyExists);
    const updated = await client.update(ConfigMaps, { ...created, data: { a: '2' } });
    await assert.rejects(client.update(ConfigMaps, created), isConflict);
    assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion);
    const patched = await client.patch(ConfigMaps, key, { data: { a: null, b: '3' } }, { type: 'merge' });
    assert.deepEqual(patched.data, { b: '3' });
    await assert.rejects(client.create(ConfigMaps, { metadata: { namespace, name: 'No Name' } }), isInvalid);
    const only = await client.getMetadata(ConfigMaps, key);
    assert.deepEqual([only.kind, 'data' in only], ['PartialObjectMetadata', false]);
    await client.delete(ConfigMaps, key, { preconditions: { uid: created.metadata.uid } });
    await assert.rejects(client.get(ConfigMaps, key), isNotFound);
    client.close();
  });

  test(`${how}: lists in pages, watches from where they ended`, async () => {
    const client = make();
    const labels = { how: how.replace(' ', '-') };
    const labelSelector = `how=${labels.how}`;
    for (let n = 0; n < 5; n++)
      await client.create(ConfigMaps, { metadata: { namespace: 'default', generateName: 'p-', labels } });
    const names: (string | undefined)[] = [];
    for await (const map of client.listAll(ConfigMaps, { labelSelector, limit: 2 })) names.push(map.metadata.name);
    assert.equal(new Set(names).size, 5);
    const informers = new Informers({ client, logger: silentLogger });
    const cache = informers.of(metadataOf(ConfigMaps), { labelSelector, metadataOnly: true });
    assert.equal(informers.of(metadataOf(ConfigMaps), { labelSelector, metadataOnly: true }), cache, 'shared');
    const stop = new AbortController();
    informers.start(stop.signal);
    await informers.synced(AbortSignal.timeout(20_000));
    assert.equal(cache.size, 5);
    const gone = new Promise<void>(resolve => cache.on({ delete: () => cache.size === 0 && resolve() }));
    await client.deleteCollection(ConfigMaps, { namespace: 'default', labelSelector });
    await gone;
    stop.abort();
    await cache.run(stop.signal);
    client.close();
  });
}

test('discovery knows every kind once', async () => {
  const found = await discover(clients[0]?.[1]() ?? assert.fail());
  const of = (ref: { readonly group: string; readonly resource: string }) =>
    found.filter(each => each.group === ref.group && each.resource === ref.resource);
  for (const ref of [Pods, Deployments, Leases]) {
    const [one, ...more] = of(ref);
    assert.deepEqual(
      [one?.kind, one?.version, one?.namespaced, more.length],
      [ref.kind, ref.version, ref.namespaced, 0],
    );
    assert.ok(one?.verbs.includes('watch'));
  }
});

test('the same event again counts up', async () => {
  const client = clients[0]?.[1]() ?? assert.fail();
  const map = await client.create(ConfigMaps, { metadata: { namespace: 'default', name: 'subject' } });
  const recorder = new EventRecorder({ client, logger: silentLogger, component: 'tester', host: 'here' });
  for (let n = 0; n < 3; n++) recorder.event(ConfigMaps, map, 'Warning', 'Tested', 'again');
  recorder.event(ConfigMaps, map, 'Normal', 'Tested', 'once');
  await recorder.close();
  const { items } = await client.list(Events, { namespace: 'default', fieldSelector: 'involvedObject.name=subject' });
  assert.deepEqual(
    items.map(({ message, count, source }) => [message, count, source?.component, source?.host]).sort(),
    [
      ['again', 3, 'tester', 'here'],
      ['once', 1, 'tester', 'here'],
    ],
  );
});

test('one leads at a time; the lead goes on when it is given up, and when it is taken', async () => {
  const client = clients[0]?.[1]() ?? assert.fail();
  const lease = { namespace: 'kube-system', name: 'test-leader' };
  const leading = new Set<string>();
  const terms: string[] = [];
  let told = (): void => {};
  const stand = (identity: string, signal: AbortSignal): Promise<void> =>
    runLeaderElection(
      {
        client,
        logger: silentLogger,
        ...lease,
        identity,
        leaseDurationMs: 3000,
        renewDeadlineMs: 2000,
        retryPeriodMs: 50,
      },
      async term => {
        leading.add(identity);
        terms.push(identity);
        assert.equal(leading.size, 1, 'two lead at once');
        told();
        await new Promise<void>(resolve => term.addEventListener('abort', () => resolve(), { once: true }));
        leading.delete(identity);
      },
      signal,
    );
  const next = (): Promise<void> => new Promise(resolve => (told = resolve));
  const [a, b] = [new AbortController(), new AbortController()];
  let led = next();
  const first = stand('a', a.signal);
  await led;
  const second = stand('b', b.signal);
  await settle();
  led = next();
  a.abort();
  await first;
  await led;
  assert.deepEqual(terms, ['a', 'b']);
  const stolen = await client.get(Leases, lease);
  await client
    .update(Leases, { ...stolen, spec: { ...stolen.spec, holderIdentity: 'c', leaseDurationSeconds: 1 } })
    .catch(error => {
      // The leader has renewed in between: take it by force.
      if (!isConflict(error)) throw error;
      return client.patch(Leases, lease, { spec: { holderIdentity: 'c', leaseDurationSeconds: 1 } }, { type: 'merge' });
    });
  led = next();
  await led;
  assert.deepEqual(terms, ['a', 'b', 'b'], 'lost to c, and had again when c did not renew');
  b.abort();
  await second;
  assert.equal((await client.get(Leases, lease)).spec?.holderIdentity, '');
});
