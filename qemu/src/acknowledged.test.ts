import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AcknowledgedWrites } from './acknowledged.ts';

describe('what was acknowledged', () => {
  /** One key: created at 10, updated at 20, deleted at 30, made again but not acknowledged. */
  const writes = new AcknowledgedWrites();
  writes.begin('key', 'one')(10);
  writes.begin('key', 'two')(20);
  writes.begin('key', undefined)(30);
  writes.begin('key', 'three');

  const cases: [name: string, at: number, actual: string | undefined, wrong: number][] = [
    ['before anything, may be absent', 5, undefined, 0],
    ['before anything, may have happened all the same', 5, 'two', 0],
    ['may be gone if it was being deleted', 15, undefined, 0],
    ['must be what was created', 15, 'one', 0],
    ['must not be an old state', 25, 'one', 1],
    ['may be ahead', 25, 'three', 0],
    ['must not be a state that never was', 25, 'four', 1],
    ['must be gone once deleted', 35, 'two', 1],
    ['may be gone or made again at the end', Number.POSITIVE_INFINITY, undefined, 0],
  ];
  for (const [name, at, actual, wrong] of cases) {
    it(name, () => {
      const verdict = writes.verify(new Map(actual === undefined ? [] : [['key', actual]]), at);
      assert.equal(verdict.wrong.length, wrong, verdict.wrong.join());
      assert.equal(verdict.compared, at < 10 ? 0 : 1);
    });
  }

  it('must not be absent if nothing deleted it', () => {
    const kept = new AcknowledgedWrites();
    kept.begin('key', 'one')(10);
    assert.deepEqual(kept.verify(new Map(), 10).wrong, ['key is absent, but one was acknowledged']);
    assert.deepEqual(kept.moments, [10]);
  });
});
