/**
 * Requests that make no sense, some 500 of them: each gets a proper `Status` with a code of the 4xx, soon, and the server goes on.
 * The table is made by combination, always the same.
 */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type InProcessServer, startServer } from './startServer.ts';

const DEADLINE_MS = 10_000;

interface Case {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const PODS = '/api/v1/namespaces/default/pods';
const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

/** No body of any kind of object. */
const noObjects: Readonly<Record<string, string | Buffer>> = {
  empty: '',
  'a space': ' ',
  null: 'null',
  'a number': '42',
  'a string': '"pod"',
  true: 'true',
  'an array': '[]',
  'an array of objects': '[{}]',
  'half an object': '{"apiVersion":"v1","kind":',
  'an open string': '{"apiVersion":"v1',
  'a trailing comma': '{"apiVersion":"v1",}',
  'single quotes': "{'apiVersion':'v1'}",
  'two objects': '{} {}',
  'a byte order mark': '\ufeff{}x',
  NUL: '\0\0\0',
  'not UTF-8': Buffer.from([0xff, 0xfe, 0x7b, 0x7d]),
  'a number too large': '{"metadata":{"generation":1e999}}x',
  'deep arrays': deep('[', ']', 100_000),
  'deep objects': `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
  html: '<html></html>',
  yaml: 'apiVersion: v1\nkind: Pod\n',
  'metadata a string': '{"metadata":"x"}',
  'metadata an array': '{"metadata":[]}',
  'metadata a number': '{"metadata":7}',
  'name a number': '{"metadata":{"name":7}}',
  'name an object': '{"metadata":{"name":{}}}',
  'labels an array': '{"metadata":{"name":"a","labels":[]}}',
  'labels of numbers': '{"metadata":{"name":"a","labels":{"a":1}}}',
  'kind a number': '{"kind":7}',
  'apiVersion an object': '{"apiVersion":{}}',
  'another kind': '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}',
  'another version': '{"apiVersion":"v2","kind":"Pod","metadata":{"name":"a"}}',
  'a creation time of words': '{"metadata":{"name":"a","creationTimestamp":"yesterday"}}',
  'owners a string': '{"metadata":{"name":"a","ownerReferences":"me"}}',
  'finalizers of numbers': '{"metadata":{"name":"a","finalizers":[1]}}',
};

/** Objects whose names or metadata are refused. */
const badMetadata: Readonly<Record<string, object>> = {
  'no name': {},
  'an empty name': { name: '' },
  'an upper-case name': { name: 'Abc' },
  'a name with a slash': { name: 'a/b' },
  'a name of dots': { name: '..' },
  'a name with percent': { name: 'a%2fb' },
  'a long name': { name: 'a'.repeat(300) },
  'a name with NUL': { name: 'a\0b' },
  'a name with a line break': { name: 'a\nb' },
  'a name of other letters': { name: 'ä' },
  'another namespace': { name: 'a', namespace: 'kube-system' },
  'a bad label key': { name: 'a', labels: { 'a b': 'c' } },
  'a bad label value': { name: 'a', labels: { a: 'b c' } },
  'a bad annotation': { name: 'a', annotations: { 'a b': 'c' } },
  'too many annotations': { name: 'a', annotations: { a: 'x'.repeat(300_000) } },
  'a bad finalizer': { name: 'a', finalizers: ['no good'] },
  'a bad generateName': { generateName: 'A_' },
  'an owner without a name': { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: '', uid: '' }] },
};

const badPatches: readonly (readonly [type: string, body: string])[] = [
  ...[
    '',
    '1',
    '"x"',
    '{}',
    '{"op":"add"}',
    '[1]',
    '[{}]',
    '[{"op":"fly","path":"/a"}]',
    '[{"op":"add"}]',
    '[{"op":"remove","path":"/none/at/all"}]',
    '[{"op":"replace","path":"metadata","value":1}]',
    '[{"op":"test","path":"/kind","value":"Pod"}]',
    '[{"op":"move","path":"/a"}]',
    '[{"op":"remove","path":""}]',
    '[{"op":"replace","path":"","value":7}]',
    '[{"op":"replace","path":"/metadata/name","value":"other"}]',
    '[{"op":"add","path":"/metadata/labels","value":"x"}]',
    '[{"op":"add","path":"/data/~2","value":7}]',
    '[{"op":"add","path":"/metadata/resourceVersion","value":"no number"}]',
    '{',
  ].map(body => ['application/json-patch+json', body] as const),
  ...[
    '',
    'null',
    '1',
    '[]',
    '"x"',
    '{"metadata":7}',
    '{"metadata":null}',
    '{"kind":"Pod"}',
    '{"apiVersion":"v2"}',
    '{"data":{"a":1}}',
    '{"data":[]}',
    '{"metadata":{"name":"other"}}',
    '{"metadata":{"namespace":"other"}}',
    '{"metadata":{"uid":"other"}}',
    '{"metadata":{"resourceVersion":"1"}}',
    '{"metadata":{"labels":{"a b":"c"}}}',
    '{',
  ].map(body => ['application/merge-patch+json', body] as const),
  ...[
    '',
    '1',
    '[]',
    '{"metadata":7}',
    '{"kind":"Pod"}',
    '{"data":{"a":1}}',
    '{"data":"x"}',
    '{"$patch":"fly"}',
    '{"metadata":{"$patch":7}}',
    '{"metadata":{"finalizers":"x"}}',
    '{"metadata":{"ownerReferences":[{"name":"x"}]}}',
    '{"metadata":{"$deleteFromPrimitiveList/finalizers":7}}',
    '{',
  ].map(body => ['application/strategic-merge-patch+json', body] as const),
  ['application/json', '{}'],
  ['text/plain', '{}'],
  ['', '{}'],
  ['application/apply-patch+yaml', 'apiVersion: v1\nkind: ConfigMap\n'],
  ['application/apply-patch+cbor', 'x'],
  ['application/strategic-merge-patch+json', deep('[', ']', 10_000)],
];

const badQueries: readonly string[] = [
  'labelSelector=a%3D%3Db%3D%3Dc',
  'labelSelector=%28',
  'labelSelector=a+in',
  'labelSelector=a+in+%28',
  'labelSelector=%21%21a',
  'labelSelector=a%20b',
  'labelSelector=a%3Db%20c',
  'labelSelector=%2C%2C',
  `labelSelector=${'a'.repeat(400)}`,
  'fieldSelector=spec.none%3D1',
  'fieldSelector=metadata.name',
  'fieldSelector=a%3Db%3Dc',
  'fieldSelector=%3D',
  'limit=many',
  'limit=1.5',
  'continue=zzz',
  'continue=e30',
  'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ',
  `continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}').toString('base64url')}`,
  `continue=${Buffer.from('{"v":"v9","rv":3,"start":"a"}').toString('base64url')}`,
  'resourceVersion=now',
  'resourceVersion=-5',
  'resourceVersion=1e9',
  'resourceVersionMatch=Exact',
  'resourceVersion=0&resourceVersionMatch=Exact',
  'resourceVersion=1&resourceVersionMatch=Roughly',
  'sendInitialEvents=true',
  'watch=1&resourceVersion=now',
  'watch=1&sendInitialEvents=true',
  'watch=1&resourceVersionMatch=NotOlderThan',
  'watch=1&timeoutSeconds=soon',
  'watch=1&labelSelector=%28',
  'watch=1&fieldSelector=spec.none%3D1',
  'watch=1&sendInitialEvents=true&resourceVersionMatch=Exact',
];

