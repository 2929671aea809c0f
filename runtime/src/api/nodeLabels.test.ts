import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forbiddenLabels } from './nodeLabels.ts';

describe('labels of a node', () => {
  const own = [
    'team',
    'example.com/team',
    'kubernetes.io/hostname',
    'kubernetes.io/os',
    'beta.kubernetes.io/instance-type',
    'topology.kubernetes.io/zone',
    'failure-domain.beta.kubernetes.io/region',
    'node.kubernetes.io/anything',
    'x.node.kubernetes.io/anything',
    'kubelet.kubernetes.io/anything',
    'notkubernetes.io/x',
    'k8s.io.example.com/x',
  ];
  for (const key of own)
    it(`${key} is its own to give`, () => assert.deepEqual(forbiddenLabels({ [key]: '1' }, {}), []));
  const others = [
    'kubernetes.io/role',
    'node-role.kubernetes.io/control-plane',
    'k8s.io/x',
    'x.k8s.io/y',
    'node-restriction.kubernetes.io/x',
    'a.node-restriction.kubernetes.io/x',
    'topology.kubernetes.io/rack',
  ];
  for (const key of others) {
    it(`${key} is not, nor is taking or changing it`, () => {
      assert.deepEqual(forbiddenLabels({ [key]: '1' }, undefined), [key]);
      assert.deepEqual(forbiddenLabels(undefined, { [key]: '1' }), [key]);
      assert.deepEqual(forbiddenLabels({ [key]: '1' }, { [key]: '2' }), [key]);
      assert.deepEqual(forbiddenLabels({ [key]: '1', team: 'b' }, { [key]: '1' }), []);
    });
  }
  it('are named in order', () => {
    assert.deepEqual(forbiddenLabels({ 'k8s.io/b': '', 'k8s.io/a': '' }, {}), ['k8s.io/a', 'k8s.io/b']);
  });
});
