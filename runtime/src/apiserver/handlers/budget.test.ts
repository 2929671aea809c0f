import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/types/policy.v1.ts';
import { StatusError } from '../../api/status.ts';
import { charge } from './budget.ts';

const NOW = '2026-01-01T12:00:00Z';
const EARLIER = '2026-01-01T11:00:00Z';
const condition = (status: string, reason: string, message = '') =>
  ({ type: 'DisruptionAllowed', status, reason, message, observedGeneration: 2, lastTransitionTime: EARLIER }) as const;

const budget = (status: PodDisruptionBudgetStatus, generation = 2): PodDisruptionBudget => ({
  metadata: { name: 'b', generation },
  status: { observedGeneration: 2, currentHealthy: 3, desiredHealthy: 2, ...status },
});

describe('charging a disruption budget', () => {
  const rows: readonly (readonly [
    what: string,
    before: PodDisruptionBudgetStatus,
    after: PodDisruptionBudgetStatus,
  ])[] = [
    ['one of two', { disruptionsAllowed: 2 }, { disruptionsAllowed: 1, disruptedPods: { p: NOW } }],
    [
      'beside another',
      { disruptionsAllowed: 2, disruptedPods: { q: EARLIER } },
      { disruptionsAllowed: 1, disruptedPods: { q: EARLIER, p: NOW } },
    ],
    [
      'the last one',
      { disruptionsAllowed: 1, conditions: [condition('True', 'SufficientPods')] },
      {
        disruptionsAllowed: 0,
        disruptedPods: { p: NOW },
        conditions: [{ ...condition('False', 'InsufficientPods'), lastTransitionTime: NOW }],
      },
    ],
  ];
  for (const [what, before, after] of rows)
    it(what, () => assert.deepEqual(charge(budget(before), 'p', NOW), budget(after)));

  const many = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, NOW]));
  const violates = "Cannot evict pod as it would violate the pod's disruption budget.";
  const refusals: readonly (readonly [
    what: string,
    budget: PodDisruptionBudget,
    code: number,
    message: string,
    details: object,
  ])[] = [
    [
      'none is allowed',
      budget({ disruptionsAllowed: 0 }),
      429,
      violates,
      {
        causes: [
          { reason: 'DisruptionBudget', message: 'The disruption budget b needs 2 healthy pods and has 3 currently' },
        ],
      },
    ],
    [
      'it is not known what is allowed',
      budget({ disruptionsAllowed: 5 }, 3),
      429,
      violates,
      {
        retryAfterSeconds: 10,
        causes: [
          { reason: 'DisruptionBudget', message: 'The disruption budget b is still being processed by the server.' },
        ],
      },
    ],
    [
      'it could not be worked out',
      budget({ conditions: [condition('False', 'SyncFailed', 'found no controllers')] }),
      429,
      violates,
      {
        causes: [
          {
            reason: 'DisruptionBudget',
            message:
              'The disruption budget b does not allow evicting pods currently because it failed sync: found no controllers',
          },
        ],
      },
    ],
    [
      'a negative number',
      budget({ disruptionsAllowed: -1 }),
      403,
      'poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative',
      { name: 'b', group: 'policy', kind: 'poddisruptionbudget' },
    ],
    [
      'too many that nobody has seen',
      budget({ disruptionsAllowed: 1, disruptedPods: many }),
      403,
      'poddisruptionbudget.policy "b" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller',
      { name: 'b', group: 'policy', kind: 'poddisruptionbudget' },
    ],
  ];
  for (const [what, of, code, message, details] of refusals) {
    it(what, () => {
      assert.throws(
        () => charge(of, 'p', NOW),
        (error: unknown) => {
          assert.ok(error instanceof StatusError);
          assert.deepEqual([error.code, error.message, error.status.details], [code, message, details]);
          return true;
        },
      );
    });
  }
});
