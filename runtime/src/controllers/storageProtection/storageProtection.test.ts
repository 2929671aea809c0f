import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { makePod } from '../../api/testing/make.ts';
import type { ApiObject } from '../../client/resources.ts';
import { claimsOf, uses } from './claims.ts';
import { stepOf } from './finalizer.ts';

const claim = (name: string, owner?: string): ApiObject => ({
  metadata: {
    namespace: 'default',
    name,
    ...(owner ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner, controller: true }] } : {}),
  },
});
const named = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }];
const ephemeral = [{ name: 'v', ephemeral: {} }];
const on = (volumes: object[], rest: object = {}): Pod => makePod('p', { nodeName: 'n1', volumes } as never, rest);

describe('who uses a claim', () => {
  const rows: readonly (readonly [what: string, pod: Pod, claim: ApiObject, uses: boolean])[] = [
    ['a pod on a node', on(named), claim('c'), true],
    ['a pod that has ended still', on(named, { status: { phase: 'Succeeded' } }), claim('c'), true],
    ['a pod without a node', makePod('p', { volumes: named } as never), claim('c'), false],
    ['a pod of another claim', on(named), claim('d'), false],
    ['a pod of another namespace', on(named, { metadata: { namespace: 'other' } }), claim('c'), false],
    ['a pod without volumes', on([]), claim('c'), false],
    ['a pod whose own it is', on(ephemeral), claim('p-v', 'uid-p'), true],
    ['a pod whose own it is, ended', on(ephemeral, { status: { phase: 'Failed' } }), claim('p-v', 'uid-p'), false],
    ['a pod with a claim of that name that is not its own', on(ephemeral), claim('p-v', 'somebody'), false],
  ];
  for (const [what, pod, of, expected] of rows) it(what, () => assert.equal(uses(pod, of), expected));
  it('claims of a pod', () =>
    assert.deepEqual(claimsOf(on([...named, ...ephemeral, { name: 'e', emptyDir: {} }])), ['c', 'p-v']));
});

describe('finalizers', () => {
  const rows: readonly (readonly [finalizers: string[] | undefined, deleting: boolean, step: string | undefined])[] = [
    [undefined, false, 'add'],
    [['other'], false, 'add'],
    [['f'], false, undefined],
    [['f', 'other'], true, 'release'],
    [['other'], true, undefined],
    [undefined, true, undefined],
  ];
  for (const [finalizers, deleting, step] of rows) {
    it(`${finalizers} ${deleting ? 'deleting' : ''}`, () => {
      const metadata = { name: 'x', finalizers, ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) };
      assert.equal(stepOf({ metadata }, 'f'), step);
    });
  }
});