const badPaths: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/api/v1/unknowns'],
  ['GET', '/api/v9/pods'],
  ['GET', '/apis/none/v1/pods'],
  ['GET', '/apis/apps/v9/deployments'],
  ['GET', '/apis/apps'.concat('x')],
  ['GET', '/api/v1/namespaces/default/pods/a/none'],
  ['GET', '/api/v1/namespaces/default/nodes'],
  ['GET', '/api/v1/nodes/a/none'],
  ['GET', `${PODS}/a%2Fb`],
  ['GET', `${PODS}/..%2F..%2Fsecrets`],
  ['GET', `${PODS}/%`],
  ['GET', `${PODS}/%zz`],
  ['GET', `${PODS}/%00`],
  ['GET', `${PODS}/none`],
  ['DELETE', `${PODS}/none`],
  ['PUT', PODS],
  ['PATCH', PODS],
  ['POST', `${PODS}/a`],
  ['POST', '/api/v1/pods'],
  ['DELETE', '/api/v1/pods'],
  ['DELETE', '/api/v1/namespaces'],
  ['POST', '/api'],
  ['PUT', '/apis'],
  ['DELETE', '/version'],
  ['POST', '/healthz'],
  ['PATCH', '/openapi/v2'],
  ['GET', '/openapi/v3/apis/none/v1'],
  ['TRACE', PODS],
  ['OPTIONS', PODS],
  ['BREW', PODS],
  ['GET', `${PODS}/none/log`],
  ['GET', `${PODS}/none/exec`],
  ['POST', `${PODS}/none/exec`],
  ['GET', `${PODS}/none/portforward`],
  ['GET', '/v1-atoll/connect'],
  ['GET', '/v1-atoll/certificates'],
  ['POST', '/v1-atoll/certificates'],
  ['GET', '/v1-atoll/other'.replace('other', 'connect')],
  ['POST', `${PODS}/none/binding`],
  ['POST', `${PODS}/none/eviction`],
  ['GET', `${DEPLOYMENTS}/none/scale`],
  ['PUT', `${DEPLOYMENTS}/none/scale`],
  ['PATCH', `${DEPLOYMENTS}/none/scale`],
  ['POST', '/api/v1/namespaces/default/serviceaccounts/none/token'],
  ['PUT', '/api/v1/namespaces/none/finalize'],
  ['GET', '/api/v1/proxy/namespaces/default/pods/a'],
  ['GET', '/api/v1/namespaces/default/services/a/proxy'],
];

