/** What people read of a trial. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HealthReport } from '../upgrade/types.ts';
import { panicLine } from './evidence.ts';
import { linkAnswers } from './network.ts';
import { trialBrief, trialText, upgradeCondition } from './text.ts';
import { owesWords, startJobs, unitNames, unitsShown } from './units.ts';

const report: HealthReport = {
  at: '',
  version: '0.2.0',
  uptimeSeconds: 188,
  deadlineSeconds: 600,
  verdict: 'waiting',
  checks: [
    { check: 'units', state: 'passed', message: 'all up' },
    { check: 'pods', state: 'waiting', message: '3 of 4 run: default/c is Pending' },
  ],
};

describe('a trial in words', () => {
  const rows: readonly [Partial<HealthReport>, string | undefined, string | undefined][] = [
    [
      {},
      'Trial of 0.2.0: waiting for pods: 3 of 4 run: default/c is Pending; 412 s left',
      'Trial of 0.2.0: waiting for pods; goes back 600 s after power-on',
    ],
    [{ verdict: 'healthy' }, undefined, undefined],
    [{ deadlineSeconds: 0 }, 'First boot of 0.2.0: waiting for pods: 3 of 4 run: default/c is Pending', undefined],
    [
      { checks: [{ check: 'node', state: 'excused', message: 'as before' }] },
      'Trial of 0.2.0: patient with the node: as before; 412 s left',
      'Trial of 0.2.0: waiting for the node; goes back 600 s after power-on',
    ],
    [
      { checks: [] },
      'Trial of 0.2.0: all is well; it is to stay so for some seconds; 412 s left',
      'Trial of 0.2.0: all is well so far; goes back 600 s after power-on',
    ],
    [
      { verdict: 'failed', checks: [{ check: 'services', state: 'failed', message: 'x' }] },
      'Trial of 0.2.0: failed on services: x; 412 s left',
      'Trial of 0.2.0: waiting for services, the time is over: going back',
    ],
  ];
  for (const [change, text, brief] of rows)
    it(text ?? 'nothing when it is over', () => {
      assert.equal(trialText({ ...report, ...change }, 412.2), text);
      assert.equal(trialBrief({ ...report, ...change }), brief);
    });
  it('nothing without a report', () => assert.equal(trialText(undefined), undefined));
  it('no condition where nothing was ever upgraded', () =>
    assert.deepEqual([upgradeCondition(undefined), upgradeCondition({ refused: [], history: [] })], [[], []]));
});

describe('panics in words', () => {
  const rows: readonly [string, string | undefined][] = [
    ['nothing of it', undefined],
    ['<0>[    9.1] Kernel panic - not syncing: Fatal exception', 'Fatal exception'],
    [
      '<4>[ 9.0][  T33] watchdog: BUG: soft lockup - CPU#0 stuck for 60s! [sh:1]\n<0>[ 9.1][ T33] Kernel panic - not syncing: softlockup: hung tasks',
      'softlockup: hung tasks (watchdog: BUG: soft lockup - CPU#0 stuck for 60s! [sh:1])',
    ],
    ['[ 9.0] Kernel panic - not syncing: dm-verity device corrupted', 'dm-verity device corrupted'],
    ['[ 9.0] BUG: unable to handle page fault', 'BUG: unable to handle page fault'],
  ];
  for (const [text, said] of rows) it(said ?? 'none', () => assert.equal(panicLine(text), said));
});

describe('what systemd and ip(8) say', () => {
  it('failed units', () =>
    assert.deepEqual(
      unitNames('fstrim.service loaded failed failed Discard\n● a@b.mount not-found failed failed x\n'),
      ['fstrim.service', 'a@b.mount'],
    ));
  it('jobs that start something', () =>
    assert.deepEqual(startJobs(' 12 multi-user.target start waiting\n 3 x.service stop running\n'), [
      'multi-user.target',
    ]));
  it('units as they are', () =>
    assert.deepEqual(
      unitsShown(
        'Id=a.service\nActiveState=activating\nSubState=auto-restart\nNRestarts=4\nInactiveExitTimestampMonotonic=12500000\n\nId=b.service\nActiveState=active\nSubState=running\nNRestarts=0\n',
      ),
      [
        { name: 'a.service', active: 'activating', sub: 'auto-restart', restarts: 4, why: '', begunSeconds: 12.5 },
        { name: 'b.service', active: 'active', sub: 'running', restarts: 0, why: '', begunSeconds: 0 },
      ],
    ));
  const starting = { name: 'a.service', active: 'activating', sub: 'start', restarts: 0, why: '', begunSeconds: 100 };
  const rows: readonly (readonly [what: string, change: Partial<typeof starting>, asked: boolean])[] = [
    ['one that has just begun to start', {}, false],
    ['one that has been starting for a while', { begunSeconds: 60 }, true],
    ['one that is started again', { restarts: 1 }, true],
    ['one that has failed', { active: 'failed' }, true],
    ['one that rests', { active: 'inactive', begunSeconds: 0 }, true],
    ['one that is up', { active: 'active', begunSeconds: 0 }, false],
  ];
  for (const [what, change, asked] of rows)
    it(`${asked ? 'the last words of' : 'nothing of'} ${what}`, () =>
      assert.equal(owesWords({ ...starting, ...change }, 110), asked));
  it('a neighbour that has answered', () => {
    const neighbour = (state: string, dev = 'eth0') => [{ dst: '10.0.0.1', dev, state: [state] }];
    assert.equal(linkAnswers(neighbour('REACHABLE'), ['eth0']), true);
    assert.equal(linkAnswers(neighbour('STALE'), []), true);
    assert.equal(linkAnswers(neighbour('FAILED'), ['eth0']), false);
    assert.equal(linkAnswers(neighbour('INCOMPLETE'), ['eth0']), false);
    assert.equal(linkAnswers(neighbour('REACHABLE', 'cni0'), ['eth0']), false);
    assert.equal(linkAnswers([], ['eth0']), false);
  });
});
