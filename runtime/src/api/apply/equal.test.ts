import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBut, equalValues } from './equal.ts';

const cases: readonly (readonly [a: object, b: object, same: boolean])[] = [
  [{}, {}, true],
  [{ a: 1, x: 1 }, { x: 2, a: 1 }, true],
  [{ a: 1 }, { a: 1, x: 2 }, true],
  [{ a: 1, x: 2 }, { a: 1 }, true],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [{ a: 1, b: null }, { a: 1 }, false],
  [{ a: 1 }, { a: 2 }, false],
  [{ a: { x: 1 } }, { a: { x: 2 } }, false],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
  [{ a: [1, 2] }, { a: [2, 1] }, false],
  [{ a: [] }, { a: {} }, false],
  [{ a: {} }, { a: [] }, false],
];

for (const [a, b, same] of cases)
  test(`${JSON.stringify(a)} and ${JSON.stringify(b)} but for x`, () => {
    assert.equal(equalBut('x', a, b), same);
    assert.equal(equalBut('x', b, a), same);
    assert.equal(equalValues({ ...a, x: 0 }, { ...b, x: 0 }), same);
  });
