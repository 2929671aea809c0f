import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import type { Attributes, Authorizer } from '../authorization/authorizer.ts';
import { impersonated } from './impersonate.ts';

const jane: User = { name: 'jane', groups: ['dev'] };
const request = (headers: Record<string, string>): Request => ({
  method: 'GET',
  path: '/',
  query: new URLSearchParams(),
  headers,
  body: Buffer.alloc(0),
  signal: new AbortController().signal,
  remoteAddress: '127.0.0.1',
});
const allowAll: Authorizer = { authorize: () => ({ opinion: 'allow', reason: '' }) };
const as = (user: string, more: Record<string, string> = {}): Record<string, string> => ({
  'impersonate-user': user,
  ...more,
});

describe('acting as somebody else', () => {
  const rows: readonly (readonly [headers: Record<string, string>, user: User])[] = [
    [{}, jane],
    [{ authorization: 'x' }, jane],
    [{ 'impersonate-user': '' }, jane],
    [as('bob'), { name: 'bob', groups: ['system:authenticated'] }],
    [as('bob', { 'impersonate-group': 'a, b' }), { name: 'bob', groups: ['a', 'b', 'system:authenticated'] }],
    [as('bob', { 'impersonate-group': 'system:authenticated' }), { name: 'bob', groups: ['system:authenticated'] }],
    [as('bob', { 'impersonate-group': 'system:unauthenticated' }), { name: 'bob', groups: ['system:unauthenticated'] }],
    [as('system:anonymous'), { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    [
      as('system:anonymous', { 'impersonate-group': 'system:authenticated' }),
      { name: 'system:anonymous', groups: ['system:authenticated', 'system:unauthenticated'] },
    ],
    [
      as('system:serviceaccount:a:robot'),
      {
        name: 'system:serviceaccount:a:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
      },
    ],
    [
      as('system:serviceaccount:a:robot', { 'impersonate-group': 'x' }),
      { name: 'system:serviceaccount:a:robot', groups: ['x', 'system:authenticated'] },
    ],
    [as('bob', { 'impersonate-uid': 'u' }), { name: 'bob', uid: 'u', groups: ['system:authenticated'] }],
    [
      as('bob', { 'impersonate-extra-example.com%2fscope': 'a, b', 'impersonate-extra-x': 'y' }),
      { name: 'bob', groups: ['system:authenticated'], extra: { 'example.com/scope': ['a', 'b'], x: ['y'] } },
    ],
    [
      as('bob', { 'impersonate-extra-%zz': 'a' }),
      { name: 'bob', groups: ['system:authenticated'], extra: { '%zz': ['a'] } },
    ],
  ];
  for (const [headers, user] of rows) {
    it(JSON.stringify(headers), async () => {
      assert.deepEqual(await impersonated(request(headers), jane, allowAll), user);
    });
  }

  const without: readonly (readonly [headers: Record<string, string>, message: string])[] = [
    [{ 'impersonate-group': 'dev' }, 'requested [{Group  dev    }] without impersonating a user'],
    [{ 'impersonate-uid': 'u' }, 'requested [{UID  u  authentication.k8s.io/v1  }] without impersonating a user'],
    [
      { 'impersonate-extra-k': 'v' },
      'requested [{UserExtra  v  authentication.k8s.io/v1  k}] without impersonating a user',
    ],
  ];
  for (const [headers, message] of without) {
    it(message, async () => {
      await assert.rejects(impersonated(request(headers), jane, allowAll), (error: unknown) => {
        assert.ok(error instanceof StatusError);
        assert.equal(error.code, 400);
        assert.equal(error.message, message);
        return true;
      });
    });
  }

  it('needs the right to be each of the things asked for', async () => {
    const asked: string[] = [];
    const nobodyButBob: Authorizer = {
      authorize: ({ verb, group, resource, subresource, namespace, name }: Attributes) => {
        asked.push(`${verb} ${group}/${resource}/${subresource} ${namespace}/${name}`);
        return resource === 'userextras' ? { opinion: 'none', reason: 'no' } : { opinion: 'allow', reason: '' };
      },
    };
    const headers = as('system:serviceaccount:a:robot', {
      'impersonate-group': 'g',
      'impersonate-uid': 'u',
      'impersonate-extra-k': 'v',
    });
    await assert.rejects(impersonated(request(headers), jane, nobodyButBob), (error: unknown) => {
      assert.ok(error instanceof StatusError);
      assert.equal(
        error.message,
        'userextras.authentication.k8s.io "v" is forbidden: User "jane" cannot impersonate resource "userextras/k" in API group "authentication.k8s.io" at the cluster scope: no',
      );
      return error.code === 403;
    });
    assert.deepEqual(asked, [
      'impersonate /serviceaccounts/ a/robot',
      'impersonate /groups/ /g',
      'impersonate authentication.k8s.io/uids/ /u',
      'impersonate authentication.k8s.io/userextras/k /v',
    ]);
  });
});
