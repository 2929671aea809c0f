/** The arithmetic of disruption budgets (rows as in upstream's `pkg/controller/disruption/disruption_test.go`). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { PodDisruptionBudget } from '../../api/generated/types/policy.v1.ts';
import { ago, makePod, NOW_MS, readyPod } from '../../api/testing/make.ts';
import { wireTime } from '../../client/wireTime.ts';
import { staleInMs } from './stalePods.ts';
import { DELETION_TIMEOUT_MS, disruptedOf, expectedOf, needsScale, statusOf } from './status.ts';

type Spec = NonNullable<PodDisruptionBudget['spec']>;
const budget = (spec: Spec, status: PodDisruptionBudget['status'] = {}): PodDisruptionBudget => ({
  metadata: { namespace: 'default', name: 'b', generation: 3 },
  spec,
  status,
});

describe('how many must be healthy', () => {
  const rows: readonly (readonly [
    spec: Spec,
    podCount: number,
    scale: number,
    expectedPods: number,
    desiredHealthy: number,
  ])[] = [
    [{ minAvailable: 3 }, 5, 0, 5, 3],
    [{ minAvailable: 0 }, 5, 0, 5, 0],
    [{}, 5, 0, 5, 0],
    [{ minAvailable: '30%' }, 9, 10, 10, 3],
    [{ minAvailable: '28%' }, 9, 10, 10, 3],
    [{ minAvailable: '0%' }, 9, 10, 10, 0],
    [{ minAvailable: '100%' }, 9, 10, 10, 10],
    [{ maxUnavailable: 1 }, 9, 10, 10, 9],
    [{ maxUnavailable: 20 }, 9, 10, 10, 0],
    [{ maxUnavailable: 0 }, 9, 10, 10, 10],
    [{ maxUnavailable: '25%' }, 4, 4, 4, 3],
    [{ maxUnavailable: '30%' }, 9, 10, 10, 7],
    [{ maxUnavailable: '1%' }, 9, 10, 10, 9],
    [{ maxUnavailable: '100%' }, 9, 10, 10, 0],
    [{ maxUnavailable: 1 }, 3, 0, 0, 0],
  ];
  for (const [spec, podCount, scale, expectedPods, desiredHealthy] of rows) {
    it(`${JSON.stringify(spec)} of ${podCount} pods, ${scale} wanted`, () =>
      assert.deepEqual(expectedOf(budget(spec), podCount, scale), { expectedPods, desiredHealthy }));
  }
  it('is no percentage', () =>
    assert.throws(() => expectedOf(budget({ minAvailable: 'many' }), 1, 1), /not a percentage/));
  it('asks the controllers only where it must', () => {
    assert.deepEqual(
      [{ minAvailable: 1 }, { minAvailable: '1%' }, { maxUnavailable: 1 }, {}].map(spec => needsScale(budget(spec))),
      [false, true, true, false],
    );
  });
});

describe('evictions that are under way', () => {
  const evicted = (secondsAgo: number) => ago(secondsAgo);
  const going = makePod('going', {}, { metadata: { deletionTimestamp: ago(0) } });
  const rows: readonly (readonly [
    what: string,
    known: Record<string, string>,
    pods: Pod[],
    kept: string[],
    overdue: string[],
    againInMs: number | undefined,
  ])[] = [
    ['none', {}, [makePod('a')], [], [], undefined],
    ['one', { a: evicted(10) }, [makePod('a')], ['a'], [], DELETION_TIMEOUT_MS - 10_000],
    ['one is being deleted', { going: evicted(10) }, [going], [], [], undefined],
    ['one is gone', { a: evicted(10) }, [], [], [], undefined],
    ['one did not go', { a: evicted(121) }, [makePod('a')], [], ['a'], undefined],
    [
      'several',
      { a: evicted(10), b: evicted(20), c: evicted(300) },
      [makePod('a'), makePod('b'), makePod('c'), makePod('d')],
      ['a', 'b'],
      ['c'],
      DELETION_TIMEOUT_MS - 20_000,
    ],
  ];
  for (const [what, known, pods, kept, overdue, againInMs] of rows) {
    it(what, () => {
      const found = disruptedOf(budget({}, { disruptedPods: known }), pods, NOW_MS);
      assert.deepEqual(Object.keys(found.pods), kept);
      assert.deepEqual(
        found.overdue.map(({ metadata }) => metadata.name),
        overdue,
      );
      assert.equal(found.againInMs, againInMs);
    });
  }
});

describe('the status', () => {
  const ready = ['a', 'b', 'c'].map(name => readyPod(name, 10));
  const unready = makePod('d');
  const going = { ...readyPod('e', 10), metadata: { ...readyPod('e', 10).metadata, deletionTimestamp: ago(0) } };
  const none = { pods: {}, overdue: [], againInMs: undefined };
  const rows: readonly (readonly [
    what: string,
    pods: Pod[],
    desired: number,
    expected: number,
    disrupted: Record<string, string>,
    healthy: number,
    allowed: number,
  ])[] = [
    ['all are healthy', ready, 2, 3, {}, 3, 1],
    ['enough, and no more', ready, 3, 3, {}, 3, 0],
    ['too few', [...ready, unready], 4, 4, {}, 3, 0],
    ['one is going', [...ready, going], 2, 4, {}, 3, 1],
    ['one is evicted', ready, 2, 3, { a: ago(1) }, 2, 0],
    ['nobody is there', [], 0, 0, {}, 0, 0],
    ['nobody should be there', ready, 0, 0, {}, 3, 0],
  ];
  for (const [what, pods, desiredHealthy, expectedPods, disruptedPods, currentHealthy, disruptionsAllowed] of rows) {
    it(what, () => {
      const status = statusOf(
        budget({}),
        pods,
        { expectedPods, desiredHealthy },
        { ...none, pods: disruptedPods },
        NOW_MS,
      );
      const allowed = disruptionsAllowed > 0;
      assert.deepEqual(status, {
        observedGeneration: 3,
        ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
        disruptionsAllowed,
        currentHealthy,
        desiredHealthy,
        expectedPods,
        conditions: [
          {
            type: 'DisruptionAllowed',
            status: allowed ? 'True' : 'False',
            reason: allowed ? 'SufficientPods' : 'InsufficientPods',
            message: '',
            observedGeneration: 3,
            lastTransitionTime: wireTime(NOW_MS),
          },
        ],
      });
    });
  }
  it('keeps the time while the condition stays', () => {
    const conditions = [
      { type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '', lastTransitionTime: ago(99) },
    ] as const;
    const status = statusOf(
      budget({}, { conditions: [...conditions] }),
      ready,
      { expectedPods: 3, desiredHealthy: 1 },
      none,
      NOW_MS,
    );
    assert.equal(status.conditions?.[0]?.lastTransitionTime, ago(99));
  });
});

describe('disruptions that did not happen', () => {
  const disrupted = (secondsAgo: number, change: object = {}, rest: Partial<Pod> = {}): Pod =>
    makePod(
      'p',
      {},
      {
        status: {
          phase: 'Running',
          conditions: [
            {
              type: 'DisruptionTarget',
              status: 'True',
              reason: 'EvictionByEvictionAPI',
              lastTransitionTime: ago(secondsAgo),
              ...change,
            },
          ],
        },
        ...rest,
      },
    );
  const rows: readonly (readonly [what: string, pod: Pod, staleInMs: number | undefined])[] = [
    ['none', makePod('p'), undefined],
    ['just now', disrupted(0), 120_000],
    ['a minute ago', disrupted(60), 60_000],
    ['three minutes ago', disrupted(180), 0],
    ['known to be over', disrupted(180, { status: 'False' }), undefined],
    ['the kubelet’s own', disrupted(180, { reason: 'TerminationByKubelet' }), undefined],
    ['being deleted', disrupted(180, {}, { metadata: { deletionTimestamp: ago(1) } }), undefined],
    [
      'ended',
      disrupted(180, {}, { status: { phase: 'Failed', conditions: disrupted(180).status?.conditions } }),
      undefined,
    ],
  ];
  for (const [what, pod, expected] of rows) it(what, () => assert.equal(staleInMs(pod, NOW_MS), expected));
});
