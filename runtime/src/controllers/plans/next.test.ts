import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, Pod } from '../../api/generated/types/core.v1.ts';
import type { NodeUpgradeReport } from '../../api/nodeUpgrade.ts';
import { type Drain, drainOf } from './drain.ts';
import {
  checked,
  hashOf,
  isOwnImage,
  type NodeStep,
  nextOfNode,
  nextOfPlan,
  type PlanStep,
  patienceOf,
} from './next.ts';
import { ATTEMPT, type Attempt, type DrainSpec, type PlanSpec, type PlanStatus } from './types.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HASH = 'h2';
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const nodeOf = (
  name: string,
  options: { label?: string; labels?: Record<string, string>; attempt?: Partial<Attempt>; cordoned?: boolean } = {},
): Node => ({
  metadata: {
    name,
    labels: {
      role: 'worker',
      ...options.labels,
      ...(options.label ? { 'plan.upgrade.cattle.io/p': options.label } : {}),
    },
    ...(options.attempt
      ? {
          annotations: {
            [ATTEMPT]: JSON.stringify({
              plan: 'ns/p',
              hash: HASH,
              beganAt: ago(60),
              cordoned: true,
              ...options.attempt,
            }),
          },
        }
      : {}),
  },
  spec: options.cordoned ? { unschedulable: true } : {},
});
const all = { nodeSelector: {} };
const failed = (reason: string, observedGeneration = 1): PlanStatus => ({
  latestHash: HASH,
  conditions: [{ type: 'Complete', status: 'False', reason, message: 'b: x', observedGeneration }],
});

