/** The JavaScript client library's informers and watches, and its way with custom resources. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { as, clientLibrary, refused } from './clientLibraryFixture.ts';
import { eventually } from './cluster.ts';
import { definition, version } from './customResourcesFixture.ts';

const { config } = clientLibrary();
const core = (): CoreV1Api => config().makeApiClient(CoreV1Api);
const namespace = 'default';
const PATH = `/api/v1/namespaces/${namespace}/configmaps`;
const labelled = (name: string, test: string, data: Record<string, string> = {}) => ({
  metadata: { name, labels: { test } },
  data,
});

interface Followed {
  readonly seen: readonly string[];
  readonly names: () => string[];
  readonly stop: () => Promise<void>;
}

/** An informer of the ConfigMaps with this label, and what it has told. */
async function follow(test: string): Promise<Followed> {
  const selector = `test=${test}`;
  const list = () => core().listNamespacedConfigMap({ namespace, labelSelector: selector });
  const informer = makeInformer<V1ConfigMap>(config(), PATH, list, selector);
  const seen: string[] = [];
  for (const verb of ['add', 'update', 'delete'] as const)
    informer.on(verb, object => seen.push(`${verb} ${object.metadata?.name} ${object.data?.v ?? ''}`.trim()));
  await informer.start();
  return {
    seen,
    names: () =>
      informer
        .list()
        .map(object => object.metadata?.name ?? '')
        .sort(),
    stop: () => informer.stop(),
  };
}

interface Watched {
  readonly events: { readonly type: string; readonly object: { metadata?: { name?: string }; code?: number } }[];
  readonly ended: Promise<unknown>;
  readonly abort: () => void;
}

async function watch(query: Record<string, string | boolean | number>): Promise<Watched> {
  const events: Watched['events'] = [];
  let end: (error: unknown) => void = () => undefined;
  const ended = new Promise<unknown>(resolve => {
    end = resolve;
  });
  const controller = await new Watch(config()).watch(PATH, query, (type, object) => events.push({ type, object }), end);
  return { events, ended, abort: () => controller.abort() };
}

describe('informers', () => {
  it('list, then follow', async () => {
    await core().createNamespacedConfigMap({ namespace, body: labelled('first', 'follow') });
    const { seen, names, stop } = await follow('follow');
    await core().createNamespacedConfigMap({ namespace, body: labelled('second', 'follow', { v: '1' }) });
    await core().createNamespacedConfigMap({ namespace, body: labelled('other', 'else') });
    const body = { data: { v: '2' } };
    await core().patchNamespacedConfigMap({ namespace, name: 'second', body }, as(PatchStrategy.MergePatch));
    await core().deleteNamespacedConfigMap({ namespace, name: 'first' });
    await eventually('the last event', async () => seen.includes('delete first'));
    assert.deepEqual(seen, ['add first', 'add second 1', 'update second 2', 'delete first']);
    assert.deepEqual(names(), ['second']);
    const leaves = { metadata: { labels: { test: null } } };
    await core().patchNamespacedConfigMap({ namespace, name: 'second', body: leaves }, as(PatchStrategy.MergePatch));
    await eventually('what no longer matches is gone', async () => names().length === 0);
    await stop();
  });

  it('keep up with many changes, in order', async () => {
    const { seen, stop } = await follow('busy');
    await core().createNamespacedConfigMap({ namespace, body: labelled('busy', 'busy', { v: '0' }) });
    for (let v = 1; v <= 30; v++) {
      const body = { data: { v: String(v) } };
      await core().patchNamespacedConfigMap({ namespace, name: 'busy', body }, as(PatchStrategy.MergePatch));
    }
    await eventually('the last change', async () => seen.includes('update busy 30'));
    const all = ['add busy 0', ...Array.from({ length: 30 }, (_, i) => `update busy ${i + 1}`)];
    assert.deepEqual(seen, all);
    await stop();
  });
});

