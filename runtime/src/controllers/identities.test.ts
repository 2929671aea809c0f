import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootstrapPolicy } from '../apiserver/authorization/bootstrap/policy.ts';
import { controllerNames, identityOf } from './identities.ts';
import { controllersOf } from './index.ts';

const all = Object.keys(controllersOf({ rootCaPem: '', issueSecretToken: () => '', authorities: {} as never }));

describe('who controllers are', () => {
  it('is said of each', () => assert.deepEqual([...controllerNames].sort(), all.sort()));

  const bound = new Set(
    bootstrapPolicy().flatMap(({ kind, metadata, subjects }) =>
      kind !== 'ClusterRoleBinding' || !/^(?:system|atoll):/.test(metadata.name ?? '')
        ? []
        : (subjects as { kind: string; name: string; namespace?: string }[] | undefined)?.map(subject =>
            subject.kind === 'ServiceAccount'
              ? `system:serviceaccount:${subject.namespace}:${subject.name}`
              : subject.name,
          ),
    ),
  );
  for (const name of all)
    it(name, () => {
      const { user, component } = identityOf(name);
      const isServer = user.name === 'system:apiserver';
      assert.equal(user.groups.includes('system:masters'), isServer, 'only what is part of the API server may do all');
      assert.equal(component, isServer ? 'kube-apiserver' : 'kube-controller-manager');
      if (!isServer) assert.ok(bound.has(user.name), `${user.name} has no role`);
    });

  it('one that nobody has named may only read', () => {
    assert.deepEqual(identityOf('new').user, {
      name: 'system:kube-controller-manager',
      groups: ['system:authenticated'],
    });
  });
});