describe('a Plan', () => {
  const [a, b, c] = [nodeOf('a'), nodeOf('b'), nodeOf('c')];
  const apply = (...applying: string[]): PlanStep => ({ do: 'apply', applying, why: '' });
  const rows: readonly (readonly [
    what: string,
    spec: PlanSpec,
    nodes: readonly Node[],
    expected: PlanStep | RegExp,
    status?: PlanStatus,
    elsewhere?: true,
  ])[] = [
    ['takes one node where nothing is said', all, [c, b, a], apply('a')],
    ['takes one of concurrency 0', { ...all, concurrency: 0 }, [a, b], apply('a')],
    ['takes as many as it may', { ...all, concurrency: 2 }, [a, b, c], apply('a', 'b')],
    ['takes all there are', { ...all, concurrency: 9 }, [a, b, c], apply('a', 'b', 'c')],
    ['adds to those it has', { ...all, concurrency: 2 }, [a, b, c], apply('b', 'a'), { applying: ['b'] }],
    ['stays with those it has', all, [a, b, c], apply('b'), { applying: ['b'] }],
    ['forgets a node that is gone', all, [a, b], apply('a'), { applying: ['z'] }],
    ['passes over what is done', all, [nodeOf('a', { label: HASH }), b], apply('b')],
    ['does what was done before again', all, [nodeOf('a', { label: 'h1' })], apply('a')],
    ['leaves a disabled node', all, [nodeOf('a', { label: 'disabled' }), b], apply('b')],
    ['is complete when all are', all, [nodeOf('a', { label: HASH })], { do: 'complete' }],
    ['is complete without nodes', all, [], { do: 'complete' }],
    ['selects none without a selector', {}, [a, b], { do: 'complete' }],
    [
      'selects by labels',
      { nodeSelector: { matchLabels: { role: 'server' } } },
      [a, nodeOf('s', { labels: { role: 'server' } })],
      apply('s'),
    ],
    [
      'is not complete while a node is on its way',
      all,
      [nodeOf('a', { label: HASH })],
      apply('a'),
      { applying: ['a'] },
    ],
    ['stops at the first that fell back', all, [a, b, c], { do: 'nothing' }, failed('FellBack')],
    ['stops where a node could not be drained', all, [a, b, c], { do: 'nothing' }, failed('DrainRefused')],
    [
      'brings those that had begun to their end',
      { ...all, concurrency: 3 },
      [a, b, c],
      /has stopped/,
      { ...failed('FellBack'), applying: ['a'] },
    ],
    ['goes on when it has been changed', all, [a, b, c], apply('a'), failed('FellBack', 0)],
    ['goes on with another version', all, [a, b, c], apply('a'), { ...failed('FellBack'), latestHash: 'h1' }],
    ['is not stopped by waiting', all, [a, b, c], apply('a'), failed('Waiting')],
    [
      'waits for its window',
      { ...all, window: { startTime: '13:00', endTime: '14:00' } },
      [a],
      /opens at 2026-11-22T13:00/,
    ],
    [
      'works in its window',
      { ...all, window: { days: ['sunday'], startTime: '11:00', endTime: '14:00' } },
      [a],
      apply('a'),
    ],
    [
      'brings to an end what began in its window',
      { ...all, window: { startTime: '13:00', endTime: '14:00' } },
      [a, b],
      apply('a'),
      { applying: ['a'] },
    ],
    ['waits for another exclusive one', { ...all, exclusive: true }, [a], /another exclusive Plan/, {}, true],
    ['does not wait where it is not exclusive', all, [a], apply('a'), {}, true],
    ['leaves a node to the Plan that has it', all, [nodeOf('a', { attempt: { plan: 'ns/other' } }), b], apply('b')],
    ['waits where others have all', all, [nodeOf('a', { attempt: { plan: 'ns/other' } })], /another Plan has/],
  ];
  for (const [what, spec, nodes, expected, status = {}, elsewhere = false] of rows)
    it(what, () => {
      const plan = { metadata: { name: 'p', namespace: 'ns', generation: 1 }, spec, status };
      const step = nextOfPlan({ plan, hash: HASH, nodes, exclusiveElsewhere: elsewhere, nowMs: NOW });
      if (expected instanceof RegExp) {
        assert.equal(step.do, 'apply');
        assert.match(step.do === 'apply' ? step.why : '', expected);
      } else assert.deepEqual(step, expected);
    });

  const specs: readonly (readonly [PlanSpec, 'Supported' | 'Validated', RegExp | true])[] = [
    [{ upgrade: { image: 'atoll' } }, 'Supported', true],
    [{}, 'Supported', true],
    [
      { upgrade: { image: 'rancher/k3s-upgrade' } },
      'Supported',
      /runs no image for it: rancher\/k3s-upgrade is not run/,
    ],
    [{ upgrade: { image: 'atoll' }, prepare: { image: 'busybox' } }, 'Supported', /busybox is not run/],
    [{ drain: { deleteEmptydirData: true, deleteLocalData: true } }, 'Validated', /cannot specify both/],
    [{ drain: { timeout: 'soon' } }, 'Validated', /"soon" is no duration/],
    [{ drain: { timeout: 60_000_000_000 } }, 'Validated', true],
    [{ drain: { timeout: '10m' } }, 'Validated', true],
    [{ postCompleteDelay: '-1m' }, 'Validated', /no duration/],
    [{ window: { days: ['someday'] } }, 'Validated', /spec.window is invalid/],
    [{ window: { timeZone: 'Mars/Olympus' } }, 'Validated', /no time zone/],
    [{ version: 'https://x/y.raucb', channel: 'https://x' }, 'Validated', /leave spec.channel out/],
  ];
  for (const [spec, type, expected] of specs)
    it(`is ${expected === true ? 'good' : 'refused'}: ${JSON.stringify(spec)}`, () => {
      const condition = checked(spec).find(found => found.type === type);
      assert.equal(condition?.status, expected === true ? 'True' : 'False');
      if (expected !== true) assert.match(condition?.message ?? '', expected);
    });

  it('knows its own images', () => {
    for (const image of ['atoll', 'atoll:1.2.3', 'example.com/atoll', 'ghcr.io/x/atoll-upgrade:v1'])
      assert.ok(isOwnImage(image), image);
    for (const image of ['rancher/atoll-k3s', 'k3s', 'atoll/k3s-upgrade', '']) assert.ok(!isOwnImage(image), image);
  });
  it('has another hash for another version or channel, of 56 digits', () => {
    assert.match(hashOf({}, '1'), /^[0-9a-f]{56}$/);
    assert.notEqual(hashOf({}, '1'), hashOf({}, '2'));
    assert.notEqual(hashOf({ channel: 'a' }, '1'), hashOf({ channel: 'b' }, '1'));
    assert.equal(hashOf({ cordon: true }, '1'), hashOf({}, '1'));
  });
});