function cases(): Case[] {
  const all: Case[] = [];
  const jsonType = { 'content-type': 'application/json' };
  const kinds: readonly (readonly [path: string, apiVersion: string, kind: string])[] = [
    [PODS, 'v1', 'Pod'],
    [MAPS, 'v1', 'ConfigMap'],
    [DEPLOYMENTS, 'apps/v1', 'Deployment'],
  ];
  for (const [path, apiVersion, kind] of kinds) {
    for (const [name, body] of Object.entries(noObjects)) {
      all.push({ name: `POST ${kind}: ${name}`, method: 'POST', path, body, headers: jsonType });
      all.push({ name: `PUT ${kind}: ${name}`, method: 'PUT', path: `${path}/it`, body, headers: jsonType });
    }
    for (const [name, metadata] of Object.entries(badMetadata)) {
      const body = JSON.stringify({ apiVersion, kind, metadata });
      all.push({ name: `POST ${kind} with ${name}`, method: 'POST', path, body, headers: jsonType });
    }
    for (const query of ['dryRun=Some', 'fieldValidation=Maybe', 'dryRun=All&dryRun=None']) {
      all.push({
        name: `POST ${kind}?${query}`,
        method: 'POST',
        path: `${path}?${query}`,
        body: JSON.stringify({ apiVersion, kind, metadata: { name: 'a' } }),
        headers: jsonType,
      });
    }
    for (const query of badQueries) all.push({ name: `GET ${kind}?${query}`, method: 'GET', path: `${path}?${query}` });
  }
  for (const type of [
    'text/plain',
    'application/xml',
    'application/cbor',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '*/*',
    ';;;',
  ]) {
    all.push({ name: `POST as ${type}`, method: 'POST', path: MAPS, body: '{}', headers: { 'content-type': type } });
  }
  const envelope = (bytes: number[]): Buffer => Buffer.concat([Buffer.from('k8s\0'), Buffer.from(bytes)]);
  const protobufs: Readonly<Record<string, Buffer>> = {
    nothing: Buffer.from('x'),
    'no magic': Buffer.from('{"a":1}'),
    'magic only': envelope([]),
    'a cut length': envelope([0x0a, 0xff]),
    'a length beyond the end': envelope([0x0a, 0x7f, 0x01]),
    'a varint without end': envelope([0x0a, ...Array.from({ length: 20 }, () => 0xff)]),
    'a group': envelope([0x0b, 0x0b, 0x0b]),
    'an unknown kind': envelope([0x0a, 0x0a, 0x0a, 0x02, 0x76, 0x31, 0x12, 0x04, 0x4e, 0x6f, 0x6e, 0x65]),
    'a ConfigMap of rubbish': envelope([
      0x0a,
      0x0f,
      0x0a,
      0x02,
      0x76,
      0x31,
      0x12,
      0x09,
      ...Buffer.from('ConfigMap'),
      0x12,
      0x04,
      0xff,
      0xff,
      0xff,
      0xff,
    ]),
    zeroes: envelope(Array.from({ length: 64 }, () => 0)),
  };
  for (const [name, body] of Object.entries(protobufs)) {
    for (const [path, kind] of [
      [MAPS, 'ConfigMap'],
      [PODS, 'Pod'],
    ] as const) {
      all.push({
        name: `POST ${kind} as protobuf: ${name}`,
        method: 'POST',
        path,
        body,
        headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
      });
    }
  }
  for (const [type, body] of badPatches) {
    all.push({
      name: `PATCH ${type}: ${body.slice(0, 60)}`,
      method: 'PATCH',
      path: `${MAPS}/it`,
      body,
      headers: type === '' ? {} : { 'content-type': type },
    });
  }
  for (const [method, path] of badPaths)
    all.push({
      name: `${method} ${path}`,
      method,
      path,
      body: method === 'GET' || method === 'TRACE' ? '' : '{}',
      headers: jsonType,
    });
  for (const accept of [
    'text/html',
    'application/cbor',
    'application/json;as=Chair;v=v1;g=meta.k8s.io',
    'application/json;as=Table;v=v9;g=meta.k8s.io',
    'application/json;q=0',
    'x',
    ',,,',
  ]) {
    all.push({ name: `GET for ${accept}`, method: 'GET', path: MAPS, headers: { accept } });
    all.push({ name: `watch for ${accept}`, method: 'GET', path: `${MAPS}?watch=1`, headers: { accept } });
  }
  for (const authorization of [
    'Bearer x',
    'Bearer a.b.c',
    `Bearer ${'a'.repeat(20_000)}`,
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'bearer  eyJhbGciOiJFUzI1NiJ9.bnVsbA.AAAA',
  ]) {
    all.push({
      name: `token ${authorization.slice(0, 40)}`,
      method: 'GET',
      path: MAPS,
      headers: { authorization, anonymous: '1' },
    });
  }
  for (const body of [
    '[]',
    '1',
    '{"kind":"Pod"}',
    '{"propagationPolicy":"Sideways"}',
    '{"gracePeriodSeconds":"soon"}',
    '{"orphanDependents":true,"propagationPolicy":"Orphan"}',
    '{"preconditions":{"uid":"other"}}',
    '{"preconditions":{"resourceVersion":"1"}}',
    '{"preconditions":7}',
    '{',
  ]) {
    all.push({ name: `DELETE with ${body}`, method: 'DELETE', path: `${MAPS}/it`, body, headers: jsonType });
  }
  return all;
}

