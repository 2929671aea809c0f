import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forbidden } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import { parseRequestInfo } from '../requestInfo.ts';
import { type AuditedRequest, auditor } from './auditor.ts';
import { parsePolicy } from './policyFile.ts';

// biome-ignore lint/suspicious/noExplicitAny: events are looked into as they are
type Event = any;

const jane: User = { name: 'jane', uid: 'u', groups: ['dev'], extra: { k: ['v'] } };
const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const clock = { now: () => NOW, after: () => () => undefined };
const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';

function asked(line: string, body?: unknown, headers: Record<string, string> = {}): Request {
  const [method = 'GET', target = '/'] = line.split(' ');
  const url = new URL(target, 'http://x');
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: {
      'user-agent': 'test',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: Buffer.isBuffer(body) ? body : body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body)),
    signal: new AbortController().signal,
    remoteAddress: '::ffff:192.0.2.9',
  };
}

/** The events that one request leaves. */
async function events(
  policy: string,
  request: Request,
  run: (audited: AuditedRequest) => void | Promise<void>,
  user: User | undefined = jane,
): Promise<Event[]> {
  const lines: string[] = [];
  const { begin } = auditor({ policy: parsePolicy(`${HEAD}${policy}`, 'p'), clock, write: line => lines.push(line) });
  const audited = begin(request, parseRequestInfo(request), user);
  if (audited) await run(audited);
  return lines.map(line => JSON.parse(line));
}

const ok = (body: object, status = 200) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});
const CREATE = 'POST /api/v1/namespaces/a/configmaps?fieldManager=x';
const map = { metadata: { name: 'm', managedFields: [{}] }, data: { a: 'b' } };

describe('what is written down', () => {
  it('is nothing at the level None', async () => {
    assert.deepEqual(await events('rules: [{level: None}]', asked(CREATE, map), () => assert.fail('no event')), []);
  });

  it('at the level Metadata is who, what, when, and what came of it', async () => {
    const [received, complete, ...rest] = await events('rules: [{level: Metadata}]', asked(CREATE, map), audited => {
      audited.decided('allow', 'because');
      const { headers } = audited.answered(ok(map, 201));
      assert.equal(headers['audit-id'], audited.id);
    });
    assert.deepEqual(rest, []);
    assert.equal(received.stage, 'RequestReceived');
    assert.equal(received.responseStatus, undefined);
    assert.equal(received.auditID, complete.auditID);
    const { auditID: _id, ...event } = complete;
    assert.deepEqual(event, {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      stage: 'ResponseComplete',
      requestURI: '/api/v1/namespaces/a/configmaps?fieldManager=x',
      verb: 'create',
      user: { username: 'jane', uid: 'u', groups: ['dev'], extra: { k: ['v'] } },
      sourceIPs: ['192.0.2.9'],
      userAgent: 'test',
      objectRef: { resource: 'configmaps', namespace: 'a', name: 'm', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: '2026-01-02T03:04:05.678000Z',
      stageTimestamp: '2026-01-02T03:04:05.678000Z',
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'because' },
    });
  });

  it('at the higher levels is the object asked for, and the one answered', async () => {
    const run = (audited: AuditedRequest): void => void audited.answered(ok({ ...map, data: { a: 'c' } }));
    const only = 'omitStages: [RequestReceived]\n';
    const [request] = await events(`${only}rules: [{level: Request}]`, asked(CREATE, map), run);
    assert.deepEqual(request.requestObject, map);
    assert.equal(request.responseObject, undefined);
    const [both] = await events(`${only}rules: [{level: RequestResponse}]`, asked(CREATE, map), run);
    assert.deepEqual(both.responseObject.data, { a: 'c' });
    const [slim] = await events(
      `${only}omitManagedFields: true\nrules: [{level: RequestResponse}]`,
      asked(CREATE, map),
      run,
    );
    assert.equal(slim.requestObject.metadata.managedFields, undefined);
    assert.equal(slim.responseObject.metadata.managedFields, undefined);
    const [unread] = await events(`${only}rules: [{level: Request}]`, asked(CREATE, Buffer.from('{')), run);
    assert.equal(unread.requestObject, undefined);
  });

  it('is why something failed', async () => {
    const [, event] = await events(
      'rules: [{level: Metadata}]',
      asked('DELETE /api/v1/namespaces/a/pods/p'),
      audited => {
        audited.decided('none', '');
        audited.failed(forbidden({ group: '', resource: 'pods' }, 'p', 'no'));
      },
    );
    assert.deepEqual(event.responseStatus, {
      metadata: {},
      status: 'Failure',
      message: 'pods "p" is forbidden: no',
      reason: 'Forbidden',
      details: { name: 'p', kind: 'pods' },
      code: 403,
    });
    assert.equal(event.annotations['authorization.k8s.io/decision'], 'forbid');
  });

  it('is the beginning and the end of a stream', async () => {
    async function* frames(): AsyncGenerator<Buffer> {
      yield Buffer.from('a');
      yield Buffer.from('b');
    }
    const all = await events('rules: [{level: Metadata}]', asked('GET /api/v1/pods?watch=1'), async audited => {
      const { body } = audited.answered({ status: 200, headers: {}, body: frames() });
      assert.ok(!Buffer.isBuffer(body));
      for await (const frame of body) {
        assert.equal(frame.toString(), 'a');
        break; // The client goes away.
      }
    });
    assert.deepEqual(
      all.map(({ stage, verb }) => `${verb} ${stage}`),
      ['watch RequestReceived', 'watch ResponseStarted', 'watch ResponseComplete'],
    );
  });

  it('is who was impersonated, and who nobody knows', async () => {
    const bob = { name: 'bob', groups: ['system:authenticated'] };
    const [, event] = await events('rules: [{level: Metadata}]', asked('GET /version'), audited => {
      audited.impersonates({ user: bob, constraint: 'impersonate:user-info' });
      audited.answered(ok({}));
    });
    assert.deepEqual(event.impersonatedUser, { username: 'bob', groups: ['system:authenticated'] });
    assert.deepEqual(event.authenticationMetadata, { impersonationConstraint: 'impersonate:user-info' });
    assert.equal(event.objectRef, undefined);
    const policy = parsePolicy(`${HEAD}rules: [{level: Metadata}]`, 'p');
    const lines: string[] = [];
    const request = asked('GET /version');
    auditor({ policy, clock, write: line => lines.push(line) }).begin(request, parseRequestInfo(request), undefined);
    assert.deepEqual(JSON.parse(lines[0] ?? '').user, {});
  });

  it('has the id and the addresses that the client and proxies tell', async () => {
    const headers = { 'audit-id': 'given', 'x-forwarded-for': '198.51.100.1, 198.51.100.2' };
    const [event] = await events(
      'rules: [{level: Metadata}]',
      asked('GET /version', undefined, headers),
      () => undefined,
    );
    assert.equal(event.auditID, 'given');
    assert.deepEqual(event.sourceIPs, ['198.51.100.1', '198.51.100.2', '192.0.2.9']);
  });
});
