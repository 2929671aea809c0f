/** What passes between the store and a version untouched, and what is changed on the way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JSONSchemaProps } from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { KeyValue, RangeOptions, Store, StoreEvent, Watcher, Write } from '../../store/store.ts';
import { serialize } from '../serialized.ts';
import { readDefinition } from './definition.ts';
import { Serving } from './serving.ts';
import { viewOf } from './view.ts';

const schema = (spec: Record<string, JSONSchemaProps>) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec } } },
});

/** Versions v1 (stored) with a default and v1beta1 without it; the schema is as of revision 100. */
function serving(): Serving {
  const value = Buffer.from(
    JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'tabs.example.com', uid: 'u', generation: 1 },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'tabs', kind: 'Tab' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: schema({ a: { type: 'string' }, d: { type: 'integer', default: 1 } }),
          },
          { name: 'v1beta1', served: true, storage: false, schema: schema({ a: { type: 'string' } }) },
        ],
      },
    }),
  );
  const definition = readDefinition(value, 100);
  return new Serving({
    definition,
    schemaRevision: 100,
    retired: new AbortController().signal,
    value,
    isTerminating: () => false,
  });
}

const tab = (spec: object, version = 'v1'): Buffer =>
  serialize({ apiVersion: `example.com/${version}`, kind: 'Tab', metadata: { name: 'n', uid: 'u' }, spec });

const item = (value: Buffer, modRevision: number): KeyValue => ({ key: '/k/n', value, modRevision, createRevision: 1 });
const specOf = (value: Buffer | undefined): unknown => JSON.parse(value?.toString() ?? '{}').spec;
const versionOf = (value: Buffer | undefined): unknown => JSON.parse(value?.toString() ?? '{}').apiVersion;

/** A store that holds one thing and remembers what is written. */
function storeOf(found: KeyValue): { store: Store; written: Write[]; tell: (event: StoreEvent) => void } {
  const written: Write[] = [];
  let watcher: Watcher | undefined;
  const store = {
    get: async () => found,
    range: async (_: RangeOptions) => ({ revision: 200, items: [found], more: false, remaining: 0 }),
    commit: async (write: Write) => {
      written.push(write);
      return { ok: true, revision: 201, previous: found };
    },
    watch: (_: object, given: Watcher) => {
      watcher = given;
      return () => undefined;
    },
  } as unknown as Store;
  return { store, written, tell: event => watcher?.onEvents([event]) };
}

describe('the store as a version sees it', () => {
  it('gives what has been written under the schema as it is', async () => {
    const found = item(tab({ a: 'x', d: 1 }), 101);
    const view = viewOf(storeOf(found).store, serving(), 'v1');
    assert.equal(await view.get('/k/n'), found);
    assert.equal((await view.range({ prefix: '/k/' })).items[0], found);
    assert.equal(view.isOutdated(found), false);
  });

  it('completes what is older, and knows that it is not stored like that', async () => {
    const view = viewOf(storeOf(item(tab({ a: 'x', gone: true }), 99)).store, serving(), 'v1');
    const read = await view.get('/k/n');
    assert.deepEqual(specOf(read?.value), { a: 'x', d: 1 });
    assert.equal(read && view.isOutdated(read), true);
    assert.deepEqual(specOf((await view.range({ prefix: '/k/' })).items[0]?.value), { a: 'x', d: 1 });
  });

  it('gives what is older and as it would be today as the same bytes', async () => {
    const found = item(tab({ a: 'x', d: 3 }), 99);
    const view = viewOf(storeOf(found).store, serving(), 'v1');
    const [first, second] = [await view.get('/k/n'), await view.get('/k/n')];
    assert.equal(first, found);
    assert.equal(second, found);
  });

  it('shows and takes another version', async () => {
    const found = item(tab({ a: 'x', d: 1 }), 101);
    const { store, written } = storeOf(found);
    const view = viewOf(store, serving(), 'v1beta1');
    const read = await view.get('/k/n');
    assert.equal(versionOf(read?.value), 'example.com/v1beta1');
    assert.deepEqual(specOf(read?.value), { a: 'x' });
    const result = await view.commit({ key: '/k/n', value: tab({ a: 'y' }, 'v1beta1'), expect: 101 });
    assert.equal(versionOf(written[0]?.value ?? undefined), 'example.com/v1');
    assert.deepEqual(specOf(written[0]?.value ?? undefined), { a: 'y', d: 1 });
    assert.equal(written[0]?.expect, 101);
    assert.equal(result.ok && versionOf(result.previous?.value), 'example.com/v1beta1');
    await view.commit({ key: '/k/n', value: null });
    assert.equal(written[1]?.value, null);
  });

  it('hands on the same event, or changes it once for all', () => {
    const { store, tell } = storeOf(item(tab({}), 1));
    const [current, beta] = [viewOf(store, serving(), 'v1'), viewOf(store, serving(), 'v1beta1')];
    const seen: StoreEvent[] = [];
    const watcher: Watcher = { onEvents: events => void seen.push(...events), onEnd: () => undefined };
    const event: StoreEvent = {
      type: 'put',
      key: '/k/n',
      revision: 150,
      createRevision: 150,
      value: tab({ a: 'x', d: 1 }),
    };
    current.watch({ prefix: '/k/', afterRevision: 1 }, watcher);
    tell(event);
    assert.equal(seen[0], event);
    beta.watch({ prefix: '/k/', afterRevision: 1 }, watcher);
    const change: StoreEvent = { ...event, revision: 151, createRevision: 2, previous: tab({ a: 'w', d: 1 }) };
    tell(change);
    tell(change);
    assert.equal(seen[1], seen[2]);
    assert.deepEqual(
      [versionOf(seen[1]?.value), versionOf(seen[1]?.previous)],
      ['example.com/v1beta1', 'example.com/v1beta1'],
    );
    assert.deepEqual(specOf(seen[1]?.previous), { a: 'w' });
  });
});
