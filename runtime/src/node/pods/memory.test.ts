import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodStatus } from '../../api/generated/types/core.v1.ts';
import { PodMemory } from './memory.ts';
import { pod, T0 } from './testing.ts';

const startTime = '2026-11-21T10:00:00Z';
const cases: readonly (readonly [name: string, status: PodStatus | undefined, began: number, verdict?: object])[] = [
  ['a new pod begins now', undefined, T0],
  ['nothing is known of its start', { phase: 'Pending' }, T0],
  ['one that runs began when it did', { phase: 'Running', startTime }, Date.parse(startTime)],
  [
    'one that has ended stays so',
    { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long', startTime },
    Date.parse(startTime),
    { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' },
  ],
  ['ended well', { phase: 'Succeeded' }, T0, { phase: 'Succeeded' }],
];

for (const [name, status, began, verdict] of cases)
  test(`${name}, whether the API tells at once or later`, () => {
    const told = { ...pod(), ...(status ? { status } : {}) };
    const probes = { results: new Map() };
    const atOnce = new PodMemory(told, probes, T0);
    const later = new PodMemory(pod(), probes, T0);
    later.takeIn(told);
    for (const memory of [atOnce, later]) {
      assert.equal(memory.startedAt, began);
      assert.deepEqual(memory.verdict, verdict);
    }
  });
