import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';
import { formatSize } from './yaml-reader.ts';

const distances = [
  ['', '', 0],
  ['a', '', 1],
  ['kitten', 'sitting', 3],
  ['verity', 'verti y', 2],
  ['ab', 'ba', 1],
] as const;
for (const [a, b, expected] of distances)
  test(`from "${a}" to "${b}" are ${expected} edits`, () => assert.equal(editDistance(a, b), expected));

const guesses = [
  ['pakages', 'packages'],
  ['PACKAGES', 'packages'],
  ['borad', 'board'],
  ['completely', undefined],
] as const;
for (const [word, expected] of guesses) {
  test(`nearest to "${word}"`, () => assert.equal(nearest(word, ['packages', 'board', 'kernel']), expected));
}

for (const [bytes, text] of [
  [512, '512'],
  [1024, '1K'],
  [1536 * 1024, '1536K'],
  [512 * 1024 ** 2, '512M'],
  [1024 ** 3, '1G'],
  [1024 ** 4, '1T'],
] as const) {
  test(`${bytes} bytes are ${text}`, () => assert.equal(formatSize(bytes), text));
}
