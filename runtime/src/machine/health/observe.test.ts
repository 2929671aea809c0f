import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observation } from './observation.ts';
import { beforeOf, beforeTrial } from './observe.ts';
import { well } from './testing.ts';

const busy: Observation = {
  ...well,
  controlPlane: { state: 'silent', server: 'https://127.0.0.1:6443', why: 'no answer within 5000 ms' },
  node: { unknown: 'no answer within 5000 ms' },
  pods: { unknown: 'no answer within 5000 ms' },
  services: { kubernetes: { unknown: 'no answer' }, dns: { unknown: 'no answer' } },
  runtime: { running: { u1: ['c1', 'c2'] }, names: { u1: { namespace: 'default', name: 'web' } } },
};

describe('what a trial must bring back', () => {
  it('is asked for again when the machine is too busy to say', async () => {
    let looks = 0;
    const before = await beforeTrial(async () => (++looks < 3 ? busy : well), 10_000, 1);
    assert.deepEqual([looks, before.serverReachable, before.nodeReady], [3, true, true]);
  });

  it('is what the container runtime says, where no server can be asked; and what is not known was well', async () => {
    const before = await beforeTrial(async () => busy, 20, 5);
    assert.deepEqual(before.pods, [{ namespace: 'default', name: 'web', uid: 'u1', ready: false, containers: 2 }]);
    assert.deepEqual([before.serverReachable, before.nodeReady, before.dnsAnswered], [false, true, undefined]);
  });

  it('is not a node that is known not to be Ready', () => {
    const node = { ready: 'False', reason: 'x', message: '', bootId: well.bootId, pressure: [] } as const;
    assert.equal(beforeOf({ ...well, node }).nodeReady, false);
    assert.equal(beforeOf({ ...well, node: { ...node, ready: 'True', bootId: 'boot-1' } }).nodeReady, false);
  });
});