describe('malformed requests', { timeout: 240_000 }, () => {
  let server: InProcessServer;
  let admin: http2.ClientHttp2Session;
  let anonymous: http2.ClientHttp2Session;

  before(async () => {
    server = await startServer();
    admin = http2.connect(server.url, {
      ca: server.ca,
      cert: server.admin.certificatePem,
      key: server.admin.privateKeyPem,
    });
    anonymous = http2.connect(server.url, { ca: server.ca });
    const it = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'it' }, data: { a: 'b' } };
    const made = await send({
      name: '',
      method: 'POST',
      path: MAPS,
      body: JSON.stringify(it),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(made.status, 201, made.text);
    await send({
      name: '',
      method: 'POST',
      path: '/api/v1/namespaces/default/serviceaccounts',
      body: '{"metadata":{"name":"default"}}',
      headers: {},
    });
  });
  after(async () => {
    admin.close();
    anonymous.close();
    await server.close();
  });

  function send({ name, method, path, body, headers = {} }: Case): Promise<{ status: number; text: string }> {
    const { anonymous: isAnonymous, ...rest } = headers;
    return new Promise((resolve, reject) => {
      const stream = (isAnonymous ? anonymous : admin).request(
        { ':method': method, ':path': path, ...rest },
        { endStream: method === 'GET' },
      );
      const timer = setTimeout(() => {
        stream.close();
        reject(new Error(`${name}: no answer within ${DEADLINE_MS / 1000} s`));
      }, DEADLINE_MS);
      let status = 0;
      let text = '';
      stream.on('response', answer => {
        status = Number(answer[':status']);
      });
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on('error', error => {
        clearTimeout(timer);
        reject(new Error(`${name}: ${String(error)}`));
      });
      stream.on('close', () => {
        clearTimeout(timer);
        resolve({ status, text });
      });
      if (method !== 'GET') stream.end(body);
    });
  }

  it('are each answered with a Status of the 4xx', async () => {
    const all = cases();
    assert.ok(all.length >= 300, `only ${all.length} cases`);
    const wrong: string[] = [];
    const queue = [...all];
    const work = async (): Promise<void> => {
      for (let item = queue.shift(); item; item = queue.shift()) {
        const { status, text } = await send(item);
        const fault = faultOf(status, text);
        if (fault) wrong.push(`${item.name.slice(0, 120)} → ${fault}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    assert.deepEqual(wrong, []);
    const { status, text } = await send({ name: 'after all that', method: 'GET', path: `${MAPS}/it` });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text).data, { a: 'b' });
  });

  it('of too large bodies and headers end with 413 and 431, and nothing hangs', async () => {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'big' },
      data: { a: 'x'.repeat(3 * 1024 * 1024) },
    });
    const { status, text } = await send({
      name: 'large',
      method: 'POST',
      path: MAPS,
      body,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(status, 413);
    assert.equal(JSON.parse(text).reason, 'RequestEntityTooLarge');
    assert.match(
      await raw(server, `GET /version HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    assert.match(await raw(server, 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(
      await raw(
        server,
        'GET /api/v1/namespaces/default/pods/x/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      ),
      /^HTTP\/1\.1 (401|403|404|400) /,
    );
    assert.match(
      await raw(server, 'POST /v1-atoll/certificates HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n'),
      /^HTTP\/1\.1 413 /,
    );
  });
});

/** Undefined: a proper refusal. */
function faultOf(status: number, text: string): string | undefined {
  if (status < 400 || status >= 500) return `${status} ${text.slice(0, 200)}`;
  try {
    const said = JSON.parse(text);
    if (said.kind !== 'Status' || said.status !== 'Failure' || said.code !== status || !said.message)
      return `no Status: ${text.slice(0, 200)}`;
    return undefined;
  } catch {
    return `${status}, no JSON: ${text.slice(0, 200)}`;
  }
}

/** What the server says to these bytes over TLS with HTTP/1.1. */
function raw(server: InProcessServer, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: server.ca, ALPNProtocols: ['http/1.1'] });
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(text);
    }, 2_000);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\r\n\r\n')) socket.end();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.on('error', error => {
      clearTimeout(timer);
      if (text === '') reject(error);
      else resolve(text);
    });
    socket.write(bytes);
  });
}
