/** What the suite asks of custom resources and of field validation. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { assertIncludes } from './conformance/lifecycle.ts';
import { conformance, suite } from './conformance/suite.ts';
import type { Json, Wire } from './conformance/wire.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const KEEP = { 'x-kubernetes-preserve-unknown-fields': true };
const SPEC = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        cronSpec: { type: 'string', pattern: '^(\\S+ ){4}\\S+$' },
        foo: { type: 'string' },
        bars: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string', description: 'The bar’s.' } },
          },
        },
      },
    },
    status: { type: 'object', ...KEEP },
  },
};
const version = (name: string, schema: object = SPEC, more: object = {}): Json => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  subresources: { status: {} },
  ...more,
});
const definition = (
  group: string,
  plural: string,
  versions: object[] = [version('v1')],
  labels: object = {},
): Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}`, labels },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural, singular: plural.slice(0, -1), kind: kindOf(plural), listKind: `${kindOf(plural)}List` },
    versions,
  },
});
const kindOf = (plural: string): string => `${plural[0]?.toUpperCase()}${plural.slice(1, -1)}`;

describe('custom resources', { timeout: 300_000, concurrency: 4 }, () => {
  const { wire, namespace } = suite();
  const define = async (admin: Wire, made: Json): Promise<string> => {
    await admin.create(CRDS, made);
    const path = `${CRDS}/${made.metadata.name}`;
    await admin.until(`${path} is established`, async () => {
      const { status } = await admin.get(path);
      return status?.conditions?.some((c: Json) => c.type === 'Established' && c.status === 'True');
    });
    return path;
  };
  const models = async (): Promise<Json> => (await wire().get('/openapi/v2')).definitions;
  const published = (name: string, is = true): Promise<unknown> =>
    wire().until(`${name} is ${is ? '' : 'not '}published`, async () => name in (await models()) === is);

  conformance(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works',
    async () => {
      const path = await define(wire(), definition('create.e2e.test', 'foos'));
      await wire().delete(path);
      await wire().gone(path);
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource definition objects works',
    async () => {
      const plurals = Array.from({ length: 10 }, (_, i) => `list${i}s`);
      for (const plural of plurals)
        await wire().create(CRDS, definition('list.e2e.test', plural, [version('v1')], { e2e: 'listed' }));
      await wire().create(CRDS, definition('list.e2e.test', 'others'));
      assert.equal((await wire().names(`${CRDS}?labelSelector=e2e%3Dlisted`)).length, 10);
      await wire().expect(200, 'DELETE', `${CRDS}?labelSelector=e2e%3Dlisted`);
      await wire().until(
        'all are gone',
        async () => (await wire().names(`${CRDS}?labelSelector=e2e%3Dlisted`)).length === 0,
      );
      await wire().get(`${CRDS}/others.list.e2e.test`);
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works',
    async () => {
      const path = await define(wire(), definition('status.e2e.test', 'foos'));
      const got = await wire().get(`${path}/status`);
      const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set by a test' };
      got.status.conditions.push(condition);
      const updated = await wire().update(`${path}/status`, got);
      assertIncludes(updated.status.conditions.at(-1), condition, 'the condition');
      const body = [{ op: 'add', path: '/status/conditions/-', value: { ...condition, type: 'StatusPatched' } }];
      const patched = await wire().patch(`${path}/status`, body, 'json');
      assert.ok(patched.status.conditions.some((c: Json) => c.type === 'StatusPatched'));
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works',
    async () => {
      const admin = wire();
      const here = await namespace();
      const schema = (a: object, b: object): object => ({
        type: 'object',
        properties: { a: { type: 'string', ...a }, b: { type: 'string', ...b } },
      });
      const path = await define(admin, definition('default.e2e.test', 'foos', [version('v1', schema({}, {}))]));
      const foos = `/apis/default.e2e.test/v1/namespaces/${here}/foos`;
      const foo = (name: string): object => ({ apiVersion: 'default.e2e.test/v1', kind: 'Foo', metadata: { name } });
      const change = (to: object): Promise<Json> =>
        admin.patch(path, [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema', value: to }], 'json');
      assert.equal((await admin.create(foos, foo('one'))).a, undefined);
      await change(schema({ default: 'A' }, {}));
      await admin.until('it is defaulted from storage', async () => (await admin.get(`${foos}/one`)).a === 'A');
      assert.equal((await admin.create(foos, foo('two'))).a, 'A');
      await change(schema({}, { default: 'B' }));
      await admin.until('the new default is there', async () => (await admin.get(`${foos}/two`)).b === 'B');
      assert.equal((await admin.get(`${foos}/two`)).a, 'A');
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents',
    async () => {
      const { groups } = await wire().get('/apis');
      assert.ok(groups.some((g: Json) => g.name === 'apiextensions.k8s.io'));
      const group = await wire().get('/apis/apiextensions.k8s.io');
      assert.ok(group.versions.some((v: Json) => v.groupVersion === 'apiextensions.k8s.io/v1'));
      const { resources } = await wire().get('/apis/apiextensions.k8s.io/v1');
      assert.ok(resources.some((r: Json) => r.name === 'customresourcedefinitions'));
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects',
    async () => {
      const admin = wire();
      const here = await namespace();
      await define(admin, definition('watch.e2e.test', 'foos'));
      const foos = `/apis/watch.e2e.test/v1/namespaces/${here}/foos`;
      const watch = await admin.watch(foos);
      await admin.create(foos, { apiVersion: 'watch.e2e.test/v1', kind: 'Foo', metadata: { name: 'it' } });
      await admin.patch(`${foos}/it`, { spec: { foo: 'bar' } });
      await admin.delete(`${foos}/it`);
      for (const type of ['ADDED', 'MODIFIED', 'DELETED']) assert.equal((await watch.next()).type, type);
      watch.close();
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector',
    async () => {
      const admin = wire();
      const here = await namespace();
      const schema = { type: 'object', properties: { color: { type: 'string' }, host: { type: 'string' } } };
      const more = { selectableFields: [{ jsonPath: '.color' }, { jsonPath: '.host' }] };
      await define(admin, definition('select.e2e.test', 'foos', [version('v1', schema, more)]));
      const foos = `/apis/select.e2e.test/v1/namespaces/${here}/foos`;
      const watch = await admin.watch(`${foos}?fieldSelector=color%3Dblue`);
      for (const [name, color, host] of [
        ['a', 'blue', 'one'],
        ['b', 'green', 'one'],
        ['c', 'blue', 'two'],
      ]) {
        await admin.create(foos, { apiVersion: 'select.e2e.test/v1', kind: 'Foo', metadata: { name }, color, host });
      }
      assert.deepEqual(await admin.names(`${foos}?fieldSelector=color%3Dblue`), ['a', 'c']);
      assert.deepEqual(await admin.names(`${foos}?fieldSelector=color%3Dblue,host%3Dtwo`), ['c']);
      await admin.patch(`${foos}/a`, { color: 'red' });
      const told: string[] = [];
      while (told.length < 3) {
        const { type, object } = await watch.next();
        told.push(`${type} ${object.metadata.name}`);
      }
      assert.deepEqual(told, ['ADDED a', 'ADDED c', 'DELETED a']);
      watch.close();
    },
  );
  for (const [title, group] of [
    [
      '[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs',
      'aggregated.e2e.test',
    ],
    [
      '[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs',
      'raw.e2e.test',
    ],
  ] as const) {
    conformance(title, async () => {
      await define(wire(), definition(group, 'foos'));
      await wire().until(`${group} is discovered`, async () => {
        const { items } = await wire().expect(200, 'GET', '/apis', { headers: { accept: AGGREGATED } });
        const of = items.find((i: Json) => i.metadata.name === group);
        return of?.versions[0].resources[0].resource === 'foos';
      });
    });
  }

  conformance(
    '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema',
    async () => {
      await define(wire(), definition('schema.openapi.test', 'foos'));
      await published('test.openapi.schema.v1.Foo');
      const { properties } = (await models())['test.openapi.schema.v1.Foo'];
      assert.equal(properties.spec.properties.bars.items.properties.name.description, 'The bar’s.');
      assert.deepEqual(properties.spec.properties.bars.items.required, ['name']);
    },
  );
  for (const [title, group, schema, at] of [
    [
      '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation schema',
      'none.openapi.test',
      { type: 'object', ...KEEP },
      undefined,
    ],
    [
      '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields at the schema root',
      'root.openapi.test',
      { ...SPEC, ...KEEP },
      undefined,
    ],
    [
      '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields in an embedded object',
      'nested.openapi.test',
      { type: 'object', properties: { spec: { type: 'object', ...KEEP } } },
      'spec',
    ],
  ] as const) {
    conformance(title, async () => {
      const admin = wire();
      const here = await namespace();
      await define(admin, definition(group, 'foos', [version('v1', schema)]));
      const name = `${group.split('.').reverse().join('.')}.v1.Foo`;
      await published(name);
      const model = (await models())[name];
      assert.equal(model['x-kubernetes-group-version-kind'][0].kind, 'Foo');
      // OpenAPI 2 tells nothing of a root that takes everything: kubectl would refuse it.
      if (at) assert.equal(model.properties[at]['x-kubernetes-preserve-unknown-fields'], true);
      else assert.equal(model.properties?.spec, undefined);
      const made = await admin.create(`/apis/${group}/v1/namespaces/${here}/foos?fieldValidation=Strict`, {
        apiVersion: `${group}/v1`,
        kind: 'Foo',
        metadata: { name: 'it' },
        [at ?? 'extra']: { anything: 1 },
      });
      assert.equal(made[at ?? 'extra'].anything, 1);
    });
  }
  conformance(
    '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different groups',
    async () => {
      for (const group of ['one.groups.test', 'two.groups.test']) await define(wire(), definition(group, 'foos'));
      for (const group of ['one', 'two']) await published(`test.groups.${group}.v1.Foo`);
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group and version but different kinds',
    async () => {
      for (const plural of ['foos', 'bars']) await define(wire(), definition('kinds.test', plural));
      for (const kind of ['Foo', 'Bar']) await published(`test.kinds.v1.${kind}`);
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group but different versions',
    async () => {
      await define(
        wire(),
        definition('versions.test', 'foos', [version('v2'), version('v3', SPEC, { storage: false })]),
      );
      for (const name of ['v2', 'v3']) await published(`test.versions.${name}.Foo`);
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one version gets renamed',
    async () => {
      const path = await define(
        wire(),
        definition('renamed.test', 'foos', [version('v2'), version('v3', SPEC, { storage: false })]),
      );
      await published('test.renamed.v3.Foo');
      await wire().patch(path, [{ op: 'replace', path: '/spec/versions/1/name', value: 'v4' }], 'json');
      await published('test.renamed.v4.Foo');
      await published('test.renamed.v3.Foo', false);
      await published('test.renamed.v2.Foo');
    },
  );
  conformance(
    '[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one version gets changed to not be served',
    async () => {
      const path = await define(
        wire(),
        definition('unserved.test', 'foos', [version('v5'), version('v6', SPEC, { storage: false })]),
      );
      await published('test.unserved.v6.Foo');
      await wire().patch(path, [{ op: 'replace', path: '/spec/versions/1/served', value: false }], 'json');
      await published('test.unserved.v6.Foo', false);
      await published('test.unserved.v5.Foo');
    },
  );

  describe('field validation', () => {
    const apply = (path: string, body: string): Promise<Json> =>
      wire().send('PATCH', `${path}?fieldManager=e2e&fieldValidation=Strict`, {
        body,
        headers: { 'content-type': 'application/apply-patch+yaml' },
      });
    const create = (path: string, body: string, level = 'Strict'): Promise<Json> =>
      wire().send('POST', `${path}?fieldValidation=${level}`, { body });
    const foos = async (group: string, schema: object): Promise<string> => {
      await define(wire(), definition(group, 'foos', [version('v1', schema)]));
      return `/apis/${group}/v1/namespaces/${await namespace()}/foos`;
    };
    const foo = (group: string, rest: string, meta = ''): string =>
      `{"apiVersion":"${group}/v1","kind":"Foo","metadata":{"name":"it"${meta}}${rest}}`;
    const deployment = (meta: string, spec: string): string =>
      `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"it"${meta}},"spec":{${spec}"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`;

    conformance(
      '[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object',
      async () => {
        const path = `/apis/apps/v1/namespaces/${await namespace()}/deployments`;
        const body = deployment('', '"unknown":"field","replicas":1,"replicas":2,');
        const refused = await create(path, body);
        assert.equal(refused.status, 400);
        assert.match(refused.object.message, /strict decoding error: /);
        assert.match(refused.object.message, /unknown field "spec.unknown"/);
        assert.match(refused.object.message, /duplicate field "spec.replicas"/);
        const warned = await create(path, body, 'Warn');
        assert.equal(warned.status, 201);
        assert.match(warned.headers.warning, /unknown field/);
      },
    );
    conformance(
      '[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object',
      async () => {
        const path = `/apis/apps/v1/namespaces/${await namespace()}/deployments`;
        const refused = await create(path, deployment(',"unknownMeta":"x"', ''));
        assert.equal(refused.status, 400);
        assert.match(refused.object.message, /unknown field "metadata.unknownMeta"/);
      },
    );
    conformance(
      '[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema',
      async () => {
        const path = await foos('valid.fields.test', SPEC);
        const { status, text } = await apply(
          `${path}/it`,
          foo('valid.fields.test', ',"spec":{"foo":"a","cronSpec":"* * * * */5"}'),
        );
        assert.equal(status, 201, text);
      },
    );
    conformance(
      '[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema',
      async () => {
        const path = await foos('free.fields.test', { type: 'object', ...KEEP });
        const { status, text } = await apply(`${path}/it`, foo('free.fields.test', ',"spec":{"anything":"goes"}'));
        assert.equal(status, 201, text);
      },
    );
    conformance(
      '[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema',
      async () => {
        const path = await foos('extra.fields.test', SPEC);
        const { status, object } = await apply(`${path}/it`, foo('extra.fields.test', ',"spec":{"extra":"a"}'));
        assert.ok(status === 400 || status === 500, String(status));
        assert.match(object.message, /\.spec\.extra: field not declared in schema|unknown field "spec\.extra"/);
        assert.equal((await create(path, foo('extra.fields.test', ',"spec":{"extra":"a"}'))).status, 400);
      },
    );
    conformance(
      '[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR',
      async () => {
        const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true, ...KEEP };
        const schema = { type: 'object', properties: { spec: { type: 'object', properties: { template: embedded } } } };
        const path = await foos('meta.fields.test', schema);
        const template = '{"apiVersion":"v1","kind":"Sub","metadata":{"name":"s","unknownSub":"x"}}';
        const refused = await create(
          path,
          foo('meta.fields.test', `,"spec":{"template":${template}}`, ',"unknownMeta":"x"'),
        );
        assert.equal(refused.status, 400);
        assert.match(refused.object.message, /unknown field "metadata.unknownMeta"/);
        assert.match(refused.object.message, /unknown field "spec.template.metadata.unknownSub"/);
      },
    );
    conformance(
      '[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields',
      async () => {
        const path = await foos('twice.fields.test', { type: 'object', ...KEEP });
        const refused = await create(path, foo('twice.fields.test', ',"spec":{"a":1,"a":2}'));
        assert.equal(refused.status, 400);
        assert.match(refused.object.message, /duplicate field "spec.a"/);
      },
    );
  });
});
