import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offsetIn } from './ntp.ts';

/** As busctl prints it; the times in µs from a common start. */
function answer(times: readonly number[], packets = 3): string {
  const start = 1_795_305_600_000_000;
  const clock = times.map(time => start + time);
  const data = [0, 4, 4, 2, -23, 1_000, 2_000, [127, 0, 0, 1], ...clock, false, packets, 15];
  return JSON.stringify({ type: '(uuuuittayttttbtt)', data });
}

describe('how far the clock is off', () => {
  const rows: readonly [what: string, text: string, offset: number | undefined][] = [
    ['not at all, 10 ms of way each', answer([0, 10_000, 10_100, 20_100]), 0],
    ['the server is two seconds ahead', answer([0, 2_010_000, 2_010_000, 20_000]), 2],
    ['the server is behind', answer([0, -490_000, -490_000, 20_000]), -0.5],
    ['half of the difference of the ways', answer([0, 30_000, 30_000, 40_000]), 0.01],
    ['no server has answered', answer([0, 0, 0, 0], 0), undefined],
    ['another shape', '{"type":"s","data":"x"}', undefined],
    ['too few fields', '{"type":"(uu)","data":[1,2]}', undefined],
    ['times that are none', answer([0, 1, 2, 3]).replace(/\d{16}/g, '"x"'), undefined],
    ['null', 'null', undefined],
    ['no JSON', 'Failed to get property', undefined],
    ['nothing', '', undefined],
  ];
  for (const [what, text, offset] of rows) it(what, () => assert.equal(offsetIn(text), offset));
});
