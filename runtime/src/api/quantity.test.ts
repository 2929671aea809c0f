import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from './quantity.ts';

describe('quantities', () => {
  const canonical: readonly (readonly [text: string, expected: string])[] = [
    ['0', '0'],
    ['0m', '0'],
    ['1', '1'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['5.', '5'],
    ['1.5', '1500m'],
    ['-1.5', '-1500m'],
    ['+2', '2'],
    ['1000', '1k'],
    ['1024', '1024'],
    ['1Ki', '1Ki'],
    ['1024Ki', '1Mi'],
    ['1.5Gi', '1536Mi'],
    ['512Mi', '512Mi'],
    ['1000Ki', '1000Ki'],
    ['0.5Ki', '512'],
    ['0.1Ki', '102400m'],
    ['1e3', '1e3'],
    ['12e2', '1200'],
    ['1E3', '1e3'],
    ['1E', '1E'],
    ['1e-3', '1e-3'],
    ['100k', '100k'],
    ['1500k', '1500k'],
    ['12Mi', '12Mi'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['1u', '1u'],
    ['8Ei', '9223372036854775807'],
    ['1e400', '9223372036854775807'],
  ];
  for (const [text, expected] of canonical)
    it(`${text} is ${expected}`, () => assert.equal(canonicalQuantity(text), expected));

  it('is stable: a canonical text is its own canonical text', () => {
    for (const [, expected] of canonical) assert.equal(canonicalQuantity(expected), expected);
  });

  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /must match the regular expression/],
    ['x', /must match the regular expression/],
    ['1 Gi', /must match the regular expression/],
    ['1x', /must match the regular expression/],
    ['1Kik', /unable to parse quantity's suffix/],
    ['1ki', /unable to parse quantity's suffix/],
    ['1.1.1', /unable to parse numeric part/],
    ['.', /unable to parse numeric part/],
  ];
  for (const [text, message] of wrong)
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseQuantity(text), message));

  it('adds and subtracts exactly, in the first format that is not zero', () => {
    assert.equal(formatQuantity(addQuantities('100m', '0.1')), '200m');
    assert.equal(formatQuantity(addQuantities('1Gi', '512Mi')), '1536Mi');
    assert.equal(formatQuantity(addQuantities('0', '1Ki')), '1Ki');
    assert.equal(formatQuantity(subtractQuantities('1', '1m')), '999m');
  });

  it('compares by value', () => {
    assert.equal(compareQuantities('1Ki', '1024'), 0);
    assert.equal(compareQuantities('1k', '1Ki'), -1);
    assert.equal(compareQuantities('1', '999m'), 1);
  });

  it('rounds up to whole units and thousandths', () => {
    assert.equal(quantityValue('1500m'), 2);
    assert.equal(quantityValue('64Mi'), 67108864);
    assert.equal(quantityMilliValue('0.1234'), 124);
    assert.equal(quantityMilliValue('2'), 2000);
  });
});
