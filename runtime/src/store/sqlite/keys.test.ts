import assert from 'node:assert/strict';
import { it } from 'node:test';
import { endOfPrefix } from './keys.ts';

const table: [prefix: string, end: string | undefined][] = [
  ['', undefined],
  ['/registry/pods/', '/registry/pods0'],
  ['a', 'b'],
  ['/a~', '/a\u007f'],
  ['é', 'ê'],
  ['\ud7ff', '\ue000'],
  ['a\u{10FFFF}', 'b'],
  ['\u{10FFFF}', undefined],
  ['😀', '😁'],
];

for (const [prefix, end] of table) {
  it(`the end of ${JSON.stringify(prefix)} is ${JSON.stringify(end)}`, () => {
    assert.equal(endOfPrefix(prefix), end);
    if (end === undefined) return;
    const bytes = Buffer.from(end);
    for (const more of ['', 'x', '\u{10FFFE}', '\0']) {
      assert.ok(
        Buffer.compare(Buffer.from(prefix + more), bytes) < 0,
        `${JSON.stringify(prefix + more)} is in the range`,
      );
    }
  });
}
