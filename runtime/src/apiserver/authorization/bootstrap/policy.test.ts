import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyRule, Subject } from '../../../api/generated/types/rbac.v1.ts';
import { clusterRole, clusterRoleBinding, role, roleBinding } from '../../../api/kinds/rbac/rbac.ts';
import type { KubeObject } from '../../../api/object.ts';
import { uncovered } from '../rules.ts';
import { AUTOUPDATE, bootstrapPolicy } from './policy.ts';
import { reconciled } from './reconcile.ts';
import { ruleOf } from './rule.ts';

const policy = bootstrapPolicy();
const find = (kind: string, name: string, namespace?: string): KubeObject => {
  const found = policy.find(
    ({ kind: k, metadata }) => k === kind && metadata.name === name && metadata.namespace === namespace,
  );
  assert.ok(found, `${kind} ${name}`);
  return structuredClone(found);
};
const rulesOf = (name: string): PolicyRule[] => find('ClusterRole', name).rules as PolicyRule[];

describe('the bootstrap policy', () => {
  it('is valid, and no name is there twice', () => {
    const seen = new Set<string>();
    for (const object of policy) {
      const { kind = '', metadata } = object;
      const id = `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
      assert.ok(!seen.has(id), id);
      seen.add(id);
      const module = [role, clusterRole, roleBinding, clusterRoleBinding].find(of => of.kind === kind);
      assert.deepEqual(module?.validate?.(structuredClone(object) as never), [], id);
    }
  });

  it('every binding refers to a role that is there', () => {
    for (const { kind, metadata, roleRef } of policy) {
      if (!roleRef) continue;
      const { kind: roleKind, name } = roleRef as { kind: string; name: string };
      find(roleKind, name, roleKind === 'Role' ? metadata.namespace : undefined);
      assert.ok(kind?.endsWith('Binding'));
    }
  });

  const covered: readonly (readonly [role: string, rules: readonly string[]])[] = [
    [
      'admin',
      [
        'readwrite rbac.authorization.k8s.io roles,rolebindings',
        'write core pods',
        'read core pods/log',
        'read core secrets',
      ],
    ],
    [
      'edit',
      ['write core secrets', 'create core pods/eviction', 'read core pods/log', 'readwrite coordination.k8s.io leases'],
    ],
    ['view', ['read core pods,configmaps', 'read apps deployments/scale', 'read networking.k8s.io ingresses']],
    ['system:basic-user', ['create authentication.k8s.io selfsubjectreviews']],
    ['system:monitoring', ['get /metrics', 'get /livez/etcd']],
    ['system:kube-scheduler', ['create core pods/binding', 'patch core pods/status']],
    ['system:controller:generic-garbage-collector', ['patch example.com widgets']],
  ];
  for (const [role, rules] of covered) {
    it(`${role} may ${rules.join('; ')}`, () => assert.deepEqual(uncovered(rulesOf(role), rules.map(ruleOf)), []));
  }

  const denied: readonly (readonly [role: string, rule: string])[] = [
    ['view', 'get core secrets'],
    ['view', 'create core pods'],
    ['view', 'get rbac.authorization.k8s.io roles'],
    ['edit', 'create rbac.authorization.k8s.io rolebindings'],
    ['edit', 'update core resourcequotas'],
    ['edit', 'create core endpoints'],
    ['admin', 'update core namespaces'],
    ['admin', 'create core resourcequotas'],
    ['system:public-info-viewer', 'get /metrics'],
    ['system:discovery', 'get /logs'],
    ['system:node', 'list core persistentvolumes'],
  ];
  for (const [role, rule] of denied) {
    it(`${role} may not ${rule}`, () => assert.notDeepEqual(uncovered(rulesOf(role), [ruleOf(rule)]), []));
  }

  const bound: readonly (readonly [binding: string, subjects: readonly string[]])[] = [
    ['cluster-admin', ['Group system:masters']],
    ['system:discovery', ['Group system:authenticated']],
    ['system:public-info-viewer', ['Group system:authenticated', 'Group system:unauthenticated']],
    ['system:node', []],
    ['system:node-proxier', ['User system:kube-proxy']],
    ['system:kube-dns', ['ServiceAccount kube-dns']],
    ['atoll:manifests', ['User system:atoll-manifests']],
    ['system:controller:job-controller', ['ServiceAccount job-controller']],
  ];
  for (const [name, subjects] of bound) {
    it(`binding ${name}: ${subjects.join(', ') || 'nobody'}`, () => {
      const found = (find('ClusterRoleBinding', name).subjects ?? []) as Subject[];
      assert.deepEqual(
        found.map(({ kind, name: of }) => `${kind} ${of}`),
        subjects,
      );
    });
  }
});

describe('reconciling', () => {
  const wanted = find('ClusterRole', 'system:kube-dns');
  const binding = find('ClusterRoleBinding', 'system:kube-dns');
  type Changed = Parameters<typeof reconciled>[0];
  const run = (now: KubeObject, to: KubeObject): Changed | undefined => reconciled(now as Changed, to as Changed, 0);

  it('leaves what is as it should be', () => {
    for (const object of policy) assert.equal(run(structuredClone(object), object), undefined, object.metadata.name);
  });
  it('adds missing rules, and keeps others', () => {
    const extra = ruleOf('get core secrets');
    const next = run({ ...wanted, rules: [ruleOf('list core endpoints,services'), extra] }, wanted);
    assert.deepEqual(uncovered(next?.rules ?? [], wanted.rules as PolicyRule[]), []);
    assert.ok(next?.rules?.some(rule => rule.resources?.includes('secrets')));
  });
  it('adds missing labels, and does not touch an object with autoupdate "false"', () => {
    const bare = { ...wanted, metadata: { name: 'system:kube-dns' } };
    assert.equal(run(bare, wanted)?.metadata.labels?.['kubernetes.io/bootstrapping'], 'rbac-defaults');
    const own = { ...bare, rules: [], metadata: { ...bare.metadata, annotations: { [AUTOUPDATE]: 'false' } } };
    assert.equal(run(own, wanted), undefined);
  });
  it('adds missing subjects, and keeps others', () => {
    const next = run({ ...binding, subjects: [{ kind: 'User', name: 'jane', apiGroup: 'x' }] }, binding);
    assert.deepEqual(
      next?.subjects?.map(({ name }) => name),
      ['jane', 'kube-dns'],
    );
  });
  it('makes a binding anew that refers to another role', () => {
    const ref = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
    const next = run({ ...binding, metadata: { ...binding.metadata, uid: 'old' }, roleRef: ref }, binding);
    assert.equal(next?.roleRef?.name, 'system:kube-dns');
    assert.notEqual(next?.metadata.uid, 'old');
  });
});
