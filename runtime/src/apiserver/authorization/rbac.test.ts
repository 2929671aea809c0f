import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Subject } from '../../api/generated/types/rbac.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { User } from '../../lib/exchange.ts';
import { withStore } from '../../store/sqlite/testing.ts';
import { Bindings } from './bindings.ts';
import { ruleOf } from './bootstrap/rule.ts';
import { rbacAuthorizer, rulesFor } from './rbac.ts';
import { asked, store } from './testing.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const place = (text: string): { name: string; namespace?: string } => {
  const [namespace, name] = text.includes('/') ? text.split('/') : [undefined, text];
  return { name: name ?? '', ...(namespace ? { namespace } : {}) };
};
const role = (at: string, ...rules: string[]): KubeObject => {
  const metadata = place(at);
  return { apiVersion, kind: metadata.namespace ? 'Role' : 'ClusterRole', metadata, rules: rules.map(ruleOf) };
};
/** `User jane`, `ServiceAccount default/robot` */
const binding = (at: string, to: string, ...subjects: string[]): KubeObject => {
  const metadata = place(at);
  const [kind, name] = to.split(' ');
  return {
    apiVersion,
    kind: metadata.namespace ? 'RoleBinding' : 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: subjects.map((text): Subject => {
      const [subjectKind = '', who = ''] = text.split(' ');
      return { kind: subjectKind, ...place(who) };
    }),
  };
};
const user = (name: string, ...groups: string[]): User => ({ name, groups });
const robot = user('system:serviceaccount:default:robot', 'system:serviceaccounts');

const objects: readonly KubeObject[] = [
  role('reader', 'get,list core pods', 'get /metrics'),
  role('a/writer', 'create,update core pods', 'get core configmaps one'),
  role('empty'),
  binding('readers', 'ClusterRole reader', 'Group readers', 'User jane'),
  binding('a/writers', 'Role writer', 'User jane', 'ServiceAccount default/robot', 'ServiceAccount local'),
  binding('a/readers', 'ClusterRole reader', 'User bob'),
  binding('broken', 'ClusterRole missing', 'User lost'),
  binding('a/broken', 'Role gone', 'User lost'),
  binding('nobody', 'ClusterRole reader'),
  binding('accounts', 'ClusterRole reader', 'ServiceAccount nowhere'),
];

