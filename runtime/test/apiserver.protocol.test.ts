/** Everything between the wire and the kinds: forms of answers, options of reads and writes, and the words errors are told in. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { decodeProtobuf, encodeProtobuf } from '../src/api/protobuf.ts';
import { type Answered, ask, open, type Question, WatchReader } from './apiserverAsk.ts';
import { type InProcessServer, startServer } from './startServer.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const YAML = { 'content-type': 'application/yaml' };
const META_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const META_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

let server: InProcessServer;
const call = (line: string, question?: Question): Promise<Answered> => ask(server.apiServer.handler, line, question);
const watch = async (line: string, question?: Question): Promise<WatchReader> =>
  new WatchReader(await open(server.apiServer.handler, line, question));

const map = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});

async function made(name: string, more?: object): Promise<Answered> {
  const answered = await call(`POST ${MAPS}`, { body: map(name, more) });
  assert.equal(answered.status, 201, answered.bytes.toString());
  return answered;
}

interface Refused {
  readonly line: string;
  readonly question?: Question;
  readonly code: number;
  readonly says: string | RegExp;
}

async function refuse(rows: readonly Refused[]): Promise<void> {
  const wrong: string[] = [];
  for (const { line, question, code, says } of rows) {
    const { status, bytes } = await call(line, question);
    const json = parse(bytes.toString()); // also where YAML was asked for
    const message: string = json?.message ?? '';
    const fits = typeof says === 'string' ? message === says : says.test(message);
    if (status !== code || !fits || json?.kind !== 'Status')
      wrong.push(`${line}\n  → ${status} ${message}\n  ≠ ${code} ${says}`);
  }
  assert.equal(wrong.join('\n'), '');
}

const invalidList = 'ListOptions.meta.k8s.io "" is invalid: ';
const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('protocol', { timeout: 120_000 }, () => {
  before(async () => {
    server = await startServer();
    await made('it', { data: { a: 'b' } });
  });
  after(() => server.close());

  it('refuses what contradicts itself in lists and watches', () =>
    refuse([
      {
        line: `GET ${MAPS}?resourceVersionMatch=Exact`,
        code: 422,
        says: `${invalidList}resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
      },
      {
        line: `GET ${MAPS}?resourceVersion=0&resourceVersionMatch=Exact`,
        code: 422,
        says: `${invalidList}resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
      },
      {
        line: `GET ${MAPS}?resourceVersion=1&resourceVersionMatch=Roughly`,
        code: 422,
        says: `${invalidList}resourceVersionMatch: Unsupported value: "Roughly": supported values: "Exact", "NotOlderThan", ""`,
      },
      {
        line: `GET ${MAPS}?continue=x&resourceVersion=1&resourceVersionMatch=Exact`,
        code: 422,
        says: `${invalidList}resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided`,
      },
      {
        line: `GET ${MAPS}?sendInitialEvents=false`,
        code: 422,
        says: `${invalidList}sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list`,
      },
      {
        line: `GET ${MAPS}?watch=1&sendInitialEvents=true`,
        code: 422,
        says: `${invalidList}resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`,
      },
      {
        line: `GET ${MAPS}?watch=1&resourceVersionMatch=NotOlderThan`,
        code: 422,
        says: `${invalidList}resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided`,
      },
      {
        line: `GET ${MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact`,
        code: 422,
        says: `${invalidList}[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
      },
      {
        line: `GET ${MAPS}?resourceVersion=now`,
        code: 400,
        says: 'invalid resource version: resourceVersion: Invalid value: "now": strconv.ParseUint: parsing "now": invalid syntax',
      },
      {
        line: `GET ${MAPS}?watch=1&resourceVersion=-1`,
        code: 422,
        says: 'configmaps "" is invalid: resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax',
      },
      { line: `GET ${MAPS}?limit=many`, code: 400, says: 'strconv.ParseInt: parsing "many": invalid syntax' },
      {
        line: `GET ${MAPS}?timeoutSeconds=99999999999999999999`,
        code: 400,
        says: 'strconv.ParseInt: parsing "99999999999999999999": value out of range',
      },
      {
        line: `GET ${MAPS}?resourceVersion=88888888`,
        code: 504,
        says: /^Timeout: Too large resource version: 88888888, current: \d+$/,
      },
      { line: `GET ${MAPS}/it?resourceVersion=88888888`, code: 504, says: /^Timeout: Too large resource version/ },
      { line: `GET ${MAPS}/it?export=true`, code: 400, says: /export parameter, deprecated since v1.14/ },
      {
        line: `GET ${MAPS}?fieldSelector=spec.x%3D1`,
        code: 400,
        says: /field label not supported: spec.x|"spec.x" is not a known field selector/,
      },
      {
        line: `GET ${MAPS}?labelSelector=a%20b`,
        code: 400,
        says: /^unable to parse requirement: found 'b', expected: /,
      },
    ]));

  it('refuses broken continue tokens', () =>
    refuse([
      {
        line: `GET ${MAPS}?continue=%21%21`,
        code: 400,
        says: 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0',
      },
      {
        line: `GET ${MAPS}?continue=e30`,
        code: 400,
        says: 'invalid continue token: continue key is not valid: server does not recognize this encoded version ',
      },
      {
        line: `GET ${MAPS}?continue=${token({ v: 'v9', rv: 3, start: 'a' })}`,
        code: 400,
        says: 'invalid continue token: continue key is not valid: server does not recognize this encoded version v9',
      },
      {
        line: `GET ${MAPS}?continue=${token({ v: 'meta.k8s.io/v1', rv: 0, start: 'a' })}`,
        code: 400,
        says: 'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
      },
      {
        line: `GET ${MAPS}?continue=${token({ v: 'meta.k8s.io/v1', rv: 3, start: '' })}`,
        code: 400,
        says: 'invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)',
      },
      {
        line: `GET ${MAPS}?continue=${token({ v: 'meta.k8s.io/v1', rv: 3, start: '../../secrets/a' })}`,
        code: 400,
        says: 'invalid continue token: continue key is not valid: ../../secrets/a',
      },
      {
        line: `GET ${MAPS}?resourceVersion=3&continue=${token({ v: 'meta.k8s.io/v1', rv: 3, start: 'a' })}`,
        code: 400,
        says: 'specifying resource version is not allowed when using continue',
      },
    ]));

  it('tells when a revision is too new how long to wait', async () => {
    const { json, headers } = await call(`GET ${MAPS}?resourceVersion=88888888&resourceVersionMatch=NotOlderThan`);
    assert.deepEqual(json.details, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    });
    assert.equal(headers['retry-after'], '1');
  });

  it('gives each form that is asked for', async () => {
    const rows: readonly (readonly [accept: string, path: string, type: string, kind: string, apiVersion: string])[] = [
      ['*/*', `${MAPS}/it`, 'application/json', 'ConfigMap', 'v1'],
      ['application/*', `${MAPS}/it`, 'application/json', 'ConfigMap', 'v1'],
      ['text/html, application/json;q=0.1', `${MAPS}/it`, 'application/json', 'ConfigMap', 'v1'],
      ['application/json;stream=watch', `${MAPS}/it`, 'application/json', 'ConfigMap', 'v1'],
      ['application/json;charset=utf-8', `${MAPS}/it`, 'application/json', 'ConfigMap', 'v1'],
      ['application/json;q=0.5, application/yaml', `${MAPS}/it`, 'application/yaml', 'ConfigMap', 'v1'],
      ['*/*, application/yaml', `${MAPS}/it`, 'application/yaml', 'ConfigMap', 'v1'],
      ['application/vnd.kubernetes.protobuf', `${MAPS}/it`, 'application/vnd.kubernetes.protobuf', 'ConfigMap', 'v1'],
      ['application/vnd.kubernetes.protobuf', MAPS, 'application/vnd.kubernetes.protobuf', 'ConfigMapList', 'v1'],
      ['application/cbor, application/json', MAPS, 'application/json', 'ConfigMapList', 'v1'],
      ['application/yaml', MAPS, 'application/yaml', 'ConfigMapList', 'v1'],
      [META_ONLY, `${MAPS}/it`, 'application/json', 'PartialObjectMetadata', 'meta.k8s.io/v1'],
      [META_LIST, MAPS, 'application/json', 'PartialObjectMetadataList', 'meta.k8s.io/v1'],
      [META_LIST.replace('json', 'yaml'), MAPS, 'application/yaml', 'PartialObjectMetadataList', 'meta.k8s.io/v1'],
      [
        META_LIST.replace('json', 'vnd.kubernetes.protobuf'),
        MAPS,
        'application/vnd.kubernetes.protobuf',
        'PartialObjectMetadataList',
        'meta.k8s.io/v1',
      ],
      [
        META_LIST.replace('v=v1', 'v=v1beta1'),
        MAPS,
        'application/json',
        'PartialObjectMetadataList',
        'meta.k8s.io/v1beta1',
      ],
      [TABLE, MAPS, 'application/json', 'Table', 'meta.k8s.io/v1'],
      [TABLE, `${MAPS}/it`, 'application/json', 'Table', 'meta.k8s.io/v1'],
      [TABLE.replace('v=v1', 'v=v1beta1'), MAPS, 'application/json', 'Table', 'meta.k8s.io/v1beta1'],
      [TABLE.replace('json', 'yaml'), MAPS, 'application/yaml', 'Table', 'meta.k8s.io/v1'],
      [
        `${TABLE.replace('json', 'vnd.kubernetes.protobuf')}, application/json`,
        MAPS,
        'application/json',
        'ConfigMapList',
        'v1',
      ],
    ];
    for (const [accept, path, type, kind, apiVersion] of rows) {
      const { status, headers, bytes } = await call(`GET ${path}`, { headers: { accept } });
      assert.equal(status, 200, `${accept} ${path}: ${bytes}`);
      assert.equal(headers['content-type'], type, accept);
      const read = type.endsWith('protobuf') ? decodeProtobuf(bytes) : parse(bytes.toString());
      assert.deepEqual([read.kind, read.apiVersion], [kind, apiVersion], accept);
      const items = (read.items ?? read.rows) as unknown[] | undefined;
      if (path === MAPS) assert.ok((items?.length ?? 0) > 0, `${accept} has no items`);
    }
  });

  it('refuses forms it does not have, before it writes', async () => {
    const three =
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
    await refuse([
      { line: `GET ${MAPS}`, question: { headers: { accept: 'application/cbor' } }, code: 406, says: three },
      { line: `GET ${MAPS}`, question: { headers: { accept: 'text/html' } }, code: 406, says: three },
      {
        line: `GET ${MAPS}`,
        question: { headers: { accept: TABLE.replace('Table', 'Chair') } },
        code: 406,
        says: three,
      },
      {
        line: `GET ${MAPS}`,
        question: { headers: { accept: META_ONLY } },
        code: 406,
        says: /^you requested PartialObjectMetadata, but the requested object is a list/,
      },
      {
        line: `GET ${MAPS}/it`,
        question: { headers: { accept: META_LIST } },
        code: 406,
        says: /^you requested PartialObjectMetadataList, but the requested object is not a list/,
      },
      {
        line: `GET ${MAPS}?watch=1`,
        question: { headers: { accept: 'application/yaml' } },
        code: 406,
        says: 'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
      },
      {
        line: `GET ${MAPS}?watch=1&allowWatchBookmarks=1&sendInitialEvents=1&resourceVersionMatch=NotOlderThan`,
        question: { headers: { accept: TABLE } },
        code: 406,
        says: /^only the following media types are accepted/,
      },
      {
        line: `POST ${MAPS}`,
        question: { body: map('unwritten'), headers: { accept: 'text/html' } },
        code: 406,
        says: three,
      },
      { line: `GET ${MAPS}/unwritten`, code: 404, says: 'configmaps "unwritten" not found' },
      {
        line: 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        question: {
          body: { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
          headers: { accept: TABLE, 'content-type': 'application/json' },
        },
        code: 406,
        says: three,
      },
      {
        line: `GET ${MAPS}?includeObject=Some`,
        question: { headers: { accept: TABLE } },
        code: 400,
        says: /^Unable to convert to Table as requested: includeObject: Invalid value: "Some"/,
      },
    ]);
  });

  it('puts into tables as much of the objects as is asked for', async () => {
    for (const [query, expected] of [
      ['', 'PartialObjectMetadata'],
      ['?includeObject=Metadata', 'PartialObjectMetadata'],
      ['?includeObject=Object', 'ConfigMap'],
      ['?includeObject=None', undefined],
    ] as const) {
      const { json } = await call(`GET ${MAPS}${query}`, { headers: { accept: TABLE } });
      assert.equal(json.rows[0].object?.kind, expected, query);
    }
  });

  it('prints for people', async () => {
    for (const [question, path, pretty] of [
      [{ headers: { 'user-agent': 'curl/8.5' } }, `${MAPS}/it`, true],
      [{ headers: { 'user-agent': 'curl/8.5' } }, `${MAPS}/it?pretty=false`, false],
      [{}, `${MAPS}/it?pretty=true`, true],
      [{}, `${MAPS}/it?pretty=0`, false],
      [{ headers: { accept: 'application/json;pretty=1' } }, `${MAPS}/it`, true],
      [{}, `${MAPS}/none?pretty=1`, true],
    ] as const) {
      const { bytes } = await call(`GET ${path}`, question);
      assert.equal(bytes.toString().startsWith('{\n  "'), pretty, `${path} ${JSON.stringify(question)}`);
    }
  });

  it('validates fields strictly, with warnings, or not at all', async () => {
    const body =
      '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","labels":{"a":"1","a":"2"}},' +
      '"spec":{"unknown1":1,"unknownDupe":1,"unknownDupe":2,"paused":true,"paused":false,"selector":{"matchLabels":{"a":"b"}},' +
      '"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","Image":"x","unknownNested":{"a":1,"a":2},"image":"j"}]}}}}';
    const problems = [
      'duplicate field "metadata.labels.a"',
      'unknown field "spec.unknown1"',
      'unknown field "spec.unknownDupe"',
      'duplicate field "spec.paused"',
      'unknown field "spec.template.spec.containers[0].Image"',
      'unknown field "spec.template.spec.containers[0].unknownNested"',
      'duplicate field "spec.template.spec.containers[0].image"',
    ];
    const strict = await call(`POST ${DEPLOYMENTS}?fieldValidation=Strict`, { body });
    assert.equal(strict.status, 400);
    assert.equal(
      strict.json.message,
      `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${problems.join(', ')}`,
    );
    const warned = await call(`POST ${DEPLOYMENTS}?fieldValidation=Warn&dryRun=All`, { body });
    assert.equal(warned.status, 201);
    assert.equal(warned.headers.warning, problems.map(text => `299 - "${text.replace(/"/g, '\\"')}"`).join(', '));
    const ignored = await call(`POST ${DEPLOYMENTS}?fieldValidation=Ignore&dryRun=All`, { body });
    assert.deepEqual([ignored.status, ignored.headers.warning], [201, undefined]);
  });

  it('keeps warnings within bounds', async () => {
    const data = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`unknown${index}${'x'.repeat(300)}`, 1]),
    );
    const { status, headers } = await call(`POST ${MAPS}?dryRun=All`, { body: map('many', data) });
    assert.equal(status, 201);
    const warnings = headers.warning?.match(/299 - /g)?.length ?? 0;
    assert.ok(warnings >= 16 && warnings <= 17, `${warnings} warnings`);
    assert.ok((headers.warning?.length ?? 0) < 6000);
  });

  it('reads YAML as Go reads it', async () => {
    const yaml =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\n  labels: &l {a: b}\n  annotations: *l\ndata:\n  when: 2001-01-01\n  base60: 1:30\n';
    const good = await call(`POST ${MAPS}`, { body: yaml, headers: YAML });
    assert.deepEqual(
      [good.status, good.json.data, good.json.metadata.annotations],
      [201, { when: '2001-01-01', base60: '1:30' }, { a: 'b' }],
    );
    const octal = await call('POST /api/v1/namespaces/default/pods?dryRun=All', {
      body: 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: i}]\n  volumes: [{name: v, configMap: {name: x, defaultMode: 0644, optional: yes}}]\n',
      headers: YAML,
    });
    if (octal.status === 201)
      assert.deepEqual(octal.json.spec.volumes[0].configMap, { name: 'x', defaultMode: 420, optional: true });
    else assert.equal(octal.status, 403, octal.bytes.toString()); // no service account yet: admission
    const twice = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\ndata:\n  a: "1"\n  a: "2"\n';
    const warned = await call(`POST ${MAPS}?dryRun=All`, { body: twice, headers: YAML });
    assert.deepEqual([warned.status, warned.json.data.a], [201, '2']);
    assert.match(warned.headers.warning ?? '', /line 7: key \\"a\\" already set in map/);
    const strict = await call(`POST ${MAPS}?dryRun=All&fieldValidation=Strict`, { body: twice, headers: YAML });
    assert.match(
      strict.json.message,
      /strict decoding error: yaml: unmarshal errors:\n {2}line 7: key "a" already set in map/,
    );
  });

  it('writes YAML that Go reads as the same', async () => {
    const data = { when: '2026-01-01T00:00:00Z', yes: 'yes', octal: '0644', on: 'on', none: 'null', base60: '1:30' };
    await made('yaml-out', { data });
    const { bytes } = await call(`GET ${MAPS}/yaml-out`, { headers: { accept: 'application/yaml' } });
    assert.deepEqual(parse(bytes.toString(), { version: '1.1' }).data, data);
  });

  it('reads and writes protobuf', async () => {
    const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    const created = await call(`POST ${MAPS}`, {
      body: encodeProtobuf(map('proto', { data: { a: 'b' } })),
      headers: protobuf,
    });
    assert.equal(created.status, 201, created.bytes.toString());
    const options = encodeProtobuf({ apiVersion: 'v1', kind: 'DeleteOptions', dryRun: ['All'] });
    const dry = await call(`DELETE ${MAPS}/proto`, {
      body: options,
      headers: { ...protobuf, accept: protobuf['content-type'] },
    });
    assert.equal(decodeProtobuf(dry.bytes).status, 'Success');
    assert.equal((await call(`GET ${MAPS}/proto`)).status, 200);
    const gone = await call(`GET ${MAPS}/none`, { headers: { accept: protobuf['content-type'] } });
    const status = decodeProtobuf(gone.bytes);
    assert.deepEqual([status.kind, status.code, status.reason], ['Status', 404, 'NotFound']);
    const since = created.json.metadata.resourceVersion;
    const stream = await open(
      server.apiServer.handler,
      `GET ${MAPS}?watch=1&timeoutSeconds=60&resourceVersion=${since}`,
      {
        headers: { accept: 'application/vnd.kubernetes.protobuf' },
      },
    );
    assert.equal(stream.headers['content-type'], 'application/vnd.kubernetes.protobuf;stream=watch');
    await call(`DELETE ${MAPS}/proto`);
    assert.ok(!Buffer.isBuffer(stream.body));
    for await (const chunk of stream.body) {
      assert.equal(chunk.readUInt32BE(0), chunk.length - 4);
      assert.ok(chunk.includes('DELETED') && chunk.includes('k8s\0'));
      break;
    }
  });

  it('refuses bodies in upstream words', () =>
    refuse([
      {
        line: `POST ${MAPS}`,
        question: { body: '', headers: { 'content-type': 'application/json' } },
        code: 400,
        says: "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}' },
        code: 400,
        says: 'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '{"apiVersion":"v2","kind":"ConfigMap"}' },
        code: 400,
        says: 'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '{"kind":7}' },
        code: 400,
        says: /json: cannot unmarshal number into Go struct field \.kind of type string/,
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '[]' },
        code: 400,
        says: /json: cannot unmarshal array into Go value of type struct/,
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '{"data":{"a":1}}' },
        code: 400,
        says: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '{}', headers: { 'content-type': 'application/cbor' } },
        code: 415,
        says: 'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      },
      {
        line: `POST ${MAPS}`,
        question: { body: '{}', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
        code: 415,
        says: /content encoding "gzip"/,
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{}', headers: { 'content-type': 'application/json' } },
        code: 415,
        says: /^the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json/,
      },
      {
        line: `PUT ${MAPS}/it`,
        question: { body: { apiVersion: 'v1', kind: 'ConfigMap' } },
        code: 400,
        says: 'the name of the object (it based on URL) was undeterminable: name must be provided',
      },
      {
        line: `PUT ${MAPS}/it`,
        question: { body: map('other') },
        code: 400,
        says: 'the name of the object (other) does not match the name on the URL (it)',
      },
      {
        line: `POST ${MAPS}`,
        question: { body: map('a', { metadata: { name: 'a', namespace: 'kube-system' } }) },
        code: 400,
        says: 'the namespace of the provided object does not match the namespace sent on the request',
      },
      {
        line: `POST ${MAPS}?dryRun=Some`,
        question: { body: map('a') },
        code: 422,
        says: 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
      },
      {
        line: `POST ${MAPS}?fieldValidation=Maybe`,
        question: { body: map('a') },
        code: 422,
        says: 'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"',
      },
      {
        line: `PATCH ${MAPS}/it?force=true`,
        question: { body: '{}', headers: MERGE },
        code: 422,
        says: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      },
      {
        line: `POST ${MAPS}?fieldManager=${'x'.repeat(129)}`,
        question: { body: map('a') },
        code: 422,
        says: 'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
      },
      {
        line: `POST ${MAPS}?fieldManager=a%07`,
        question: { body: map('a') },
        code: 422,
        says: /invalid character U\+0007 \(at position 1\)/,
      },
    ]));

  it('refuses patches in upstream words', () =>
    refuse([
      { line: `PATCH ${MAPS}/it`, question: { body: '{', headers: MERGE }, code: 400, says: /^error decoding patch: / },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '[]', headers: MERGE },
        code: 400,
        says: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{}', headers: JSON_PATCH },
        code: 400,
        says: 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{"data":{"a":1}}', headers: MERGE },
        code: 422,
        says: /^ "" is invalid: patch: Invalid value: ".*": json: cannot unmarshal number into Go struct field ConfigMap\.data of type string$/,
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{"data":{"b":"x","a":1},"immutable":null}', headers: STRATEGIC },
        code: 422,
        says: ' "" is invalid: patch: Invalid value: "map[data:map[a:1 b:x] immutable:<nil>]": cannot convert int64 to string',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{"immutable":"yes"}', headers: STRATEGIC },
        code: 422,
        says: ' "" is invalid: patch: Invalid value: "map[immutable:yes]": unrecognized type: bool',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: [{ op: 'test', path: '/data/a', value: 'x' }], headers: JSON_PATCH },
        code: 422,
        says: 'the server rejected our request due to an error in our request',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: Array.from({ length: 10_001 }, () => ({ op: 'remove', path: '/a' })), headers: JSON_PATCH },
        code: 413,
        says: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: [7], headers: JSON_PATCH },
        code: 400,
        says: 'error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: [{ op: 'add', path: true }], headers: JSON_PATCH },
        code: 400,
        says: 'error decoding patch: json: cannot unmarshal bool into Go struct field jsonPatchOp.path of type string',
      },
      {
        line: `PATCH ${MAPS}/it?fieldValidation=Strict`,
        question: { body: '{"data":{"a":"x","a":"y"},"more":1}', headers: MERGE },
        code: 422,
        says: /strict decoding error: duplicate field "data\.a", unknown field "more"$/,
      },
      {
        line: `PATCH ${MAPS}/it?fieldValidation=Strict`,
        question: { body: '[{"op":"add","path":"/data/b","value":"c","foo":1}]', headers: JSON_PATCH },
        code: 422,
        says: /strict decoding error: json patch unknown field "\[0\]\.foo"$/,
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{"metadata":{"name":"other"}}', headers: MERGE },
        code: 400,
        says: 'the name of the object (other) does not match the name on the URL (it)',
      },
      {
        line: `PATCH ${MAPS}/it`,
        question: { body: '{"metadata":{"resourceVersion":"1"}}', headers: STRATEGIC },
        code: 409,
        says: /^Operation cannot be fulfilled on configmaps "it": the object has been modified/,
      },
      {
        line: `PATCH ${MAPS}/none`,
        question: { body: '{}', headers: MERGE },
        code: 404,
        says: 'configmaps "none" not found',
      },
    ]));

  it('deletes as it is told, by body or by query', async () => {
    await refuse([
      {
        line: `DELETE ${MAPS}/it?propagationPolicy=Sideways`,
        code: 422,
        says: 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
      },
      {
        line: `DELETE ${MAPS}/it?propagationPolicy=Orphan&orphanDependents=true`,
        code: 422,
        says: /propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set/,
      },
      {
        line: `DELETE ${MAPS}/it?gracePeriodSeconds=soon`,
        code: 400,
        says: 'strconv.ParseInt: parsing "soon": invalid syntax',
      },
      {
        line: `DELETE ${MAPS}/it`,
        question: { body: { dryRun: ['Some'] } },
        code: 422,
        says: /dryRun: Unsupported value: \["Some"\]: supported values: "All"/,
      },
      {
        line: `DELETE ${MAPS}/it`,
        question: { body: { preconditions: { uid: 'x' } } },
        code: 409,
        says: /^Operation cannot be fulfilled on ConfigMap "it": the UID in the precondition \(x\) does not match the UID in record \(.*\)\. The object might have been deleted and then recreated$/,
      },
      {
        line: `DELETE ${MAPS}/it?preconditions.resourceVersion=1`,
        code: 409,
        says: /the ResourceVersion in the precondition \(1\) does not match/,
      },
    ]);
    await made('gone');
    for (const question of [{ body: { dryRun: ['All'] } }, {}]) {
      const dry = await call(`DELETE ${MAPS}/gone${'body' in question ? '' : '?dryRun=All'}`, question);
      assert.equal(dry.json.status, 'Success');
      assert.equal((await call(`GET ${MAPS}/gone`)).status, 200, 'a dry run deletes nothing');
    }
    const held = await made('held', { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    const accepted = await call(`DELETE ${MAPS}/held?orphanDependents=false`);
    assert.equal(accepted.status, 202);
    assert.equal(accepted.json.metadata.uid, held.json.metadata.uid);
    assert.ok(accepted.json.metadata.deletionTimestamp);
    const foreground = await call(`DELETE ${MAPS}/gone?propagationPolicy=Foreground`);
    assert.deepEqual(foreground.json.metadata.finalizers, ['foregroundDeletion']);
    const released = await call(`PATCH ${MAPS}/gone`, { body: { metadata: { finalizers: null } }, headers: MERGE });
    assert.equal(released.status, 200);
    assert.equal((await call(`GET ${MAPS}/gone`)).status, 404);
  });

  it('deletes many: dry, selected, some at a time', async () => {
    for (const name of ['many-1', 'many-2', 'many-3']) await made(name, { metadata: { name, labels: { of: 'many' } } });
    const names = async (): Promise<string[]> =>
      (await call(`GET ${MAPS}?labelSelector=of%3Dmany`)).json.items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    const dry = await call(`DELETE ${MAPS}?labelSelector=of%3Dmany&dryRun=All`);
    assert.deepEqual([dry.json.kind, dry.json.items.length], ['ConfigMapList', 3]);
    assert.equal((await names()).length, 3);
    const first = await call(`DELETE ${MAPS}?labelSelector=of%3Dmany&limit=2`);
    assert.equal(first.json.items.length, 2);
    assert.ok(first.json.metadata.continue);
    assert.deepEqual(await names(), ['many-3']);
    const table = await call(`DELETE ${MAPS}?fieldSelector=metadata.name%3Dmany-3`, { headers: { accept: TABLE } });
    assert.deepEqual([table.json.kind, table.json.rows.length], ['Table', 1]);
    assert.deepEqual(await names(), []);
  });

  it('keeps the dependents of old kinds unless told otherwise', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j' },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
    };
    const jobs = '/apis/batch/v1/namespaces/default/jobs';
    assert.equal((await call(`POST ${jobs}`, { body: job })).status, 201);
    const orphaned = await call(`DELETE ${jobs}/j`);
    assert.deepEqual(orphaned.json.metadata.finalizers?.includes('orphan'), true);
  });

  it('names owners once', async () => {
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'it', uid: 'u1' };
    const { json, headers } = await made('owned', {
      metadata: { name: 'owned', ownerReferences: [owner, { ...owner }] },
    });
    assert.equal(json.metadata.ownerReferences.length, 1);
    assert.match(headers.warning ?? '', /duplicate entries; API server dedups owner references .* observed: u1/);
  });

  it('says which methods a path allows', async () => {
    for (const [line, allow] of [
      [`PUT ${MAPS}`, 'DELETE, GET, POST'],
      [`POST ${MAPS}/it`, 'DELETE, GET, PATCH, PUT'],
      ['DELETE /api/v1/namespaces', 'GET, POST'],
    ] as const) {
      const { status, headers, json } = await call(line, { body: {} });
      assert.equal(status, 405, line);
      assert.equal(json.reason, 'MethodNotAllowed');
      assert.equal(json.message, 'the server does not allow this method on the requested resource', line);
      assert.equal(headers.allow?.split(', ').sort().join(', '), allow, line);
    }
  });

  it('serves objects with namespaces in their namespaces only', async () => {
    for (const [line, code, message] of [
      ['GET /api/v1/configmaps/it', 404, 'the server could not find the requested resource'],
      ['PUT /api/v1/configmaps/it', 404, 'the server could not find the requested resource'],
      ['DELETE /apis/rbac.authorization.k8s.io/v1/roles/it', 404, 'the server could not find the requested resource'],
      ['POST /api/v1/configmaps', 405, 'the server does not allow this method on the requested resource'],
      ['DELETE /api/v1/configmaps', 405, 'the server does not allow this method on the requested resource'],
    ] as const) {
      const { json } = await call(line, { body: {} });
      assert.deepEqual([json.code, json.message, json.details], [code, message, {}], line);
    }
  });

  it('streams a list with its blueprint, and from no revision as from one', async () => {
    for (const query of [
      'allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
      'allowWatchBookmarks=true',
      'allowWatchBookmarks=true&resourceVersion=0',
    ]) {
      const reader = await watch(`GET ${MAPS}?watch=1&${query}`);
      const { json } = await call(`GET ${MAPS}`);
      for (let index = 0; index < json.items.length; index++) assert.equal((await reader.next())?.type, 'ADDED');
      const end = await reader.next();
      const annotations = end?.object.metadata.annotations;
      assert.equal(annotations['k8s.io/initial-events-end'], 'true', query);
      const list = JSON.parse(
        Buffer.from(annotations['kubernetes.io/initial-events-list-blueprint'], 'base64').toString(),
      );
      assert.deepEqual([list.kind, list.items], ['ConfigMapList', []]);
      await reader.close();
    }
    const reader = await watch(
      `GET ${MAPS}?watch=1&timeoutSeconds=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1`,
    );
    assert.equal((await reader.next())?.type, 'BOOKMARK');
    assert.equal(await reader.next(), undefined);
  });

  it('warns of a deprecated kind whatever is done with it, and with what is refused', async () => {
    const warning = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
    const all = '/api/v1/namespaces/default/endpoints';
    const metadata = { name: 'old' };
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    const old = { apiVersion: 'v1', kind: 'Endpoints', metadata };
    const rows: readonly (readonly [line: string, code: number, question?: Question])[] = [
      [`POST ${all}`, 201, { body: old }],
      [`POST ${all}`, 409, { body: old }],
      [`GET ${all}/old`, 200],
      [`GET ${all}/none`, 404],
      [`GET ${all}`, 200],
      [`PUT ${all}/old`, 200, { body: old }],
      [`PATCH ${all}/old`, 200, { body: { metadata: { labels: { a: 'b' } } }, headers: MERGE }],
      [`PATCH ${all}/old?fieldManager=me`, 200, { body: old, headers: apply }],
      [`PATCH ${all}/new?fieldManager=me`, 201, { body: { ...old, metadata: { name: 'new' } }, headers: apply }],
      [`DELETE ${all}/old`, 200],
    ];
    for (const [line, code, question] of rows) {
      const { status, headers } = await call(line, question);
      assert.deepEqual([line, status, headers.warning], [line, code, warning]);
    }
    const { status, headers } = await call(`POST ${MAPS}`, {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'A' }, more: 1 },
    });
    assert.deepEqual([status, headers.warning], [422, '299 - "unknown field \\"more\\""']);
  });

  it('tells people what it is and what there is', async () => {
    const text = async (path: string): Promise<string> => (await call(`GET ${path}`)).bytes.toString();
    assert.match(await text('/version'), /^\{\n {2}"major": "1",\n/);
    const { paths } = JSON.parse(await text('/')) as { paths: string[] };
    assert.deepEqual(paths, [...paths].sort());
    for (const path of ['/api/v1', '/apis/apps/v1', '/apis/apps', '/livez/ping', '/readyz/shutdown', '/openapi/v3'])
      assert.ok(paths.includes(path), path);
    for (const path of paths) assert.equal((await call(`GET ${path}`)).status, 200, path);
  });

  it('tells of health check by check', async () => {
    const text = async (path: string): Promise<readonly [number, string]> => {
      const { status, bytes } = await call(`GET ${path}`);
      return [status, bytes.toString()];
    };
    assert.deepEqual(await text('/readyz'), [200, 'ok']);
    assert.deepEqual(await text('/livez/ping'), [200, 'ok']);
    assert.deepEqual(await text('/readyz/poststarthook/bootstrap'), [200, 'ok']);
    assert.deepEqual(await text('/readyz/none'), [404, '404 page not found\n']);
    const [, verbose] = await text('/livez?verbose&exclude=ping&exclude=none');
    assert.match(verbose, /^\[\+\]ping excluded: ok\n\[\+\]store ok\n/);
    assert.match(verbose, /warn: some health checks cannot be excluded: no matches for "none"\nlivez check passed\n$/);
  });

  it('counts under upstream names', async () => {
    await call(`GET ${MAPS}`);
    const { bytes, headers } = await call('GET /metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5' },
    });
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    const text = bytes.toString();
    for (const pattern of [
      /^apiserver_request_total\{code="200",component="apiserver",dry_run="",group="",resource="configmaps",scope="namespace",subresource="",verb="LIST",version="v1"\} \d+$/m,
      /^apiserver_request_total\{code="201",component="apiserver",dry_run="All",group="",resource="configmaps",scope="resource",subresource="",verb="POST",version="v1"\} \d+$/m,
      /^apiserver_request_duration_seconds_bucket\{.*verb="POST".*,le="\+Inf"\} \d+$/m,
      /^apiserver_request_sli_duration_seconds_count\{.*\} \d+$/m,
      /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m,
      /^apiserver_longrunning_requests\{component="apiserver",group="",resource="configmaps",scope="namespace",subresource="",verb="WATCH",version="v1"\} 0$/m,
      /^apiserver_watch_events_total\{group="",kind="ConfigMap",version="v1"\} [1-9]\d*$/m,
      /^apiserver_storage_objects\{resource="configmaps"\} [1-9]\d*$/m,
      /^apiserver_resource_objects\{group="apps",resource="deployments"\} 0$/m,
      /^process_open_fds [1-9]\d*$/m,
      /^kubernetes_build_info\{git_version="v1\.36/m,
    ])
      assert.match(text, pattern);
    const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(match => match[1]);
    assert.equal(new Set(names).size, names.length, 'each metric is described once');
  });

  it('sends discovery once', async () => {
    const accept = 'application/json, application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const whole = await call('GET /apis', { headers: { accept } });
    assert.equal(whole.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    assert.equal(whole.json.kind, 'APIGroupDiscoveryList');
    const etag = whole.headers.etag ?? '';
    assert.match(etag, /^"[0-9A-F]{128}"$/);
    const again = await call('GET /apis', { headers: { accept, 'if-none-match': `"x", W/${etag}` } });
    assert.deepEqual([again.status, again.bytes.length], [304, 0]);
    const beta = await call('GET /apis', { headers: { accept: accept.replace('v=v2', 'v=v2beta1') } });
    assert.equal(beta.json.kind, 'APIGroupList', 'upstream serves v2beta1 no more');
  });

  it('sends OpenAPI by its hash, to keep for ever', async () => {
    const index = await call('GET /openapi/v3');
    const url: string = index.json.paths['apis/apps/v1'].serverRelativeURL;
    const document = await call(`GET ${url}`);
    assert.equal(document.status, 200);
    assert.match(document.headers['cache-control'] ?? '', /immutable/);
    assert.match(document.headers.expires ?? '', / GMT$/);
    assert.ok(url.endsWith(`hash=${(document.headers.etag ?? '').slice(1, -1)}`), 'the ETag is the hash');
    const other = await call('GET /openapi/v3/apis/apps/v1?hash=OLD');
    assert.deepEqual([other.status, other.headers.location], [301, url]);
    assert.equal((await call(`GET ${url}`, { headers: { 'if-none-match': document.headers.etag ?? '' } })).status, 304);
    assert.equal(
      (await call('GET /openapi/v3', { headers: { 'if-none-match': index.headers.etag ?? '' } })).status,
      304,
    );
    assert.equal((await call('GET /openapi/v2', { headers: { accept: 'text/html' } })).status, 406);
  });
});
