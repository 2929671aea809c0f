/** Custom resources, used as operators and people use them: real server, real controllers, real kubectl, real wire. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { Client } from '../src/client/client.ts';
import { Informer } from '../src/client/informer.ts';
import { inProcessTransport } from '../src/client/inProcess.ts';
import type { ApiObject, ResourceRef } from '../src/client/resources.ts';
import { silentLogger } from '../src/lib/log.ts';
import { type Answered, ask, open, WatchReader } from './apiserverAsk.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { adminUser } from './startServer.ts';

const TIMEOUT_MS = 60_000;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let cluster: TestCluster;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function kubectl(args: readonly string[], input = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const all = [
      '--kubeconfig',
      cluster.server.kubeconfig,
      '--cache-dir',
      `${cluster.server.directory}/cache`,
      ...args,
    ];
    const child = execFile('kubectl', all, { timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 }, (error, out, err) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: Number(error?.code ?? 0), out, err });
    });
    child.stdin?.end(input);
  });
}

/** Must succeed; what it printed. */
async function ok(line: string | readonly string[], input?: object): Promise<string> {
  const args = typeof line === 'string' ? line.split(' ') : line;
  const { code, out, err } = await kubectl(args, input === undefined ? '' : JSON.stringify(input));
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}`);
  return out;
}

/** Must fail; what it said. */
async function fails(line: string | readonly string[], input?: object): Promise<string> {
  const args = typeof line === 'string' ? line.split(' ') : line;
  const { code, err } = await kubectl(args, input === undefined ? '' : JSON.stringify(input));
  assert.notEqual(code, 0, `kubectl ${args.join(' ')} should have failed`);
  return err;
}

const asks = (line: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
  ask(cluster.server.apiServer.handler, line, { ...(body === undefined ? {} : { body }), headers });

interface Names {
  readonly plural: string;
  readonly kind: string;
  readonly group: string;
  readonly more?: object;
  readonly scope?: 'Namespaced' | 'Cluster';
  readonly conversion?: object;
}

const definition = (
  { plural, kind, group, scope = 'Namespaced', more = {}, conversion }: Names,
  ...versions: object[]
) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: { group, scope, names: { plural, kind, ...more }, versions, ...(conversion ? { conversion } : {}) },
});

const version = (name: string, spec: object, more: object = {}, rest: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      ...rest,
    },
  },
  ...more,
});

/** Makes the definition and waits until it is served. */
async function define(made: ReturnType<typeof definition>): Promise<void> {
  const { status, json } = await asks(`POST ${CRDS}`, made);
  assert.equal(status, 201, JSON.stringify(json));
  await established(made.metadata.name);
}

const established = (name: string) =>
  eventually(`${name} is established`, async () => {
    const { json } = await asks(`GET ${CRDS}/${name}`);
    return json.status?.conditions?.some(
      (c: { type: string; status: string }) => c.type === 'Established' && c.status === 'True',
    );
  });

const gone = (path: string) => eventually(`${path} is gone`, async () => (await asks(`GET ${path}`)).status === 404);

before(async () => {
  cluster = await startCluster();
});
after(() => cluster.close());

/** In the shape of cert-manager's Certificate. */
const certificates = definition(
  {
    plural: 'certificates',
    kind: 'Certificate',
    group: 'certs.example.com',
    more: { shortNames: ['cert', 'certs'], categories: ['cert-things', 'all'] },
  },
  version(
    'v1',
    {
      type: 'object',
      description: 'What is wanted.',
      required: ['issuerRef', 'secretName'],
      properties: {
        secretName: { type: 'string', minLength: 1, description: 'Where the key pair goes.' },
        dnsNames: { type: 'array', items: { type: 'string', format: 'hostname' }, 'x-kubernetes-list-type': 'set' },
        duration: { type: 'string', format: 'duration', default: '2160h' },
        renewBefore: { 'x-kubernetes-int-or-string': true },
        usages: { type: 'array', items: { type: 'string', enum: ['server auth', 'client auth'] }, maxItems: 2 },
        issuerRef: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string' },
            kind: { type: 'string', default: 'Issuer', enum: ['Issuer', 'ClusterIssuer'] },
          },
        },
        additionalOutputFormats: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
          items: {
            type: 'object',
            required: ['type'],
            properties: { type: { type: 'string' }, size: { type: 'integer', minimum: 1 } },
          },
        },
        privateKey: {
          type: 'object',
          oneOf: [{ required: ['size'] }, { required: ['curve'] }],
          properties: { size: { type: 'integer', format: 'int32', multipleOf: 1024 }, curve: { type: 'string' } },
        },
      },
    },
    {
      subresources: { status: {} },
      selectableFields: [{ jsonPath: '.spec.secretName' }, { jsonPath: '.spec.issuerRef.kind' }],
      additionalPrinterColumns: [
        { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
        { name: 'Secret', type: 'string', jsonPath: '.spec.secretName' },
        { name: 'Issuer', type: 'string', jsonPath: '.spec.issuerRef.name', priority: 1 },
        { name: 'Revision', type: 'integer', jsonPath: '.status.revision' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
    },
    { description: 'A certificate that is kept up to date.' },
  ),
);

const certificate = (name: string, spec: object = {}) => ({
  apiVersion: 'certs.example.com/v1',
  kind: 'Certificate',
  metadata: { name, namespace: 'default' },
  spec: { secretName: `${name}-tls`, issuerRef: { name: 'ca' }, ...spec },
});
const CERTS = '/apis/certs.example.com/v1/namespaces/default/certificates';

describe('custom resources', { timeout: 300_000 }, () => {
  it('are there as soon as kubectl has seen their definition established', async () => {
    assert.match(await ok('apply -f -', certificates), /certificates\.certs\.example\.com created/);
    assert.match(
      await ok('wait --for=condition=Established crd/certificates.certs.example.com --timeout=20s'),
      /condition met/,
    );
    assert.match(
      await ok('api-resources --api-group=certs.example.com'),
      /certificates\s+cert,certs\s+certs\.example\.com\/v1\s+true\s+Certificate/,
    );
    assert.match(await ok('apply -f -', certificate('web')), /certificate\.certs\.example\.com\/web created/);
    assert.match(await ok('apply -f -', certificate('web')), /unchanged/);
    assert.match(await ok('get cert'), /^NAME\s+READY\s+SECRET\s+REVISION\s+AGE\nweb\s+web-tls\s+\d+s\n$/);
    assert.match(await ok('get certs.certs.example.com web -o wide'), /ISSUER.*\n.*ca/);
    assert.match(await ok('get cert-things'), /web-tls/);
    assert.match(await ok('get all'), /certificate\.certs\.example\.com\/web/);
    const spec = JSON.parse(await ok('get cert web -o jsonpath={.spec}'));
    assert.deepEqual(spec, { secretName: 'web-tls', issuerRef: { name: 'ca', kind: 'Issuer' }, duration: '2160h' });
    assert.match(await ok('describe cert web'), /Secret Name:\s+web-tls/);
  });

  it('are explained', async () => {
    const all = await ok('explain certificate --recursive');
    for (const line of [
      'A certificate that is kept up to date.',
      'secretName\t<string> -required-',
      'renewBefore\t<Object>',
      'dnsNames\t<[]string>',
      'apiVersion\t<string>',
      'ownerReferences\t<[]OwnerReference>',
    ])
      assert.ok(all.includes(line), `${line} in ${all}`);
    assert.match(await ok('explain cert.spec.issuerRef.kind'), /ENUM:\s+Issuer\s+ClusterIssuer/);
    assert.match(await ok('explain cert.spec'), /What is wanted\./);
  });

  it('are validated with causes', async () => {
    const bad = certificate('bad', {
      secretName: '',
      dnsNames: ['ok.example.com', 'not a host', 'ok.example.com'],
      usages: ['server auth', 'signing', 'client auth'],
      privateKey: { size: 1000, curve: 'P256' },
      renewBefore: true,
      additionalOutputFormats: [{ type: 'a', size: 0 }, { type: 'a' }],
      issuerRef: { kind: 'Other' },
    });
    const { status, json } = await asks(`POST ${CERTS}`, bad);
    assert.equal(status, 422);
    const causes = json.details.causes.map(
      (c: { field: string; reason: string; message: string }) => `${c.field} ${c.reason} ${c.message}`,
    );
    assert.deepEqual(causes.sort(), [
      '<nil> FieldValueInvalid Invalid value: "": "spec.privateKey" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      'spec.additionalOutputFormats[0].size FieldValueInvalid Invalid value: 0: spec.additionalOutputFormats[0].size in body should be greater than or equal to 1',
      'spec.additionalOutputFormats[1] FieldValueDuplicate Duplicate value: {"type":"a"}',
      'spec.dnsNames[1] FieldValueTypeInvalid Invalid value: "not a host": spec.dnsNames[1] in body must be of type hostname: "not a host"',
      'spec.dnsNames[2] FieldValueDuplicate Duplicate value: "ok.example.com"',
      'spec.issuerRef.kind FieldValueNotSupported Unsupported value: "Other": supported values: "Issuer", "ClusterIssuer"',
      'spec.issuerRef.name FieldValueRequired Required value',
      'spec.privateKey.size FieldValueInvalid Invalid value: 1000: spec.privateKey.size in body should be a multiple of 1024',
      'spec.renewBefore FieldValueTypeInvalid Invalid value: "boolean": spec.renewBefore in body must be of type integer,string: "boolean"',
      'spec.secretName FieldValueInvalid Invalid value: "": spec.secretName in body should be at least 1 chars long',
      'spec.usages FieldValueTooMany Too many: 3: must have at most 2 items',
      'spec.usages[1] FieldValueNotSupported Unsupported value: "signing": supported values: "server auth", "client auth"',
    ]);
    assert.match(json.message, /^Certificate\.certs\.example\.com "bad" is invalid: \[/);
    assert.equal(json.details.kind, 'Certificate');
    for (const [name, message] of [
      ['Bad_Name', 'RFC 1123'],
      ['', 'name or generateName is required'],
    ]) {
      const answer = await asks(`POST ${CERTS}`, certificate(name ?? ''));
      assert.equal(answer.status, 422);
      assert.ok(answer.json.message.includes(message ?? ''), answer.json.message);
    }
  });

  it('lose unknown fields, or are refused with them, as the client wishes', async () => {
    const odd = { ...certificate('odd', { colour: 'red', issuerRef: { name: 'ca', x: 1 } }), extra: 1 };
    const text =
      'strict decoding error: unknown field "extra", unknown field "spec.colour", unknown field "spec.issuerRef.x"';
    const strict = await asks(`POST ${CERTS}?fieldValidation=Strict`, odd);
    assert.equal(strict.status, 400);
    for (const path of ['extra', 'spec.colour', 'spec.issuerRef.x'])
      assert.ok(strict.json.message.includes(`unknown field "${path}"`), strict.json.message);
    assert.match(
      strict.json.message,
      /^Certificate in version "v1" cannot be handled as a Certificate: strict decoding error: /,
    );
    assert.equal(
      strict.json.message.length,
      `Certificate in version "v1" cannot be handled as a Certificate: ${text}`.length,
    );
    const warned = await asks(`POST ${CERTS}?fieldValidation=Warn&dryRun=All`, odd);
    assert.equal(warned.status, 201);
    assert.match(warned.headers.warning ?? '', /299 - "unknown field \\"spec\.colour\\""/);
    const ignored = await asks(`POST ${CERTS}?fieldValidation=Ignore`, odd);
    assert.equal(ignored.status, 201);
    assert.equal(ignored.headers.warning, undefined);
    assert.deepEqual(ignored.json.spec, {
      secretName: 'odd-tls',
      issuerRef: { name: 'ca', kind: 'Issuer' },
      duration: '2160h',
    });
    assert.equal('extra' in ignored.json, false);
    const body = `{"apiVersion":"certs.example.com/v1","kind":"Certificate","metadata":{"name":"dup"},"spec":{"secretName":"a","secretName":"b","issuerRef":{"name":"x"}}}`;
    const twice = await asks(`POST ${CERTS}?fieldValidation=Strict`, body);
    assert.equal(twice.status, 400);
    assert.match(twice.json.message, /duplicate field "spec\.secretName"/);
    assert.match(await fails('apply -f -', odd), /unknown field "spec\.colour"/);
    await asks(`DELETE ${CERTS}/odd`);
  });

  it('are patched by JSON and merge patches, and not by strategic ones', async () => {
    await ok(['patch', 'cert', 'web', '--type=merge', '-p', '{"spec":{"dnsNames":["a.example.com"]}}']);
    await ok([
      'patch',
      'cert',
      'web',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/spec/dnsNames/-","value":"b.example.com"}]',
    ]);
    assert.equal(await ok('get cert web -o jsonpath={.spec.dnsNames}'), '["a.example.com","b.example.com"]');
    const strategic = await asks(
      `PATCH ${CERTS}/web`,
      { spec: {} },
      { 'content-type': 'application/strategic-merge-patch+json' },
    );
    assert.equal(strategic.status, 415);
    assert.equal(
      strategic.json.message,
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
    const { status } = await asks(
      `PATCH ${CERTS}/web`,
      { spec: { dnsNames: ['x', 'x'] } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.equal(status, 422);
  });

  it('keep their status apart', async () => {
    const before = (await asks(`GET ${CERTS}/web`)).json;
    const conditions = [{ type: 'Ready', status: 'True' }];
    const written = await asks(`PUT ${CERTS}/web/status`, {
      ...before,
      spec: { secretName: 'other' },
      metadata: { ...before.metadata, labels: { a: 'b' } },
      status: { conditions, revision: 3 },
    });
    assert.equal(written.status, 200, JSON.stringify(written.json));
    assert.deepEqual(written.json.status, { conditions, revision: 3 });
    assert.equal(written.json.spec.secretName, 'web-tls');
    assert.equal(written.json.metadata.labels, undefined);
    assert.equal(written.json.metadata.generation, before.metadata.generation);
    const changed = await asks(
      `PATCH ${CERTS}/web`,
      { spec: { duration: '1h' }, status: { revision: 9 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.equal(changed.json.status.revision, 3);
    assert.equal(changed.json.metadata.generation, before.metadata.generation + 1);
    assert.match(await ok('get cert web'), /web\s+True\s+web-tls\s+3\s+/);
    assert.match(await ok('wait --for=condition=Ready cert/web --timeout=10s'), /condition met/);
    const made = await asks(`POST ${CERTS}`, { ...certificate('fresh'), status: { revision: 1 } });
    assert.equal(made.json.status, undefined);
    assert.equal(made.json.metadata.generation, 1);
    await ok('delete cert fresh');
  });

  it('are selected by fields that their definition offers', async () => {
    await ok('apply -f -', certificate('blue', { issuerRef: { name: 'ca', kind: 'ClusterIssuer' } }));
    assert.equal(
      await ok('get cert --field-selector spec.issuerRef.kind=ClusterIssuer -o name'),
      'certificate.certs.example.com/blue\n',
    );
    assert.equal(
      await ok('get cert --field-selector spec.secretName=web-tls,spec.issuerRef.kind!=ClusterIssuer -o name'),
      'certificate.certs.example.com/web\n',
    );
    assert.match(
      await fails('get cert --field-selector spec.duration=1h'),
      /field label not supported: spec\.duration/,
    );
    const watch = new WatchReader(
      await open(cluster.server.apiServer.handler, `GET ${CERTS}?watch=1&fieldSelector=spec.secretName=moved`),
    );
    await ok(['patch', 'cert', 'blue', '--type=merge', '-p', '{"spec":{"secretName":"moved"}}']);
    await ok(['patch', 'cert', 'blue', '--type=merge', '-p', '{"spec":{"secretName":"away"}}']);
    assert.deepEqual(await watch.names(2), ['ADDED blue', 'DELETED blue']);
    await watch.close();
    await ok('delete cert blue');
  });

  it('are applied by the server: managers own fields, entries of list maps and items of sets', async () => {
    const part = (spec: object) => ({
      apiVersion: 'certs.example.com/v1',
      kind: 'Certificate',
      metadata: { name: 'shared' },
      spec,
    });
    const apply = (manager: string, ...more: string[]) => [
      'apply',
      '--server-side',
      `--field-manager=${manager}`,
      ...more,
      '-f',
      '-',
    ];
    await ok(
      apply('one'),
      part({
        secretName: 's',
        issuerRef: { name: 'ca' },
        dnsNames: ['a.example.com'],
        additionalOutputFormats: [{ type: 'der', size: 1 }],
      }),
    );
    await ok(apply('two'), part({ dnsNames: ['b.example.com'], additionalOutputFormats: [{ type: 'pem', size: 2 }] }));
    const { spec } = (await asks(`GET ${CERTS}/shared`)).json;
    assert.deepEqual(spec.dnsNames, ['a.example.com', 'b.example.com']);
    assert.deepEqual(spec.additionalOutputFormats, [
      { type: 'der', size: 1 },
      { type: 'pem', size: 2 },
    ]);
    assert.match(await fails(apply('two'), part({ secretName: 't' })), /conflict with "one": \.spec\.secretName/);
    await ok(apply('two', '--force-conflicts'), part({ secretName: 't', dnsNames: ['b.example.com'] }));
    const after = (await asks(`GET ${CERTS}/shared`)).json;
    assert.equal(after.spec.secretName, 't');
    assert.deepEqual(after.spec.additionalOutputFormats, [{ type: 'der', size: 1 }]);
    const owned = after.metadata.managedFields.find((m: { manager: string }) => m.manager === 'one').fieldsV1;
    assert.deepEqual(Object.keys(owned['f:spec']['f:additionalOutputFormats']), ['k:{"type":"der"}']);
    assert.match(
      await fails(apply('one'), part({ nothing: 1 })),
      /\.spec\.nothing: field not declared in schema|unknown field "spec\.nothing"/,
    );
    await ok('delete cert shared');
  });

  it('have names of their own making, owners and finalizers', async () => {
    const { json: made } = await asks(`POST ${CERTS}`, {
      ...certificate(''),
      metadata: { generateName: 'gen-', finalizers: ['example.com/hold'] },
      spec: certificate('x').spec,
    });
    assert.match(made.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    const path = `${CERTS}/${made.metadata.name}`;
    const child = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'child',
        ownerReferences: [
          { apiVersion: 'certs.example.com/v1', kind: 'Certificate', name: made.metadata.name, uid: made.metadata.uid },
        ],
      },
    };
    await ok('create -f -', child);
    const deleted = await asks(`DELETE ${path}`);
    assert.equal(deleted.status, 200);
    assert.ok(deleted.json.metadata.deletionTimestamp);
    const other = await asks(
      `PATCH ${path}`,
      { metadata: { finalizers: ['example.com/hold', 'example.com/new'] } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.equal(other.status, 422);
    await asks(`PATCH ${path}`, { metadata: { finalizers: null } }, { 'content-type': 'application/merge-patch+json' });
    await gone(path);
    // The garbage collector has learnt of the kind, and sees that the owner has gone.
    await gone('/api/v1/namespaces/default/configmaps/child');
    const warned = await asks(`POST ${CERTS}?dryRun=All`, {
      ...certificate('w'),
      metadata: { name: 'w', finalizers: ['hold'] },
    });
    assert.match(warned.headers.warning ?? '', /prefer a domain-qualified finalizer name/);
  });

  it('answer JSON and YAML, and no protobuf', async () => {
    assert.equal(
      (await asks(`GET ${CERTS}/web`, undefined, { accept: 'application/vnd.kubernetes.protobuf' })).status,
      406,
    );
    const both = await asks(`GET ${CERTS}/web`, undefined, {
      accept: 'application/vnd.kubernetes.protobuf,application/json',
    });
    assert.equal(both.headers['content-type'], 'application/json');
    const yaml = await asks(`GET ${CERTS}/web`, undefined, { accept: 'application/yaml' });
    assert.match(yaml.bytes.toString(), /^ {2}secretName: web-tls$/m);
    const sent = await asks(
      `POST ${CERTS}?dryRun=All`,
      'apiVersion: certs.example.com/v1\nkind: Certificate\nmetadata: {name: yam}\nspec: {secretName: yam, issuerRef: {name: x}}\n',
      { 'content-type': 'application/yaml' },
    );
    assert.equal(sent.status, 201);
    assert.equal(sent.json.spec.duration, '2160h');
    const list = await asks(`GET ${CERTS}`);
    assert.equal(list.json.kind, 'CertificateList');
    assert.equal(list.json.apiVersion, 'certs.example.com/v1');
    const metadata = await asks(`GET ${CERTS}`, undefined, {
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    });
    assert.equal(metadata.json.items[0].spec, undefined);
  });

  it('go all at once', async () => {
    for (const name of ['m1', 'm2', 'm3'])
      await asks(`POST ${CERTS}`, { ...certificate(name), metadata: { name, labels: { many: 'yes' } } });
    const removed = await asks(`DELETE ${CERTS}?labelSelector=many=yes`);
    assert.equal(removed.status, 200);
    assert.equal((await asks(`GET ${CERTS}?labelSelector=many=yes`)).json.items.length, 0);
    assert.equal((await asks(`GET ${CERTS}/web`)).status, 200);
  });

  it('are refused with the wrong name for what they are', async () => {
    const wrong = await asks(`POST ${CERTS}`, { ...certificate('k'), kind: 'Other' });
    assert.equal(wrong.status, 422);
    assert.match(wrong.json.message, /kind: Invalid value: "Other": must be Certificate/);
    const version = await asks(`POST ${CERTS}`, { ...certificate('k'), apiVersion: 'certs.example.com/v9' });
    assert.equal(version.status, 400);
    assert.equal(
      version.json.message,
      'the API version in the data (certs.example.com/v9) does not match the expected API version (certs.example.com/v1)',
    );
    const typed = await asks(`POST ${CERTS}`, { ...certificate('k'), metadata: { name: 'k', labels: { a: 1 } } });
    assert.equal(typed.status, 400);
    assert.match(
      typed.json.message,
      /^Certificate in version "v1" cannot be handled as a Certificate: json: cannot unmarshal number into Go struct field ObjectMeta\.labels of type string$/,
    );
  });
});

/** In the shape of Argo's Workflow: most of it is not described. */
const workflows = definition(
  { plural: 'workflows', kind: 'Workflow', group: 'flows.example.com', more: { shortNames: ['wf'] } },
  version('v1alpha1', {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {
      entrypoint: { type: 'string' },
      podSpec: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    },
  }),
);

describe('custom resources of which little is described', { timeout: 120_000 }, () => {
  it('keep what they are given', async () => {
    await define(workflows);
    const path = '/apis/flows.example.com/v1alpha1/namespaces/default/workflows';
    const spec = { entrypoint: 'main', templates: [{ name: 'main', steps: [[{ x: { y: [1, null, { z: true }] } }]] }] };
    const wf = { apiVersion: 'flows.example.com/v1alpha1', kind: 'Workflow', metadata: { name: 'w' }, spec };
    assert.deepEqual((await asks(`POST ${path}`, wf)).json.spec, spec);
    await ok('apply -f -', { ...wf, spec: { ...spec, more: { deep: 1 } } });
    assert.equal((await asks(`GET ${path}/w`)).json.spec.more.deep, 1);
    await ok('apply --server-side --force-conflicts -f -', { ...wf, spec: { args: { a: 'b' } } });
    assert.equal((await asks(`GET ${path}/w`)).json.spec.args.a, 'b');
    const podSpec = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'n', bogus: 1 }, anything: [1] };
    const embedded = await asks(
      `PATCH ${path}/w?fieldValidation=Warn`,
      { spec: { podSpec } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.deepEqual(embedded.json.spec.podSpec, { ...podSpec, metadata: { name: 'n' } });
    assert.match(embedded.headers.warning ?? '', /unknown field \\"spec\.podSpec\.metadata\.bogus\\"/);
    const bad = await asks(
      `PATCH ${path}/w`,
      { spec: { podSpec: { kind: null } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.match(bad.json.message, /spec\.podSpec\.kind: Required value/);
  });

  it('can be edited', async () => {
    const edit = (script: string) =>
      new Promise<{ code: number; out: string; err: string }>((resolve, reject) => {
        const args = ['--kubeconfig', cluster.server.kubeconfig, 'edit', 'wf', 'w'];
        execFile(
          'kubectl',
          args,
          { timeout: TIMEOUT_MS, env: { ...process.env, KUBE_EDITOR: script } },
          (error, out, err) => {
            if (error && typeof error.code !== 'number') reject(error);
            else resolve({ code: Number(error?.code ?? 0), out, err });
          },
        );
      });
    const edited = await edit('sed -i s/entrypoint:.*/entrypoint:\\ other/');
    assert.match(edited.out, /workflow\.flows\.example\.com\/w edited/, edited.err);
    assert.equal(await ok('get wf w -o jsonpath={.spec.entrypoint}'), 'other');
  });
});

/** In the shape of system-upgrade-controller's Plan, with an operator on our own client. */
const plans = definition(
  { plural: 'plans', kind: 'Plan', group: 'upgrade.example.com', scope: 'Namespaced' },
  version(
    'v1',
    {
      type: 'object',
      required: ['upgrade'],
      properties: {
        concurrency: { type: 'integer', format: 'int64', default: 1, minimum: 0 },
        version: { type: 'string' },
        upgrade: {
          type: 'object',
          required: ['image'],
          properties: { image: { type: 'string' }, command: { type: 'array', items: { type: 'string' } } },
        },
        nodeSelector: {
          type: 'object',
          nullable: true,
          properties: { matchLabels: { type: 'object', nullable: true, additionalProperties: { type: 'string' } } },
        },
      },
    },
    {
      subresources: {
        status: {},
        scale: {
          specReplicasPath: '.spec.concurrency',
          statusReplicasPath: '.status.applied',
          labelSelectorPath: '.status.selector',
        },
      },
      additionalPrinterColumns: [
        { name: 'Image', type: 'string', jsonPath: '.spec.upgrade.image' },
        { name: 'Version', type: 'string', jsonPath: '.spec.version' },
      ],
    },
  ),
);

interface Plan extends ApiObject {
  spec: { version?: string; concurrency?: number; upgrade: { image: string } };
  status?: { latestVersion?: string; applied?: number };
}
const Plans: ResourceRef<Plan> = {
  group: 'upgrade.example.com',
  version: 'v1',
  resource: 'plans',
  kind: 'Plan',
  namespaced: true,
};

describe('an operator', { timeout: 120_000 }, () => {
  it('watches its kind from before it exists, and writes status', async () => {
    const client = new Client(inProcessTransport(cluster.server.apiServer.handler, adminUser));
    const stop = new AbortController();
    const informer = new Informer(Plans, { client, logger: silentLogger });
    const reconciled = new Set<string>();
    const reconcile = (plan: Plan): void => {
      if (plan.status?.latestVersion === plan.spec.version) {
        reconciled.add(plan.metadata.name ?? '');
        return;
      }
      const status = { latestVersion: plan.spec.version, applied: plan.spec.concurrency };
      void client.updateStatus(Plans, { ...plan, status } as Plan).catch(() => undefined);
    };
    informer.on({ add: reconcile, update: reconcile });
    const running = informer.run(stop.signal);
    try {
      await define(plans);
      await ok('create -f -', {
        apiVersion: 'upgrade.example.com/v1',
        kind: 'Plan',
        metadata: { name: 'os' },
        spec: { version: 'v2', upgrade: { image: 'example.test/os' } },
      });
      await eventually('the plan is reconciled', async () => reconciled.has('os'));
      const plan = await client.get(Plans, { namespace: 'default', name: 'os' });
      assert.deepEqual(plan.status, { latestVersion: 'v2', applied: 1 });
      assert.equal(plan.metadata.generation, 1);
    } finally {
      stop.abort();
      await running;
    }
  });

  it('is scaled as a HorizontalPodAutoscaler does it', async () => {
    assert.match(await ok('scale plan os --replicas=4'), /scaled/);
    assert.equal(await ok('get plan os -o jsonpath={.spec.concurrency}'), '4');
    const path = '/apis/upgrade.example.com/v1/namespaces/default/plans/os/scale';
    await ok(['patch', 'plan', 'os', '--subresource=status', '--type=merge', '-p', '{"status":{"selector":"app=os"}}']);
    const scale = (await asks(`GET ${path}`)).json;
    assert.equal(scale.apiVersion, 'autoscaling/v1');
    assert.deepEqual(scale.spec, { replicas: 4 });
    assert.deepEqual(scale.status, { replicas: 1, selector: 'app=os' });
    const written = await asks(`PUT ${path}`, { ...scale, spec: { replicas: 2 } });
    assert.deepEqual(written.json.spec, { replicas: 2 });
    assert.equal((await asks(`PUT ${path}`, { ...scale, spec: { replicas: 3 } })).status, 409);
    assert.equal(
      (await asks(`PATCH ${path}`, { spec: { replicas: -1 } }, { 'content-type': 'application/merge-patch+json' }))
        .status,
      422,
    );
    assert.match(await fails('scale plan os --current-replicas=9 --replicas=1'), /Expected replicas to be 9, was 2/);
    const bad = await asks(
      'PATCH /apis/upgrade.example.com/v1/namespaces/default/plans/os',
      { spec: { concurrency: 2147483648 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.equal(bad.status, 422);
    assert.match(
      bad.json.message,
      /\.spec\.concurrency: Invalid value: 2147483648: should be less than or equal to 2147483647/,
    );
  });

  it('sees nulls where they may be', async () => {
    const path = '/apis/upgrade.example.com/v1/namespaces/default/plans';
    const spec = { upgrade: { image: 'i' }, version: null, nodeSelector: { matchLabels: null } };
    const made = await asks(`POST ${path}`, {
      apiVersion: 'upgrade.example.com/v1',
      kind: 'Plan',
      metadata: { name: 'nulls' },
      spec,
    });
    assert.deepEqual(made.json.spec, { upgrade: { image: 'i' }, nodeSelector: { matchLabels: null }, concurrency: 1 });
  });
});

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

async function redefine(
  name: string,
  change: (spec: ReturnType<typeof definition>['spec']) => void,
): Promise<Answered> {
  const { json } = await asks(`GET ${CRDS}/${name}`);
  change(json.spec);
  return asks(`PUT ${CRDS}/${name}`, json);
}

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
        open(
          cluster.server.apiServer.handler,
          `GET ${WIDGETS}/${of}/widgets?watch=1&resourceVersion=${list.metadata.resourceVersion}`,
        ),
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
    const patched = await asks(
      `PATCH ${WIDGETS}/v1beta1/widgets/a`,
      { spec: { size: 5 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.deepEqual(patched.json.spec, { size: 5 });
    const explained = await ok('api-resources --api-group=widgets.example.com');
    assert.match(explained, /widgets\s+widgets\.example\.com\/v1\s+false\s+Widget/);
  });

  it('get the defaults of a schema that has changed since, when they are read', async () => {
    const watch = new WatchReader(await open(cluster.server.apiServer.handler, `GET ${WIDGETS}/v1/widgets?watch=1`));
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
    const again = new WatchReader(await open(cluster.server.apiServer.handler, `GET ${WIDGETS}/v1/widgets?watch=1`));
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
    const stored = await cluster.server.store.get('/registry/widgets.example.com/widgets/a');
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
    await asks(
      `PATCH ${WIDGETS}/v1/widgets/held`,
      { metadata: { finalizers: null } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await gone(`${CRDS}/widgets.widgets.example.com`);
    assert.equal((await asks(`GET ${WIDGETS}/v1`)).status, 404);
    assert.equal((await asks(`GET ${WIDGETS}/v1/widgets`)).status, 404);
    assert.equal((await asks('GET /openapi/v3/apis/widgets.example.com/v1')).status, 404);
    await define(widgets([version('v1', widgetSpec)]));
    assert.deepEqual((await asks(`GET ${WIDGETS}/v1/widgets`)).json.items, []);
    await ok('delete crd widgets.widgets.example.com');
  });
});

describe('definitions', { timeout: 120_000 }, () => {
  const simple = (plural: string, kind: string, more: object = {}) =>
    definition({ plural, kind, group: 'names.example.com', more }, version('v1', { type: 'object' }));
  const conditionsOf = async (name: string) => {
    const { json } = await asks(`GET ${CRDS}/${name}`);
    const conditions: { type: string; status: string; reason: string; message: string }[] =
      json.status?.conditions ?? [];
    return Object.fromEntries(
      conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
    );
  };

  it('get their names one after another', async () => {
    await define(simple('firsts', 'First', { shortNames: ['f'] }));
    for (const other of [simple('seconds', 'First'), simple('thirds', 'Third', { shortNames: ['f', 'firsts'] })])
      await asks(`POST ${CRDS}`, other);
    const second = await eventually('the second is refused', async () => {
      const conditions = await conditionsOf('seconds.names.example.com');
      return conditions.NamesAccepted === undefined ? undefined : conditions;
    });
    assert.equal(second.NamesAccepted, 'False ListKindConflict: "FirstList" is already in use');
    assert.equal(second.Established, 'False NotAccepted: not all names are accepted');
    const third = await eventually('the third is refused', async () => {
      const conditions = await conditionsOf('thirds.names.example.com');
      return conditions.NamesAccepted === undefined ? undefined : conditions;
    });
    assert.equal(third.NamesAccepted, 'False ShortNamesConflict: ["f" is already in use, "firsts" is already in use]');
    assert.equal((await asks('GET /apis/names.example.com/v1/seconds')).status, 404);
    // A name that becomes free goes to who waits for it.
    await ok('delete crd firsts.names.example.com');
    await established('seconds.names.example.com');
    await established('thirds.names.example.com');
    for (const name of ['seconds', 'thirds']) await ok(`delete crd ${name}.names.example.com`);
  });

  it('are refused in words that help', async () => {
    const refused = async (made: object): Promise<string> => {
      const { status, json } = await asks(`POST ${CRDS}`, made);
      assert.equal(status, 422, JSON.stringify(json));
      return json.message;
    };
    const base = simple('things', 'Thing');
    assert.match(
      await refused({ ...base, metadata: { name: 'wrong.names.example.com' } }),
      /metadata\.name: Invalid value: "wrong\.names\.example\.com": must be spec\.names\.plural\+"\."\+spec\.group/,
    );
    const webhook = {
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://example.test' } },
    };
    assert.match(
      await refused({ ...base, spec: { ...base.spec, conversion: webhook } }),
      /spec\.conversion\.strategy: Invalid value: "Webhook": conversion webhooks are not available yet/,
    );
    assert.match(
      await refused(definition({ plural: 'things', kind: 'Thing', group: 'names.example.com' }, version('v1', {}))),
      /spec\.validation\.openAPIV3Schema\.properties\[spec\]\.type: Required value: must not be empty for specified object fields/,
    );
    assert.match(
      await refused(
        definition({ plural: 'things', kind: 'Thing', group: 'things.k8s.io' }, version('v1', { type: 'object' })),
      ),
      /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups must have approval annotation/,
    );
    assert.match(
      await fails('create -f -', { ...base, spec: { ...base.spec, oops: 1 } }),
      /unknown field "spec\.oops"/,
    );
    const { status } = await asks(`POST ${CRDS}`, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x' },
    });
    assert.equal(status, 422);
  });

  it('keep rules that are not enforced yet, and say so', async () => {
    const rules = [{ rule: 'self.size > 1', message: 'too small' }];
    const made = definition(
      { plural: 'ruleds', kind: 'Ruled', group: 'names.example.com' },
      version('v1', { type: 'object', properties: { size: { type: 'integer' } }, 'x-kubernetes-validations': rules }),
    );
    const answer = await asks(`POST ${CRDS}`, made);
    assert.equal(answer.status, 201, JSON.stringify(answer.json));
    assert.match(
      answer.headers.warning ?? '',
      /x-kubernetes-validations: the rules are stored and published, but not enforced yet/,
    );
    assert.deepEqual(
      answer.json.spec.versions[0].schema.openAPIV3Schema.properties.spec['x-kubernetes-validations'],
      rules,
    );
    await ok('delete crd ruleds.names.example.com');
  });

  it('may not change what their objects are kept by', async () => {
    await define(simple('keeps', 'Keep'));
    const changed = await redefine('keeps.names.example.com', spec => {
      spec.scope = 'Cluster';
      spec.names.kind = 'Kept';
    });
    assert.equal(changed.status, 422);
    for (const field of [
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Kept": field is immutable',
    ])
      assert.ok(changed.json.message.includes(field), changed.json.message);
    const renamed = await redefine('keeps.names.example.com', spec => {
      Object.assign(spec.names, { shortNames: ['kp'], categories: ['some'] });
    });
    assert.equal(renamed.status, 200);
    await eventually('the short name is known', async () =>
      (await asks('GET /apis/names.example.com/v1')).json.resources[0].shortNames?.includes('kp'),
    );
    assert.equal(await ok('get kp -A'), '');
    await ok('delete crd keeps.names.example.com');
  });

  it('are in every list of what is served, as soon as they are established', async () => {
    await define(simple('fasts', 'Fast'));
    const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const groups = (await asks('GET /apis', undefined, aggregated)).json.items.map(
      (group: { metadata: { name: string } }) => group.metadata.name,
    );
    assert.ok(groups.includes('names.example.com'));
    const plain = (await asks('GET /apis')).json.groups.find(
      (group: { name: string }) => group.name === 'names.example.com',
    );
    assert.equal(plain.preferredVersion.groupVersion, 'names.example.com/v1');
    const { paths } = (await asks('GET /openapi/v3')).json;
    const place = paths['apis/names.example.com/v1'].serverRelativeURL;
    const document = await asks(`GET ${place}`);
    assert.equal(document.status, 200);
    assert.ok(document.json.components.schemas['com.example.names.v1.Fast']);
    assert.equal((await asks(`GET ${place}`, undefined, { 'if-none-match': document.headers.etag ?? '' })).status, 304);
    const core = paths['api/v1'].serverRelativeURL;
    const v2 = await asks('GET /openapi/v2');
    assert.ok(v2.json.definitions['com.example.names.v1.FastList']);
    assert.ok(v2.json.definitions['io.k8s.api.core.v1.Pod']);
    assert.ok(v2.json.paths['/apis/names.example.com/v1/namespaces/{namespace}/fasts/{name}']);
    const changed = await redefine('fasts.names.example.com', spec => {
      const [first] = spec.versions as { schema: { openAPIV3Schema: { description?: string } } }[];
      if (first) first.schema.openAPIV3Schema.description = 'Quick.';
    });
    assert.equal(changed.status, 200);
    const later = (await asks('GET /openapi/v3')).json.paths;
    assert.notEqual(later['apis/names.example.com/v1'].serverRelativeURL, place);
    assert.equal(later['api/v1'].serverRelativeURL, core);
    const made = (await asks(`GET ${later['apis/names.example.com/v1'].serverRelativeURL}`)).json.components.schemas[
      'com.example.names.v1.Fast'
    ];
    assert.equal(made.description, 'Quick.');
    assert.equal((await asks('GET /openapi/v2')).json.definitions['com.example.names.v1.Fast'].description, 'Quick.');
    await ok('delete crd fasts.names.example.com');
  });

  it('let namespaces go with their objects', async () => {
    await define(simple('locals', 'Local'));
    await ok('create namespace going');
    await ok('create -f -', {
      apiVersion: 'names.example.com/v1',
      kind: 'Local',
      metadata: { name: 'l', namespace: 'going' },
    });
    await ok('delete namespace going --timeout=30s');
    await define(simple('others', 'Another'));
    assert.deepEqual((await asks('GET /apis/names.example.com/v1/locals')).json.items, []);
    for (const name of ['locals', 'others']) await ok(`delete crd ${name}.names.example.com`);
  });

  it('say nothing to who may not see them', async () => {
    await define(simple('guardeds', 'Guarded'));
    const user = { name: 'jane', groups: ['system:authenticated'] };
    const path = '/apis/names.example.com/v1/namespaces/default/guardeds';
    const refused = await ask(cluster.server.apiServer.handler, `GET ${path}`, { user });
    assert.equal(refused.status, 403);
    await ok('create clusterrole guarded-reader --verb=get,list --resource=guardeds.names.example.com');
    await ok('create clusterrolebinding guarded-jane --clusterrole=guarded-reader --user=jane');
    await eventually(
      'jane may read',
      async () => (await ask(cluster.server.apiServer.handler, `GET ${path}`, { user })).status === 200,
    );
    assert.equal((await ask(cluster.server.apiServer.handler, `DELETE ${path}`, { user })).status, 403);
    await ok('delete crd guardeds.names.example.com');
  });
});