const jane = user('jane');
const rows: readonly (readonly [who: User, line: string, allowed: boolean, reason: string])[] = [
  [
    jane,
    'get core/pods a/x',
    true,
    'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "jane"',
  ],
  [
    user('x', 'y', 'readers'),
    'list core/pods',
    true,
    'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "readers"',
  ],
  [jane, 'create core/pods a/', true, 'RBAC: allowed by RoleBinding "writers/a" of Role "writer" to User "jane"'],
  [jane, 'create core/pods b/', false, ''],
  [jane, 'create core/pods', false, ''],
  [jane, 'get /metrics', true, 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "jane"'],
  [jane, 'get core/configmaps a/one', true, 'RBAC: allowed by RoleBinding "writers/a" of Role "writer" to User "jane"'],
  [jane, 'get core/configmaps a/two', false, ''],
  [
    robot,
    'update core/pods a/x',
    true,
    'RBAC: allowed by RoleBinding "writers/a" of Role "writer" to ServiceAccount "robot/default"',
  ],
  [
    user('system:serviceaccount:a:local'),
    'update core/pods a/x',
    true,
    'RBAC: allowed by RoleBinding "writers/a" of Role "writer" to ServiceAccount "local/a"',
  ],
  [user('system:serviceaccount:b:local'), 'update core/pods a/x', false, ''],
  [user('system:serviceaccount::nowhere'), 'get core/pods a/x', false, ''],
  [
    user('bob'),
    'get core/pods a/x',
    true,
    'RBAC: allowed by RoleBinding "readers/a" of ClusterRole "reader" to User "bob"',
  ],
  [user('bob'), 'get core/pods b/x', false, ''],
  [user('bob'), 'get /metrics', false, ''],
  [user('readers'), 'get core/pods', false, ''],
  [user('x', 'jane'), 'get core/pods', false, ''],
  [user('lost'), 'get core/pods b/x', false, 'RBAC: clusterrole.rbac.authorization.k8s.io "missing" not found'],
  [
    user('lost'),
    'get core/pods a/x',
    false,
    'RBAC: [clusterrole.rbac.authorization.k8s.io "missing" not found, role.rbac.authorization.k8s.io "gone" not found]',
  ],
  [user(''), 'get core/pods a/x', false, ''],
];

describe('the RBAC authorizer', () => {
  it(`answers ${rows.length} requests, with upstream's reasons`, async () => {
    await withStore({}, async state => {
      await store(state, ...objects);
      const bindings = new Bindings(state);
      const authorizer = rbacAuthorizer(bindings);
      for (const [who, line, allowed, reason] of rows) {
        const decision = await authorizer.authorize(asked(who, line));
        assert.equal(decision.opinion === 'allow', allowed, `${who.name}: ${line}`);
        assert.equal(decision.reason, reason, `${who.name}: ${line}`);
      }
      bindings.close();
    });
  });

  it('follows every change at once', async () => {
    await withStore({}, async state => {
      await store(state, ...objects);
      const bindings = new Bindings(state);
      const authorizer = rbacAuthorizer(bindings);
      const may = async (who: User, line: string): Promise<boolean> =>
        (await authorizer.authorize(asked(who, line))).opinion === 'allow';
      assert.equal(await may(jane, 'delete core/pods a/x'), false);
      await store(state, role('a/writer', 'delete core pods'));
      assert.equal(await may(jane, 'delete core/pods a/x'), true);
      assert.equal(await may(jane, 'create core/pods a/'), false);
      await store(state, binding('a/writers', 'Role writer', 'User eve'));
      assert.equal(await may(jane, 'delete core/pods a/x'), false);
      assert.equal(await may(user('eve'), 'delete core/pods a/x'), true);
      await state.commit({ key: '/registry/rbac.authorization.k8s.io/rolebindings/a/writers', value: null });
      assert.equal(await may(user('eve'), 'delete core/pods a/x'), false);
      bindings.close();
    });
  });

  it('tells all rules of a user', async () => {
    await withStore({}, async state => {
      await store(state, ...objects);
      const bindings = new Bindings(state);
      const rules = async (who: User, namespace: string): Promise<number> =>
        (await rulesFor(bindings, who, namespace)).rules.length;
      assert.equal(await rules(jane, ''), 2);
      assert.equal(await rules(jane, 'a'), 4);
      assert.equal(await rules(user('jane', 'readers'), ''), 2, 'a binding counts once');
      assert.deepEqual(await rulesFor(bindings, user('lost'), ''), {
        rules: [],
        errors: ['clusterrole.rbac.authorization.k8s.io "missing" not found'],
      });
      bindings.close();
    });
  });

  it('does not slow down with 10,000 bindings that are not the user’s', { timeout: 60_000 }, async () => {
    await withStore({}, async state => {
      await store(state, ...objects);
      const bindings = new Bindings(state);
      const authorizer = rbacAuthorizer(bindings);
      const request = asked(jane, 'create core/pods a/');
      /** CPU time of the decisions, which does not grow with what else the machine does. */
      const cost = async (): Promise<number> => {
        for (let i = 0; i < 2000; i++) await authorizer.authorize(request);
        const before = process.cpuUsage();
        for (let i = 0; i < 5000; i++) await authorizer.authorize(request);
        return process.cpuUsage(before).user;
      };
      assert.equal((await authorizer.authorize(request)).opinion, 'allow');
      const alone = await cost();
      const many = Array.from({ length: 10_000 }, (_, i) =>
        binding(i % 2 === 0 ? `other-${i}` : `a/other-${i}`, 'ClusterRole reader', `User user-${i}`),
      );
      await store(state, ...many);
      assert.equal((await authorizer.authorize(request)).opinion, 'allow');
      const among = await cost();
      assert.ok(among < alone * 20, `${among} us among many, ${alone} us alone`);
      bindings.close();
    });
  });
});
