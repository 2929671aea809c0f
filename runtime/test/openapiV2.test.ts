/** OpenAPI 2 as older clients read it: as protobuf, by kubectl's `explain` and by its validation of lists. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { customResourceCluster, definition, version } from './customResourcesFixture.ts';
import { Kubectl, kubectlPath, kubectlVersions } from './kubectl.ts';

const TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const OLD_TYPE = TYPE.replace('v2.v1', 'v2@v1');

const spec = (description: string) => ({
  type: 'object',
  description,
  required: ['size'],
  properties: {
    size: { type: 'integer', description: 'How large it is.' },
    port: { 'x-kubernetes-int-or-string': true },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    rows: { type: 'array', items: { type: 'object', properties: { cell: { type: 'string' } } } },
  },
});
const tabs = definition(
  { plural: 'tabs', kind: 'Tab', group: 'explained.example.com' },
  version('v1', spec('A wish.')),
);

const list = (...items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
const configMap = (rest: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'listed' }, ...rest });
const tab = (spec: object) => ({ apiVersion: 'explained.example.com/v1', kind: 'Tab', metadata: { name: 'a' }, spec });

describe('OpenAPI 2 as protobuf', () => {
  const { asks, define, redefine, cluster } = customResourceCluster();

  const accepts: readonly (readonly [accept: string, type: string | undefined])[] = [
    [TYPE, TYPE],
    [OLD_TYPE, TYPE],
    [`application/json;q=0.5, ${OLD_TYPE}`, TYPE],
    [`${OLD_TYPE};q=0.5, application/json`, 'application/json'],
    [`text/html, ${TYPE}`, TYPE],
    ['*/*', 'application/json'],
    ['application/vnd.kubernetes.protobuf', undefined],
  ];
  for (const [accept, type] of accepts)
    it(`is ${type === undefined ? 'refused' : 'sent'} for ${accept}`, async () => {
      const { status, headers } = await asks('GET /openapi/v2', undefined, { accept });
      assert.equal(status, type === undefined ? 406 : 200);
      assert.equal(headers['content-type'], type);
      assert.match(headers.vary ?? '', /Accept/);
    });

  it('has a tag, and is sent compressed to who reads that', async () => {
    const plain = await asks('GET /openapi/v2', undefined, { accept: TYPE });
    const etag = plain.headers.etag ?? '';
    assert.match(etag, /^"[0-9A-F]{128}"$/);
    const packed = await asks('GET /openapi/v2', undefined, { accept: TYPE, 'accept-encoding': 'gzip' });
    assert.deepEqual(gunzipSync(packed.bytes), plain.bytes);
    const again = await asks('GET /openapi/v2', undefined, { accept: TYPE, 'if-none-match': etag });
    assert.deepEqual([again.status, again.bytes.length], [304, 0]);
  });

  it('tells what custom resources are, as they change', async () => {
    const before = await asks('GET /openapi/v2', undefined, { accept: TYPE });
    await define(tabs);
    const first = await asks('GET /openapi/v2', undefined, { accept: TYPE });
    assert.notEqual(first.headers.etag, before.headers.etag);
    assert.ok(first.bytes.includes('A wish.'));
    await redefine('tabs.explained.example.com', made => {
      made.versions = [version('v1', spec('Another wish.'))];
    });
    const second = await asks('GET /openapi/v2', undefined, { accept: TYPE });
    assert.ok(second.bytes.includes('Another wish.'));
    assert.ok(!second.bytes.includes('A wish.'));
  });

  const explained: readonly (readonly [what: string, ...said: RegExp[]])[] = [
    ['pods', /^KIND: +Pod\nVERSION: +v1\n/, /\n {3}spec\t<Object>\n {5}Specification of the desired behavior/],
    ['pods.spec.containers.ports', /RESOURCE: ports <\[\]Object>/, /\n {3}containerPort\t<integer> -required-/],
    ['deployments --recursive', /^KIND: +Deployment\n/, /\n {9}matchLabels\t<map\[string\]string>\n/],
    ['hpa --api-version=autoscaling/v1', /VERSION: +autoscaling\/v1\n/],
    ['tabs', /^KIND: +Tab\nVERSION: +explained.example.com\/v1\n/, /Another wish\./],
    ['tabs.spec.size', /FIELD: +size <integer>\n/, /How large it is\./],
    ['tabs --recursive', /\n {6}rows\t<\[\]Object>\n {9}cell\t<string>\n/, /\n {6}size\t<integer>/],
  ];
  for (const version of kubectlVersions) {
    let kept: Kubectl | undefined;
    const kubectl = async (): Promise<Kubectl> => {
      const { kubeconfig, directory } = cluster().server;
      kept ??= new Kubectl(await kubectlPath(version), kubeconfig, join(directory, `cache-${version}`));
      return kept;
    };
    for (const [what, ...said] of explained)
      it(`explains ${what} to kubectl ${version}`, async () => {
        const out = await (await kubectl()).ok(`explain --output=plaintext-openapiv2 ${what}`);
        for (const pattern of said) assert.match(out, pattern);
      });

    it(`lets kubectl ${version} see what is wrong in a list`, async () => {
      const validated = await kubectl();
      const faults: readonly (readonly [item: object, said: string])[] = [
        [configMap({ dota: {} }), 'ValidationError(ConfigMap): unknown field "dota" in io.k8s.api.core.v1.ConfigMap'],
        [
          configMap({ data: 'text' }),
          'ValidationError(ConfigMap.data): invalid type for io.k8s.api.core.v1.ConfigMap.data',
        ],
        [tab({ size: 'x' }), 'ValidationError(Tab.spec.size): invalid type for com.example.explained.v1.Tab.spec.size'],
        [tab({}), 'ValidationError(Tab.spec): missing required field "size" in com.example.explained.v1.Tab.spec'],
      ];
      for (const [item, said] of faults) {
        const err = await validated.fails('create --dry-run=client -f -', list(item));
        assert.ok(err.includes(said), err);
      }
      const good = list(configMap({ data: { a: 'b' } }), tab({ size: 1, port: 'http', any: { a: [1] } }));
      assert.match(await validated.ok('create --dry-run=client -f -', good), /tab\.explained\.example\.com\/a created/);
    });
  }
});
