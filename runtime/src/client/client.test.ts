import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from '../lib/exchange.ts';
import {
  type ApiError,
  apiErrorFrom,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNamespaceTerminating,
  isNotFound,
} from './apiError.ts';
import { Client } from './client.ts';
import { inProcessTransport } from './inProcess.ts';
import { linesOf } from './lines.ts';
import { apiVersionOf, ConfigMaps, Deployments, keyText, Nodes, Pods, parseKey, pathOf } from './resources.ts';

const paths: [string, string, string][] = [
  ['all pods', pathOf(Pods), '/api/v1/pods'],
  ['pods of a namespace', pathOf(Pods, { namespace: 'x' }), '/api/v1/namespaces/x/pods'],
  ['a pod', pathOf(Pods, { namespace: 'x', name: 'p' }), '/api/v1/namespaces/x/pods/p'],
  ['a subresource', pathOf(Pods, { namespace: 'x', name: 'p' }, 'binding'), '/api/v1/namespaces/x/pods/p/binding'],
  ['a node', pathOf(Nodes, { namespace: 'ignored', name: 'n' }), '/api/v1/nodes/n'],
  ['another group', pathOf(Deployments, { namespace: 'x', name: 'd' }), '/apis/apps/v1/namespaces/x/deployments/d'],
  ['a name with a colon', pathOf(Nodes, { name: 'a:b/c' }), '/api/v1/nodes/a%3Ab%2Fc'],
];
for (const [name, is, should] of paths) test(`the path of ${name}`, () => assert.equal(is, should));

test('a namespaced object without its namespace is refused', () => {
  assert.throws(() => pathOf(Pods, { name: 'p' }), /pods "p": a namespace is needed/);
});

test('keys', () => {
  assert.equal(apiVersionOf(Deployments), 'apps/v1');
  for (const key of [{ namespace: 'a', name: 'b' }, { name: 'c' }]) assert.deepEqual(parseKey(keyText(key)), key);
});

const status = (code: number, reason: string, causes: object[] = []): ApiError =>
  apiErrorFrom(
    code,
    Buffer.from(JSON.stringify({ kind: 'Status', code, reason, message: 'm', details: { causes } })),
    '',
  );

test('errors are told apart by reason first, then by code', () => {
  assert.ok(isNotFound(status(404, 'NotFound')));
  assert.ok(isNotFound(apiErrorFrom(404, Buffer.from('404 page not found'), 'GET /x')));
  assert.ok(isAlreadyExists(status(409, 'AlreadyExists')));
  assert.ok(!isConflict(status(409, 'AlreadyExists')));
  assert.ok(isConflict(status(409, 'Conflict')));
  assert.ok(isExpired(status(410, 'Expired')));
  assert.ok(isNamespaceTerminating(status(403, 'Forbidden', [{ reason: 'NamespaceTerminating' }])));
  assert.equal(apiErrorFrom(503, Buffer.alloc(0), 'GET /x').message, 'the server answered 503 to GET /x');
});

test('lines across chunk borders', async () => {
  async function* chunks() {
    for (const text of ['{"a"', ':1}\n', '\n{"b":2}\n{"c"', ':3}']) yield Buffer.from(text);
  }
  const lines: string[] = [];
  for await (const line of linesOf(chunks())) lines.push(line.toString());
  assert.deepEqual(lines, ['{"a":1}', '{"b":2}', '{"c":3}']);
  await assert.rejects(async () => {
    for await (const _ of linesOf(chunks(), 3));
  }, /over 3 bytes/);
});

test('requests carry method, path, query, identity and body', async () => {
  const seen: Request[] = [];
  const user = { name: 'system:kube-scheduler', groups: ['system:masters'] };
  const client = new Client(
    inProcessTransport(async request => {
      seen.push(request);
      return { status: 200, headers: {}, body: Buffer.from('{"metadata":{},"items":[]}') };
    }, user),
    { userAgent: 'tester' },
  );
  const key = { namespace: 'x', name: 'c' };
  await client.create(ConfigMaps, { metadata: { namespace: 'x', name: 'c' }, data: { a: 'b' } });
  await client.patch(ConfigMaps, key, { data: null }, { type: 'merge', fieldManager: 'me' });
  await client.list(Pods, { fieldSelector: 'spec.nodeName=', limit: 5, metadataOnly: true });
  await client.delete(ConfigMaps, key, { propagationPolicy: 'Orphan' });
  const [create, patch, list, remove] = seen;
  assert.ok(create && patch && list && remove);
  assert.deepEqual(
    [create.method, create.path, create.user, create.headers['user-agent']],
    ['POST', '/api/v1/namespaces/x/configmaps', user, 'tester'],
  );
  assert.deepEqual(JSON.parse(create.body.toString()), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'x', name: 'c' },
    data: { a: 'b' },
  });
  assert.equal(patch.headers['content-type'], 'application/merge-patch+json');
  assert.equal(patch.query.get('fieldManager'), 'me');
  assert.equal(list.query.get('fieldSelector'), 'spec.nodeName=');
  assert.match(list.headers.accept ?? '', /as=PartialObjectMetadataList/);
  assert.equal(JSON.parse(remove.body.toString()).propagationPolicy, 'Orphan');
});

test('a request without an answer ends at its deadline and says so', async () => {
  const client = new Client(
    inProcessTransport(
      request =>
        new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason))),
      { name: 'a', groups: [] },
    ),
  );
  await assert.rejects(
    client.get(Nodes, { name: 'n' }, { timeoutMs: 20 }),
    /GET \/api\/v1\/nodes\/n: no answer from the API server within 20 ms/,
  );
});