describe('a node of a Plan', () => {
  const before = { newest: 'T1 blessed 1', bootId: 'boot', pid: 7 };
  const old = { at: 'T1', event: 'blessed', version: '1', message: '' };
  const news = (event: string, message = ''): object => ({
    history: [{ at: 'T2', event, version: '2', message }, old],
  });
  const reportOf = (more: object = {}): NodeUpgradeReport => ({
    now: ago(0),
    bootId: 'boot',
    image: 'vm',
    running: { version: '1' },
    busy: false,
    refused: [],
    history: [old],
    ...more,
  });
  const progress = (phase: string, pid = 8) => ({ progress: { pid, phase, message: 'no space', version: '2' } });
  const away = { progress: { ...progress('failed').progress, message: 'nobody answers', mayPass: true } };
  const upgraded = reportOf({ running: { version: '2' } });
  const none: Drain = { evict: [], leaving: [], refusals: [] };
  const pod: Pod = { metadata: { name: 'x', namespace: 'd' }, spec: { containers: [] } };

  type Seen = { drain?: Drain; report?: NodeUpgradeReport | string };
  const rows: readonly (readonly [
    what: string,
    spec: PlanSpec,
    node: Node,
    seen: Seen,
    expected: NodeStep['do'],
    detail?: RegExp,
  ])[] = [
    ['begins', {}, nodeOf('a'), {}, 'begin', /"cordon":false/],
    ['cordons', { cordon: true }, nodeOf('a'), {}, 'begin', /"cordon":true/],
    ['cordons before it drains', { drain: {} }, nodeOf('a'), {}, 'begin', /"cordon":true/],
    ['leaves a cordon of people’s', { drain: {} }, nodeOf('a', { cordoned: true }), {}, 'begin', /"cordon":false/],
    ['begins anew with another version', {}, nodeOf('a', { attempt: { hash: 'h1' } }), {}, 'begin'],
    ['evicts', { drain: {} }, nodeOf('a', { attempt: {} }), { drain: { ...none, evict: [pod] } }, 'evict'],
    [
      'waits for pods that leave',
      { drain: {} },
      nodeOf('a', { attempt: {} }),
      { drain: { ...none, leaving: [pod] } },
      'wait',
      /1 pods are leaving/,
    ],
    [
      'remembers that it is drained',
      { drain: {} },
      nodeOf('a', { attempt: {} }),
      { drain: none },
      'remember',
      /"drained":true/,
    ],
    [
      'fails where it cannot be drained',
      { drain: {} },
      nodeOf('a', { attempt: {} }),
      { drain: { ...none, refusals: ['d/x has no controller'] } },
      'fail',
      /DrainRefused.*d\/x has no controller/,
    ],
    [
      'waits for budgets as long as it may',
      { drain: { timeout: '61s' } },
      nodeOf('a', { attempt: {} }),
      { drain: { ...none, evict: [pod] } },
      'evict',
    ],
    [
      'and no longer',
      { drain: { timeout: '59s' } },
      nodeOf('a', { attempt: {} }),
      { drain: { ...none, evict: [pod] } },
      'fail',
      /DrainTimeout/,
    ],
    [
      'remembers what was so before',
      {},
      nodeOf('a', { attempt: {} }),
      { report: reportOf() },
      'remember',
      /"newest":"T1 blessed 1","bootId":"boot","pid":0/,
    ],
    ['is done where it runs that version already', {}, nodeOf('a', { attempt: {} }), { report: upgraded }, 'finish'],
    ['asks', {}, nodeOf('a', { attempt: { before } }), { report: reportOf() }, 'ask'],
    [
      'asks after the drain',
      { drain: {} },
      nodeOf('a', { attempt: { before, drained: true } }),
      { report: reportOf() },
      'ask',
    ],
    [
      'waits when it has asked',
      {},
      nodeOf('a', { attempt: { before, askedAt: ago(5) } }),
      { report: reportOf() },
      'wait',
      /has been asked/,
    ],
    [
      'asks again without an echo',
      {},
      nodeOf('a', { attempt: { before, askedAt: ago(61) } }),
      { report: reportOf() },
      'ask',
    ],
    [
      'does not take a failure of before for its own',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf(progress('failed', 7)) },
      'ask',
    ],
    [
      'waits while it is written',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf({ busy: true, ...progress('writing') }) },
      'wait',
      /writing 2/,
    ],
    [
      'waits for somebody else’s upgrade, too',
      {},
      nodeOf('a', { attempt: {} }),
      { report: reportOf({ busy: true }) },
      'wait',
    ],
    [
      'waits for the trial',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf({ running: { version: '2' }, trial: { version: '2' }, ...news('installed') }) },
      'wait',
      /on trial/,
    ],
    [
      'waits for a node that restarts',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: 'not connected' },
      'wait',
      /does not answer: not connected/,
    ],
    [
      'is done when it is blessed',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: { ...upgraded, ...news('blessed') } },
      'finish',
    ],
    [
      'is done where the history was lost',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: { ...upgraded, history: [] } },
      'finish',
    ],
    [
      'fails where it fell back',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf(news('fell-back', 'web-0 does not run')) },
      'fail',
      /FellBack.*fell back from 2: web-0 does not run/,
    ],
    [
      'fails where a person went back',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf(news('rolled-back')) },
      'fail',
      /RolledBack/,
    ],
    [
      'asks though it fell back once before',
      {},
      nodeOf('a', { attempt: { before: { ...before, newest: 'T2 fell-back 2' } } }),
      { report: reportOf(news('fell-back')) },
      'ask',
    ],
    [
      'fails where it could not be installed',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf(progress('failed')) },
      'fail',
      /UpgradeFailed.*no space/,
    ],
    [
      'asks again where the server was away',
      {},
      nodeOf('a', { attempt: { before, askedAt: ago(61) } }),
      { report: reportOf(away) },
      'ask',
    ],
    [
      'but not all the time',
      {},
      nodeOf('a', { attempt: { before, askedAt: ago(5) } }),
      { report: reportOf(away) },
      'wait',
      /nobody answers/,
    ],
    [
      'and not for longer than it may',
      { jobActiveDeadlineSecs: 30 },
      nodeOf('a', { attempt: { before, askedAt: ago(61) } }),
      { report: reportOf(away) },
      'fail',
      /DeadlineExceeded.*not done within 30 s: nobody answers/,
    ],
    [
      'fails where it could not after a restart',
      {},
      nodeOf('a', { attempt: { before } }),
      { report: reportOf({ ...progress('failed', 7), bootId: 'other' }) },
      'fail',
    ],
    [
      'waits no longer than it may',
      { jobActiveDeadlineSecs: 30 },
      nodeOf('a', { attempt: { before } }),
      { report: 'not connected' },
      'fail',
      /DeadlineExceeded.*not connected/,
    ],
    [
      'waits an hour where nobody says',
      {},
      nodeOf('a', { attempt: { before, beganAt: ago(3601) } }),
      { report: 'gone' },
      'fail',
      /3600 s/,
    ],
    [
      'waits for ever where that is asked for',
      { jobActiveDeadlineSecs: 0 },
      nodeOf('a', { attempt: { before, beganAt: ago(99_999) } }),
      { report: 'gone' },
      'wait',
    ],
    [
      'is done even too late',
      { jobActiveDeadlineSecs: 30 },
      nodeOf('a', { attempt: { before } }),
      { report: upgraded },
      'finish',
    ],
    ['rests', { postCompleteDelay: '2m' }, nodeOf('a', { attempt: { doneAt: ago(60) } }), {}, 'wait', /"ms":60000/],
    ['is released', { postCompleteDelay: '1m' }, nodeOf('a', { attempt: { doneAt: ago(60) } }), {}, 'release'],
  ];
  for (const [what, spec, node, seen, expected, detail = /./] of rows)
    it(what, () => {
      const step = nextOfNode({ spec, key: 'ns/p', hash: HASH, version: '2', node, nowMs: NOW, ...seen });
      assert.equal(step.do, expected, JSON.stringify(step));
      assert.match(JSON.stringify(step), detail);
    });

  const patiences: readonly (readonly [deadline: number | undefined, sinceSeconds: number, expected: string])[] = [
    [undefined, 0, '3600s'],
    [undefined, 600, '3000s'],
    [900, 100, '800s'],
    [900, 890, '60s'],
    [0, 99_999, '604800s'],
    [9_999_999, 0, '604800s'],
  ];
  for (const [jobActiveDeadlineSecs, since, expected] of patiences)
    it(`waits for a server ${expected} of ${jobActiveDeadlineSecs ?? 'nothing said'}, after ${since} s`, () => {
      const spec = jobActiveDeadlineSecs === undefined ? {} : { jobActiveDeadlineSecs };
      const attempt = { plan: 'ns/p', hash: HASH, beganAt: ago(since), cordoned: false };
      assert.equal(patienceOf(spec, attempt, NOW), expected);
    });
});

