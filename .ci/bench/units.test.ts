import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { amount, digits, range, times } from './units.ts';

describe('amounts', () => {
  for (const [value, unit, text] of [
    [0.1234, 'ms', '0.123 ms'],
    [999, 'ms', '999 ms'],
    [2700, 'ms', '2.70 s'],
    [130 * 1024 ** 2, 'bytes', '130 MiB'],
    [4567.8, 'per second', '4,568 /s'],
    [24, 'ms CPU', '24.0 ms CPU'],
    [100, 'count', '100'],
    [8.25, 'KiB', '8.25 KiB'],
    [3.7, '%', '3.70 %'],
  ] as const) {
    test(text, () => assert.equal(amount(value, unit), text));
  }
});

test('three digits count', () => {
  assert.deepEqual([0.05, 1.004, 12.34, 123.4, 1234567].map(digits), ['0.050', '1.00', '12.3', '123', '1,234,567']);
});

test('a range is in the unit of its median', () => {
  assert.equal(range(950, 1200, 'ms', 1100), '0.950 – 1.20');
  assert.equal(range(950, 1200, 'ms', 990), '950 – 1,200');
});

test('ratios', () => {
  assert.deepEqual([0.443, 1, 12.6].map(times), ['0.44 ×', '1.00 ×', '13 ×']);
});
