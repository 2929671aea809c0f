import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadFigure, type Figure, median, spread, summarise } from './figures.ts';

const figure = (fields: Partial<Figure>): Figure => ({ id: 'a', label: 'A', unit: 'ms', value: 1, ...fields });

describe('median', () => {
  for (const [samples, expected] of [
    [[7], 7],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ] as const) {
    test(`of ${samples.join(' ')}`, () => assert.equal(median(samples), expected));
  }
  test('of nothing there is none', () => assert.throws(() => median([]), RangeError));
  test('leaves the samples in the order of the runs', () => assert.deepEqual(spread([3, 1, 2]).samples, [3, 1, 2]));
});

describe('summarise', () => {
  test('puts runs together by id, in the order of the first appearance', () => {
    const runs = [
      [figure({ id: 'b', value: 5 }), figure({ id: 'a', value: 1 })],
      [figure({ id: 'a', value: 3 }), figure({ id: 'b', value: 6 }), figure({ id: 'c' })],
    ];
    const summaries = summarise(runs);
    assert.deepEqual(
      summaries.map(({ id, ours }) => [id, ours.median]),
      [
        ['b', 5.5],
        ['a', 2],
        ['c', 1],
      ],
    );
  });

  test('the ratio is that of the medians', () => {
    const [summary] = summarise([2, 4, 9].map(value => [figure({ value, peer: value * 2 })]));
    assert.equal(summary?.ratio, 0.5);
    assert.deepEqual([summary?.ours.min, summary?.ours.max], [2, 9]);
  });

  for (const [what, fields, expected] of [
    ['neither aim nor peer', {}, {}],
    ['at the aim', { value: 30, atMost: 30 }, { met: true }],
    ['above the aim', { value: 31, atMost: 30 }, { met: false }],
    ['less than the peer', { value: 1, peer: 2 }, { better: true }],
    ['more than the peer', { value: 2, peer: 1 }, { better: false }],
    ['a higher rate than the peer', { unit: 'per second', value: 2, peer: 1 }, { better: true }],
    ['worse than the peer, but within the aim', { value: 2, peer: 1, atMost: 3 }, { better: false, met: true }],
  ] as const) {
    test(`is ${what}`, () => {
      const [{ better, met } = {}] = summarise([[figure(fields)]]);
      assert.deepEqual({ better, met }, { better: undefined, met: undefined, ...expected });
    });
  }

  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`${value} is no figure`, () => {
      assert.throws(
        () => summarise([[figure({ label: 'RSS', value })]]),
        (error: Error) => {
          assert.ok(error instanceof BadFigure);
          return /^RSS is .*it was not measured$/.test(error.message);
        },
      );
      assert.throws(() => summarise([[figure({ row: 'get', peer: value })]]), /the peer's get, A is/);
    });
  }
});
