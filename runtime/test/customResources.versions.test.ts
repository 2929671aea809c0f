/** Versions of custom resources, and what becomes of their objects when the definition changes or goes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ask, open, WatchReader } from './apiserverAsk.ts';
import { eventually } from './cluster.ts';
import { CRDS, customResourceCluster, definition, MERGE, version } from './customResourcesFixture.ts';
import { startServer } from './startServer.ts';

const { cluster, handler, ok, asks, define, gone, redefine } = customResourceCluster();

const WIDGETS = '/apis/widgets.example.com';
const widgetSpec = { type: 'object', properties: { size: { type: 'integer' }, color: { type: 'string' } } };
const widgets = (versions: readonly object[]) =>
  definition(
    {
      plural: 'widgets',
      kind: 'Widget',
      group: 'widgets.example.com',
      scope: 'Cluster',
      more: { listKind: 'WidgetCollection' },
    },
    ...versions,
  );
const widget = (name: string, spec: object, of = 'v1') => ({
  apiVersion: `widgets.example.com/${of}`,
  kind: 'Widget',
  metadata: { name },
  spec,
});

describe('versions of custom resources', { timeout: 120_000 }, () => {
  it('show the same objects', async () => {
    const old = version(
      'v1beta1',
      { type: 'object', properties: { size: { type: 'integer' } } },
      { storage: false, deprecated: true },
    );
    const hidden = version('v1alpha1', widgetSpec, { storage: false, served: false });
    await define(widgets([version('v1', widgetSpec), old, hidden]));
    await asks(`POST ${WIDGETS}/v1/widgets`, widget('a', { size: 1, color: 'red' }));
    const seen = await asks(`GET ${WIDGETS}/v1beta1/widgets/a`);
    assert.equal(seen.json.apiVersion, 'widgets.example.com/v1beta1');
    assert.deepEqual(seen.json.spec, { size: 1 });
    assert.equal(
      seen.headers.warning,
      '299 - "widgets.example.com/v1beta1 Widget is deprecated; use widgets.example.com/v1 Widget"',
    );
    const list = (await asks(`GET ${WIDGETS}/v1beta1/widgets`)).json;
    assert.equal(list.kind, 'WidgetCollection');
    assert.equal(list.items[0].apiVersion, 'widgets.example.com/v1beta1');
    assert.equal((await asks(`GET ${WIDGETS}/v1alpha1/widgets`)).status, 404);
    const made = await asks(`POST ${WIDGETS}/v1beta1/widgets`, widget('b', { size: 2 }, 'v1beta1'));
    assert.equal(made.json.apiVersion, 'widgets.example.com/v1beta1');
    assert.equal((await asks(`GET ${WIDGETS}/v1/widgets/b`)).json.apiVersion, 'widgets.example.com/v1');
    const [before, after] = await Promise.all(
      ['v1beta1', 'v1'].map(of =>
        open(handler(), `GET ${WIDGETS}/${of}/widgets?watch=1&resourceVersion=${list.metadata.resourceVersion}`),
      ),
    );
    assert.ok(before && after);
    const readers = [new WatchReader(before), new WatchReader(after)];
    const events = await Promise.all(readers.map(reader => reader.next()));
    assert.deepEqual(
      events.map(event => `${event?.type} ${event?.object.apiVersion}`),
      ['ADDED widgets.example.com/v1beta1', 'ADDED widgets.example.com/v1'],
    );
    for (const reader of readers) await reader.close();
    const patched = await asks(`PATCH ${WIDGETS}/v1beta1/widgets/a`, { spec: { size: 5 } }, MERGE);
    assert.deepEqual(patched.json.spec, { size: 5 });
    const hashes = await Promise.all(
      ['v1beta1', 'v1'].map(
        async of => (await asks(`GET ${WIDGETS}/${of}`)).json.resources[0].storageVersionHash as string,
      ),
    );
    const kept = createHash('sha256').update('widgets.example.com/v1/Widget').digest().subarray(0, 8);
    assert.deepEqual(hashes, [kept.toString('base64'), kept.toString('base64')]);
    const explained = await ok('api-resources --api-group=widgets.example.com');
    assert.match(explained, /widgets\s+widgets\.example\.com\/v1\s+false\s+Widget/);
  });

  it('get the defaults of a schema that has changed since, when they are read', async () => {
    const watch = new WatchReader(await open(handler(), `GET ${WIDGETS}/v1/widgets?watch=1`));
    assert.deepEqual(await watch.names(2), ['ADDED a', 'ADDED b']);
    const changed = await redefine('widgets.widgets.example.com', spec => {
      const [first] = spec.versions as {
        schema: { openAPIV3Schema: { properties: { spec: { properties: object } } } };
      }[];
      if (first)
        first.schema.openAPIV3Schema.properties.spec.properties = {
          size: { type: 'integer' },
          shape: { type: 'string', default: 'round' },
        };
    });
    assert.equal(changed.status, 200, JSON.stringify(changed.json));
    // Its watchers are told by the end of the watch to look again.
    assert.equal(await watch.next(), undefined);
    // At once: no waiting here.
    const read = await asks(`GET ${WIDGETS}/v1/widgets/b`);
    assert.deepEqual(read.json.spec, { size: 2, shape: 'round' });
    const { items } = (await asks(`GET ${WIDGETS}/v1/widgets`)).json;
    assert.deepEqual(
      items.map((item: { spec: { shape: string } }) => item.spec.shape),
      ['round', 'round'],
    );
    const again = new WatchReader(await open(handler(), `GET ${WIDGETS}/v1/widgets?watch=1`));
    const first = await again.next();
    assert.equal(first?.object.spec.shape, 'round');
    assert.equal(first?.object.spec.color, undefined);
    await again.close();
    // A write without a change writes what is outdated.
    const written = await asks(`PUT ${WIDGETS}/v1/widgets/b`, read.json);
    assert.equal(written.status, 200);
    assert.notEqual(written.json.metadata.resourceVersion, read.json.metadata.resourceVersion);
    const same = await asks(`PUT ${WIDGETS}/v1/widgets/b`, written.json);
    assert.equal(same.json.metadata.resourceVersion, written.json.metadata.resourceVersion);
    assert.match(await ok('explain widget.spec.shape'), /shape <string>/);
  });

  it('can move to another storage version', async () => {
    const moved = await redefine('widgets.widgets.example.com', spec => {
      for (const one of spec.versions as { name: string; storage: boolean; served: boolean }[]) {
        one.storage = one.name === 'v1alpha1';
        if (one.name === 'v1alpha1') one.served = true;
      }
    });
    assert.equal(moved.status, 200, JSON.stringify(moved.json));
    assert.deepEqual(moved.json.status.storedVersions, ['v1', 'v1alpha1']);
    const read = (await asks(`GET ${WIDGETS}/v1/widgets/a`)).json;
    assert.equal((await asks(`PUT ${WIDGETS}/v1/widgets/a`, read)).status, 200);
    const stored = await cluster().server.store.get('/registry/widgets.example.com/widgets/a');
    assert.equal(JSON.parse(stored?.value.toString() ?? '{}').apiVersion, 'widgets.example.com/v1alpha1');
    const dropped = await redefine('widgets.widgets.example.com', spec => {
      spec.versions = spec.versions.filter(one => (one as { name: string }).name !== 'v1');
    });
    assert.equal(dropped.status, 422);
    assert.match(
      dropped.json.message,
      /status\.storedVersions\[0\]: Invalid value: "v1": missing from spec\.versions; v1 was previously a storage version/,
    );
  });

  it('can be renamed while they are not stored, and stop being served', async () => {
    const name = 'multis.widgets.example.com';
    const spec = { type: 'object', description: 'Specification.' };
    await define(
      definition(
        { plural: 'multis', kind: 'Multi', group: 'widgets.example.com' },
        version('v2', spec),
        version('v3', spec, { storage: false }),
      ),
    );
    const published = async (): Promise<string[]> => {
      const { definitions } = (await asks('GET /openapi/v2')).json;
      return Object.keys(definitions).filter(
        known => known.startsWith('com.example.widgets.') && known.endsWith('.Multi'),
      );
    };
    assert.deepEqual(await published(), ['com.example.widgets.v2.Multi', 'com.example.widgets.v3.Multi']);
    const patch = [
      { op: 'test', path: '/spec/versions/1/name', value: 'v3' },
      { op: 'replace', path: '/spec/versions/1/name', value: 'v4' },
    ];
    const renamed = await asks(`PATCH ${CRDS}/${name}`, patch, { 'content-type': 'application/json-patch+json' });
    assert.equal(renamed.status, 200, JSON.stringify(renamed.json));
    assert.deepEqual(await published(), ['com.example.widgets.v2.Multi', 'com.example.widgets.v4.Multi']);
    assert.equal((await asks(`GET ${WIDGETS}/v3/multis`)).status, 404);
    assert.equal((await asks(`GET ${WIDGETS}/v4/multis`)).status, 200);
    await redefine(name, ({ versions }) => Object.assign(versions[1] ?? {}, { served: false }));
    assert.deepEqual(await published(), ['com.example.widgets.v2.Multi']);
    assert.equal((await asks(`GET ${WIDGETS}/v4`)).status, 404);
    const status = {
      conditions: [{ type: 'StatusPatched', status: 'True', reason: 'E2E', message: 'set by a patch' }],
    };
    const patched = await asks(`PATCH ${CRDS}/${name}/status`, { status, spec: { scope: 'Cluster' } }, MERGE);
    assert.equal(patched.status, 200);
    assert.equal(patched.json.spec.scope, 'Namespaced');
    assert.equal(patched.json.status.conditions[0].type, 'StatusPatched');
    await ok(`delete crd ${name}`);
  });

  it('are watched by many, who all hear of the end', async () => {
    const name = 'watcheds.widgets.example.com';
    await define(
      definition({ plural: 'watcheds', kind: 'Watched', group: 'widgets.example.com' }, version('v1', widgetSpec)),
    );
    const path = `${WIDGETS}/v1/namespaces/default/watcheds`;
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', onWarning);
    const readers = await Promise.all(
      Array.from({ length: 40 }, async () => new WatchReader(await open(handler(), `GET ${path}?watch=1`))),
    );
    await asks(`POST ${path}`, { apiVersion: 'widgets.example.com/v1', kind: 'Watched', metadata: { name: 'w' } });
    for (const reader of readers) assert.deepEqual(await reader.names(1), ['ADDED w']);
    await asks(`DELETE ${CRDS}/${name}`);
    for (const reader of readers) {
      assert.deepEqual(await reader.names(1), ['DELETED w']);
      assert.equal(await reader.next(), undefined);
    }
    await gone(`${CRDS}/${name}`);
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  it('end with everything in them, and can begin again', async () => {
    const held = { ...widget('held', {}), metadata: { name: 'held', finalizers: ['example.com/hold'] } };
    await asks(`POST ${WIDGETS}/v1/widgets`, held);
    const deleted = await asks(`DELETE ${CRDS}/widgets.widgets.example.com`);
    assert.equal(deleted.status, 200);
    assert.deepEqual(deleted.json.metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io']);
    await eventually(
      'only the held one is left',
      async () => (await asks(`GET ${WIDGETS}/v1/widgets`)).json.items?.length === 1,
    );
    const refused = await asks(`POST ${WIDGETS}/v1/widgets`, widget('late', {}));
    assert.equal(refused.status, 403);
    assert.match(
      refused.json.message,
      /^widgets\.widgets\.example\.com "late" is forbidden: create not allowed while custom resource definition is terminating$/,
    );
    const { json: discovered } = await asks(`GET ${WIDGETS}/v1`);
    assert.deepEqual(discovered.resources[0].verbs, ['delete', 'deletecollection', 'get', 'list', 'watch']);
    await asks(`PATCH ${WIDGETS}/v1/widgets/held`, { metadata: { finalizers: null } }, MERGE);
    await gone(`${CRDS}/widgets.widgets.example.com`);
    assert.equal((await asks(`GET ${WIDGETS}/v1`)).status, 404);
    assert.equal((await asks(`GET ${WIDGETS}/v1/widgets`)).status, 404);
    assert.equal((await asks('GET /openapi/v3/apis/widgets.example.com/v1')).status, 404);
    await define(widgets([version('v1', widgetSpec)]));
    assert.deepEqual((await asks(`GET ${WIDGETS}/v1/widgets`)).json.items, []);
    await ok('delete crd widgets.widgets.example.com');
  });
});

describe('a server that starts again', { timeout: 60_000 }, () => {
  it('serves what has been defined before it answers anybody', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-custom-'));
    const prefix = '/registry/apiextensions.k8s.io/customresourcedefinitions/';
    try {
      const first = await startServer({ directory });
      const made = definition({ plural: 'lasts', kind: 'Last', group: 'again.example.com' }, version('v1', widgetSpec));
      assert.equal((await ask(first.apiServer.handler, `POST ${CRDS}`, { body: made })).status, 201);
      // Nobody else is there to establish it.
      const status = {
        conditions: [{ type: 'Established', status: 'True' }],
        acceptedNames: { plural: 'lasts', singular: 'last', kind: 'Last', listKind: 'LastList' },
      };
      await ask(first.apiServer.handler, `PATCH ${CRDS}/lasts.again.example.com/status`, {
        body: { status },
        headers: MERGE,
      });
      const path = '/apis/again.example.com/v1/namespaces/default/lasts';
      const object = { apiVersion: 'again.example.com/v1', kind: 'Last', metadata: { name: 'l' }, spec: { size: 1 } };
      assert.equal((await ask(first.apiServer.handler, `POST ${path}`, { body: object })).status, 201);
      await first.close();
      const second = await startServer({ directory });
      assert.equal((await ask(second.apiServer.handler, `GET ${path}/l`)).json.spec.size, 1);
      assert.ok(await second.store.get(`${prefix}lasts.again.example.com`));
      await second.close();
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
