import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unifiedDiff } from './lineDiff.ts';

describe('the difference of two values', () => {
  const rows: readonly (readonly [what: string, before: unknown, after: unknown, diff: string])[] = [
    ['nothing', { a: 1 }, { a: 1 }, ''],
    ['another order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }, ''],
    ['a value', { a: 1 }, { a: 2 }, '@@ -1,3 +1,3 @@\n {\n- "a": 1\n+ "a": 2\n }\n'],
    ['a field more', { a: 1 }, { a: 1, b: 2 }, '@@ -1,3 +1,4 @@\n {\n- "a": 1\n+ "a": 1,\n+ "b": 2\n }\n'],
    ['an unset field', { a: 1 }, { a: 1, b: undefined }, ''],
    [
      'two far places',
      { a: 1, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0, z: 1 },
      { a: 2, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0, z: 2 },
      '@@ -1,5 +1,5 @@\n {\n- "a": 1,\n+ "a": 2,\n  "b": 0,\n  "c": 0,\n  "d": 0,\n@@ -8,5 +8,5 @@\n  "g": 0,\n  "h": 0,\n  "i": 0,\n- "z": 1\n+ "z": 2\n }\n',
    ],
  ];
  for (const [what, before, after, diff] of rows)
    it(`of ${what}`, () => assert.equal(unifiedDiff(before, after), diff));
});