describe('a drain', () => {
  const controller = (kind: string) => [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'u', controller: true }];
  const podOf = (metadata: object, more: object = {}): Pod => ({
    metadata: { name: 'x', namespace: 'd', ...metadata },
    spec: { containers: [] },
    ...more,
  });
  const managed = { ownerReferences: controller('ReplicaSet') };
  const emptyDir = { spec: { containers: [], volumes: [{ name: 'v', emptyDir: {} }] } };
  type Verdict = 'evict' | 'leaving' | 'refusals' | 'stays';
  const rows: readonly (readonly [what: string, pod: Pod, spec: DrainSpec, verdict: Verdict])[] = [
    ['of a ReplicaSet', podOf(managed), {}, 'evict'],
    ['of a DaemonSet', podOf({ ownerReferences: controller('DaemonSet') }), {}, 'stays'],
    [
      'of a DaemonSet that counts',
      podOf({ ownerReferences: controller('DaemonSet') }),
      { ignoreDaemonSets: false },
      'refusals',
    ],
    ['of nobody', podOf({}), {}, 'refusals'],
    ['of nobody, by force', podOf({}), { force: true }, 'evict'],
    ['of nobody that has ended', podOf({}, { status: { phase: 'Succeeded' } }), {}, 'evict'],
    ['a mirror pod', podOf({ annotations: { 'kubernetes.io/config.mirror': 'x' } }), {}, 'stays'],
    ['with data', podOf(managed, emptyDir), {}, 'evict'],
    ['with data that is kept', podOf(managed, emptyDir), { deleteEmptydirData: false }, 'refusals'],
    ['with data that is kept, in old words', podOf(managed, emptyDir), { deleteLocalData: false }, 'refusals'],
    ['that leaves', podOf({ ...managed, deletionTimestamp: ago(30) }), {}, 'leaving'],
    [
      'that does not leave',
      podOf({ ...managed, deletionTimestamp: ago(30) }),
      { skipWaitForDeleteTimeout: 20 },
      'stays',
    ],
    ['that is not meant', podOf(managed), { podSelector: { matchLabels: { app: 'web' } } }, 'stays'],
    [
      'that is meant',
      podOf({ ...managed, labels: { app: 'web' } }),
      { podSelector: { matchLabels: { app: 'web' } } },
      'evict',
    ],
  ];
  for (const [what, pod, spec, verdict] of rows)
    it(`of a pod ${what}: ${verdict}`, () => {
      const found = drainOf([pod], spec, NOW);
      const counts = { evict: found.evict.length, leaving: found.leaving.length, refusals: found.refusals.length };
      const expected = { evict: 0, leaving: 0, refusals: 0, ...(verdict === 'stays' ? {} : { [verdict]: 1 }) };
      assert.deepEqual(counts, expected, found.refusals.join());
    });
});
