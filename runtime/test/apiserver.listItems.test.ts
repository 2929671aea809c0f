/**
 * Which objects within answers say their `apiVersion` and `kind`, as upstream: items of lists of built-in kinds do not; those of custom
 * resources, metadata, the objects of rows and of watch events do.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { open, WatchReader } from './apiserverAsk.ts';
import { customResourceCluster, definition, version } from './customResourcesFixture.ts';

const { handler, ok, asks, define } = customResourceCluster();

interface Named {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
}
const nameOf = ({ apiVersion, kind }: Named): Named => ({ apiVersion, kind });
const UNNAMED = { apiVersion: undefined, kind: undefined };
const LABELS = { 'list-items': 'yes' };
const SELECTED = 'labelSelector=list-items%3Dyes';
const COUNT = 3;

interface Row {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly body?: object;
  readonly custom?: boolean;
}
const involvedObject = { kind: 'Pod', name: 'p', namespace: 'default' };
const rows: readonly Row[] = [
  { path: '/api/v1/namespaces/default/configmaps', apiVersion: 'v1', kind: 'ConfigMap' },
  { path: '/api/v1/namespaces/default/events', apiVersion: 'v1', kind: 'Event', body: { involvedObject } },
  {
    path: '/apis/coordination.k8s.io/v1/namespaces/default/leases',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    body: { spec: { holderIdentity: 'me' } },
  },
  {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
  },
  { path: '/apis/lists.test/v1/namespaces/default/tins', apiVersion: 'lists.test/v1', kind: 'Tin', custom: true },
];

const forms: readonly {
  readonly form: string;
  readonly headers: Record<string, string>;
  readonly read: (bytes: Buffer) => unknown;
}[] = [
  { form: 'JSON', headers: {}, read: bytes => JSON.parse(`${bytes}`) },
  { form: 'JSON for people', headers: { 'user-agent': 'curl/8' }, read: bytes => JSON.parse(`${bytes}`) },
  { form: 'YAML', headers: { accept: 'application/yaml' }, read: bytes => parse(`${bytes}`) },
];

describe('what is in a list', () => {
  before(async () => {
    await define(definition({ plural: 'tins', kind: 'Tin', group: 'lists.test' }, version('v1', { type: 'object' })));
    for (const { path, apiVersion, kind, body } of rows)
      for (let index = 0; index < COUNT; index++) {
        const made = { apiVersion, kind, metadata: { name: `i-${index}`, labels: LABELS }, ...body };
        const { status, json } = await asks(`POST ${path}`, made);
        assert.equal(status, 201, JSON.stringify(json));
      }
  });

  for (const { path, apiVersion, kind, custom = false } of rows)
    describe(`${kind} of ${apiVersion}`, () => {
      const itself = { apiVersion, kind };
      const item = custom ? itself : UNNAMED;

      for (const { form, headers, read } of forms)
        for (const query of [`?${SELECTED}`, `?${SELECTED}&limit=2`, '?fieldSelector=metadata.name%3Di-1'])
          it(`in a list as ${form}${query}`, async () => {
            const { bytes } = await asks(`GET ${path}${query}`, undefined, headers);
            const list = read(bytes) as Named & { items: Named[] };
            assert.deepEqual(nameOf(list), { apiVersion, kind: `${kind}List` });
            assert.ok(list.items.length > 0);
            for (const found of list.items) assert.deepEqual(nameOf(found), item);
          });

      it('alone', async () => assert.deepEqual(nameOf((await asks(`GET ${path}/i-1`)).json), itself));

      it('as metadata, and in rows', async () => {
        const accept = (as: string) => ({ accept: `application/json;as=${as};g=meta.k8s.io;v=v1` });
        const partial = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' };
        const { json: list } = await asks(`GET ${path}?${SELECTED}`, undefined, accept('PartialObjectMetadataList'));
        assert.deepEqual(list.items.map(nameOf), Array(COUNT).fill(partial));
        const table = await asks(`GET ${path}?${SELECTED}`, undefined, accept('Table'));
        assert.deepEqual(
          table.json.rows.map(({ object }: { object: Named }) => nameOf(object)),
          Array(COUNT).fill(partial),
        );
        const whole = await asks(`GET ${path}?${SELECTED}&includeObject=Object`, undefined, accept('Table'));
        assert.deepEqual(
          whole.json.rows.map(({ object }: { object: Named }) => nameOf(object)),
          Array(COUNT).fill(itself),
        );
      });

      it('in watch events', async () => {
        const query = `watch=1&${SELECTED}&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`;
        const watch = new WatchReader(await open(handler(), `GET ${path}?${query}`));
        for (let index = 0; index <= COUNT; index++) assert.deepEqual(nameOf((await watch.next())?.object), itself);
        await watch.close();
      });

      it('to kubectl, which asks for the list', async () => {
        const [resource] = path.split('/').slice(-1);
        const list = JSON.parse(await ok(`get ${resource} -l list-items=yes -o json`)) as Named & { items: Named[] };
        assert.deepEqual(list.items.map(nameOf), Array(COUNT).fill(itself));
        const names = await ok(`get ${resource} -l list-items=yes -o name --chunk-size=2`);
        assert.equal(names.trim().split('\n').length, COUNT);
      });

      it('in what a deletion of many answers', async () => {
        const { json } = await asks(`DELETE ${path}?${SELECTED}`);
        assert.deepEqual(nameOf(json), { apiVersion, kind: `${kind}List` });
        assert.deepEqual(json.items.map(nameOf), Array(COUNT).fill(item));
      });
    });
});
