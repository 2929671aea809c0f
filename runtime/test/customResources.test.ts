/** Custom resources in the shape of cert-manager's, used as people use them: real server, real controllers, real kubectl. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { open, WatchReader } from './apiserverAsk.ts';
import { customResourceCluster, definition, MERGE, version } from './customResourcesFixture.ts';

const { handler, ok, fails, asks, gone } = customResourceCluster();

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
    const { status } = await asks(`PATCH ${CERTS}/web`, { spec: { dnsNames: ['x', 'x'] } }, MERGE);
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
    const changed = await asks(`PATCH ${CERTS}/web`, { spec: { duration: '1h' }, status: { revision: 9 } }, MERGE);
    assert.equal(changed.json.status.revision, 3);
    assert.equal(changed.json.metadata.generation, before.metadata.generation + 1);
    assert.match(await ok('get cert web'), /web\s+True\s+web-tls\s+3\s+/);
    assert.match(await ok('wait --for=condition=Ready cert/web --timeout=10s'), /condition met/);
    const blind = await asks(`PUT ${CERTS}/web`, certificate('web'));
    assert.equal(blind.status, 422);
    assert.equal(
      blind.json.message,
      'certificates.certs.example.com "web" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
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
    const watch = new WatchReader(await open(handler(), `GET ${CERTS}?watch=1&fieldSelector=spec.secretName=moved`));
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
      MERGE,
    );
    assert.equal(other.status, 422);
    await asks(`PATCH ${path}`, { metadata: { finalizers: null } }, MERGE);
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
