import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import type { Attributes, Authorizer } from '../authorization/authorizer.ts';
import type { RequestInfo } from '../requestInfo.ts';
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
const listPods: RequestInfo = {
  isResource: true,
  verb: 'list',
  path: '/api/v1/namespaces/a/pods',
  group: '',
  version: 'v1',
  namespace: 'a',
  resource: 'pods',
  subresource: '',
  name: '',
  rest: '',
};
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
      const as = await impersonated(request(headers), listPods, jane, allowAll);
      assert.deepEqual(as?.user ?? jane, user);
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
      await assert.rejects(impersonated(request(headers), listPods, jane, allowAll), (error: unknown) => {
        assert.ok(error instanceof StatusError);
        assert.equal(error.code, 400);
        assert.equal(error.message, message);
        return true;
      });
    });
  }

  /** What is asked of the authorizer, in order: `verb group/resource/subresource namespace/name`. */
  const asking = (asked: string[], allowed: (what: string) => boolean): Authorizer => ({
    authorize: ({ verb, group, resource, subresource, namespace, name }: Attributes) => {
      const what = `${verb} ${group}/${resource}/${subresource} ${namespace}/${name}`;
      asked.push(what);
      return allowed(what) ? { opinion: 'allow', reason: '' } : { opinion: 'none', reason: 'no' };
    },
  });

  it('needs the right to be each of the things asked for', async () => {
    const asked: string[] = [];
    const headers = as('system:serviceaccount:a:robot', {
      'impersonate-group': 'g',
      'impersonate-uid': 'u',
      'impersonate-extra-k': 'v',
    });
    const authorizer = asking(asked, what => !what.includes('userextras'));
    await assert.rejects(impersonated(request(headers), listPods, jane, authorizer), (error: unknown) => {
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

  const ofNode: User = {
    name: 'system:serviceaccount:kube-system:agent',
    groups: [],
    extra: { 'authentication.kubernetes.io/node-name': ['n1'] },
  };
  const nodeGroups = ['system:nodes', 'system:authenticated'];
  const constrained: readonly (readonly [
    who: User,
    headers: Record<string, string>,
    constraint: string,
    asked: readonly string[],
    groups: readonly string[],
  ])[] = [
    [
      jane,
      as('bob', { 'impersonate-group': 'dev' }),
      'impersonate:user-info',
      [
        'impersonate-on:user-info:list /pods/ a/',
        'impersonate:user-info authentication.k8s.io/users/ /bob',
        'impersonate:user-info authentication.k8s.io/groups/ /dev',
      ],
      ['dev', 'system:authenticated'],
    ],
    [
      jane,
      as('system:serviceaccount:a:robot'),
      'impersonate:serviceaccount',
      [
        'impersonate-on:serviceaccount:list /pods/ a/',
        'impersonate:serviceaccount authentication.k8s.io/serviceaccounts/ a/robot',
      ],
      ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
    ],
    [
      jane,
      as('system:node:n1'),
      'impersonate:arbitrary-node',
      ['impersonate-on:arbitrary-node:list /pods/ a/', 'impersonate:arbitrary-node authentication.k8s.io/nodes/ /n1'],
      nodeGroups,
    ],
    [
      ofNode,
      as('system:node:n1'),
      'impersonate:associated-node',
      ['impersonate-on:associated-node:list /pods/ a/', 'impersonate:associated-node authentication.k8s.io/nodes/ /*'],
      nodeGroups,
    ],
    [
      ofNode,
      as('system:node:n2'),
      'impersonate:arbitrary-node',
      ['impersonate-on:arbitrary-node:list /pods/ a/', 'impersonate:arbitrary-node authentication.k8s.io/nodes/ /n2'],
      nodeGroups,
    ],
    [
      jane,
      as('bob', { 'impersonate-group': 'system:masters' }),
      '',
      ['impersonate /users/ /bob', 'impersonate /groups/ /system:masters'],
      ['system:masters', 'system:authenticated'],
    ],
  ];
  for (const [who, headers, constraint, expected, groups] of constrained) {
    it(`is constrained: ${who.name} as ${JSON.stringify(headers)} by ${constraint || 'the legacy verb'}`, async () => {
      const asked: string[] = [];
      const found = await impersonated(
        request(headers),
        listPods,
        who,
        asking(asked, () => true),
      );
      assert.equal(found?.constraint, constraint);
      assert.deepEqual(asked, expected);
      assert.deepEqual(found?.user.groups, groups);
    });
  }

  it('falls back to the legacy verb, and tells what that lacks', async () => {
    const asked: string[] = [];
    const legacy = await impersonated(
      request(as('bob')),
      listPods,
      jane,
      asking(asked, what => what === 'impersonate /users/ /bob'),
    );
    assert.deepEqual(legacy, { user: { name: 'bob', groups: ['system:authenticated'] }, constraint: '' });
    assert.deepEqual(asked, ['impersonate-on:user-info:list /pods/ a/', 'impersonate /users/ /bob']);
    const both = asking([], what => what.startsWith('impersonate:') && !what.includes('on:'));
    await assert.rejects(
      impersonated(request(as('bob')), listPods, jane, both),
      /users "bob" is forbidden: User "jane" cannot impersonate resource "users"/,
    );
  });
});