describe('watches', () => {
  it('begin where they are told', async () => {
    const before = (await core().listNamespacedConfigMap({ namespace })).metadata?.resourceVersion ?? '';
    await core().createNamespacedConfigMap({ namespace, body: labelled('w1', 'watch') });
    await core().createNamespacedConfigMap({ namespace, body: labelled('w2', 'watch') });
    const { events, abort, ended } = await watch({ resourceVersion: before, labelSelector: 'test=watch' });
    await eventually('two events', async () => events.length >= 2);
    assert.deepEqual(
      events.map(({ type, object }) => `${type} ${object.metadata?.name}`),
      ['ADDED w1', 'ADDED w2'],
    );
    abort();
    await ended;
  });

  it('begin with what is there, and say when that was all', async () => {
    const { events, abort, ended } = await watch({
      labelSelector: 'test=watch',
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    await eventually('the bookmark', async () => events.some(({ type }) => type === 'BOOKMARK'));
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ADDED', 'ADDED', 'BOOKMARK'],
    );
    abort();
    await ended;
  });

  it('end when their time is over, without a fault', async () => {
    const { ended } = await watch({ labelSelector: 'test=none', timeoutSeconds: 1 });
    assert.equal((await ended) ?? undefined, undefined);
  });
});

describe('custom resources', () => {
  const group = 'library.example.com';
  const place = { group, version: 'v1', namespace, plural: 'boats' };
  const spec = {
    type: 'object',
    required: ['sails'],
    properties: { sails: { type: 'integer', minimum: 1 }, name: { type: 'string', _default: 'Nameless' } }, // the library's name for `default`
  };
  // The library knows `x-kubernetes-…` by other names too.
  const properties = { spec, status: { type: 'object', properties: { sails: { type: 'integer' } } } };
  const subresources = { status: {}, scale: { specReplicasPath: '.spec.sails', statusReplicasPath: '.status.sails' } };
  const boat = (name: string, spec: object) => ({
    apiVersion: `${group}/v1`,
    kind: 'Boat',
    metadata: { name, namespace },
    spec,
  });

  it('are defined, made, checked, changed and followed', async () => {
    const extensions = config().makeApiClient(ApiextensionsV1Api);
    const made = definition(
      { plural: 'boats', kind: 'Boat', group },
      version('v1', spec, { subresources }, { properties }),
    );
    await extensions.createCustomResourceDefinition({ body: made as never });
    await eventually('the definition is established', async () => {
      const { status } = await extensions.readCustomResourceDefinition({ name: `boats.${group}` });
      return status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
    });
    const custom = config().makeApiClient(CustomObjectsApi);
    const created = await custom.createNamespacedCustomObject({ ...place, body: boat('a', { sails: 2, odd: true }) });
    assert.deepEqual(created.spec, { sails: 2, name: 'Nameless' });
    const faulty = await refused(custom.createNamespacedCustomObject({ ...place, body: boat('b', { sails: 0 }) }));
    assert.deepEqual([faulty.code, faulty.reason], [422, 'Invalid']);
    assert.match(faulty.message, /spec\.sails in body should be greater than or equal to 1/);

    const list = () => custom.listNamespacedCustomObject(place) as Promise<{ items: object[] }>;
    const informer = makeInformer(config(), `/apis/${group}/v1/namespaces/${namespace}/boats`, list as never);
    const seen: string[] = [];
    informer.on('change', object => seen.push(object.metadata?.name ?? ''));
    await informer.start();

    const patch = { ...place, name: 'a', body: { spec: { sails: 3 } } };
    const patched = await custom.patchNamespacedCustomObject(patch, as(PatchStrategy.MergePatch));
    assert.equal(patched.metadata.generation, 2);
    const status = { ...place, name: 'a', body: { status: { sails: 3 }, spec: { sails: 9 } } };
    const reported = await custom.patchNamespacedCustomObjectStatus(status, as(PatchStrategy.MergePatch));
    assert.deepEqual([reported.status, reported.spec.sails], [{ sails: 3 }, 3]);
    const scale = await custom.getNamespacedCustomObjectScale({ ...place, name: 'a' });
    assert.deepEqual([scale.spec.replicas, scale.status.replicas], [3, 3]);

    const objects = KubernetesObjectApi.makeApiClient(config());
    await objects.create(boat('c', { sails: 1 }));
    const applied = await objects.patch(
      boat('c', { sails: 4 }),
      undefined,
      undefined,
      'library',
      true,
      PatchStrategy.ServerSideApply,
    );
    assert.deepEqual((applied as { spec?: object }).spec, { sails: 4, name: 'Nameless' });
    await objects.delete(boat('c', {}));
    await eventually('the informer has seen all', async () => seen.filter(name => name === 'c').length === 3);
    assert.deepEqual(seen, ['a', 'a', 'a', 'c', 'c', 'c']);
    await informer.stop();
    await extensions.deleteCustomResourceDefinition({ name: `boats.${group}` });
  });
});
