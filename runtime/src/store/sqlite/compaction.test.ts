import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMPACTION_DEFAULTS, CompactionPolicy } from './compaction.ts';
import { nextStep, type Situation } from './maintenance.ts';

const MINUTE = 60_000;

describe('when to forget', () => {
  const options = { keepMs: 5 * MINUTE, keepRevisions: 100, maxRevisions: 1_000, minBatch: 50 };

  it('keeps the young and the last few', () => {
    const policy = new CompactionPolicy(options, 1, 0);
    policy.note(200, 1 * MINUTE);
    policy.note(500, 2 * MINUTE);
    assert.equal(policy.target(1, 5 * MINUTE), undefined, 'the oldest mark says only that revision 1 is old');
    assert.equal(policy.target(1, 6 * MINUTE), 200);
    assert.equal(policy.target(200, 6 * MINUTE), undefined);
    assert.equal(policy.target(200, 7 * MINUTE), 400, '500 is old enough, but the last 100 are kept');
    assert.equal(policy.pending(400), false, 'nothing more to wait for: no timer');
  });

  it('sees old writes that had no mark of their own', () => {
    const policy = new CompactionPolicy(options, 1, 0);
    policy.note(500, 1_000);
    assert.equal(policy.pending(1), true);
    let target: number | undefined;
    for (let now = 0; now <= 6 * MINUTE; now += policy.intervalMs) target ??= policy.target(1, now);
    assert.equal(target, 400);
  });

  it('bounds the young by number', () => {
    const policy = new CompactionPolicy(options, 1, 0);
    policy.note(5_000, 1);
    assert.equal(policy.target(1, 2), 4_000);
    assert.equal(policy.urgentTarget(4_000, false), 4_950);
    assert.equal(policy.urgentTarget(4_950, false), undefined);
    assert.equal(policy.urgentTarget(4_950, true), 5_000);
  });

  it('does not wait for ever when the clock is set back', () => {
    const policy = new CompactionPolicy(options, 1, 1_000 * MINUTE);
    policy.note(500, 1_001 * MINUTE);
    policy.note(600, 1 * MINUTE);
    assert.equal(policy.target(1, 6 * MINUTE), 500);
  });

  for (const wrong of [{ keepMs: -1 }, { keepRevisions: Number.NaN }, { maxRevisions: 10 }]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => new CompactionPolicy({ ...COMPACTION_DEFAULTS, ...wrong }, 1, 0), RangeError);
    });
  }
});

describe('what to do between writes', () => {
  const calm: Situation = {
    file: { revision: 100, compacted: 50, reserved: 0, pages: 10_000, freePages: 0, walPages: 0, diskFull: false },
    compactTo: 50,
    busy: false,
    vacuuming: false,
    heldPages: 0,
  };
  const file = (change: Partial<Situation['file']>) => ({ ...calm.file, ...change });
  const table: [why: string, change: Partial<Situation>, step: string | undefined][] = [
    ['nothing', {}, undefined],
    ['compaction is asked for', { compactTo: 80 }, 'compact'],
    ['compaction goes on between writes', { compactTo: 80, busy: true }, 'compact'],
    ['the log is long and all is quiet', { file: file({ walPages: 2_048 }) }, 'checkpoint'],
    ['the log is long, but there are writes', { file: file({ walPages: 2_048 }), busy: true }, undefined],
    ['the log is very long', { file: file({ walPages: 3_072 }), busy: true }, 'checkpoint'],
    [
      'the log is very long, and compaction would go on',
      { file: file({ walPages: 3_072 }), compactTo: 80 },
      'checkpoint',
    ],
    ['a snapshot holds the log', { file: file({ walPages: 3_000 }), heldPages: 1_000 }, undefined],
    ['the log grew since', { file: file({ walPages: 3_048 }), heldPages: 1_000 }, 'checkpoint'],
    ['much of the file is free', { file: file({ freePages: 2_501 }) }, 'vacuum'],
    ['much is free, but there are writes', { file: file({ freePages: 2_501 }), busy: true }, undefined],
    ['some is free', { file: file({ freePages: 2_499 }) }, undefined],
    ['vacuuming goes on to the lower mark', { file: file({ freePages: 1_001 }), vacuuming: true }, 'vacuum'],
    ['and ends there', { file: file({ freePages: 1_000 }), vacuuming: true }, undefined],
    ['a small file is left alone', { file: file({ pages: 3_000, freePages: 2_000 }) }, undefined],
  ];
  for (const [why, change, step] of table) {
    it(`${why}: ${step ?? 'nothing'}`, () => assert.equal(nextStep({ ...calm, ...change })?.kind, step));
  }
});
