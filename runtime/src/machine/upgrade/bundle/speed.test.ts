import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Speed } from './speed.ts';

describe('how fast bytes came', () => {
  const rows: readonly { what: string; added: readonly (readonly [bytes: number, ms: number])[]; found?: number }[] = [
    { what: 'is not known of nothing', added: [] },
    {
      what: 'is not known of a little',
      added: [
        [1, 100],
        [4096, 100],
      ],
    },
    {
      what: 'is that of the largest stretch',
      added: [
        [65_536, 500],
        [655_360, 1000],
        [65_536, 1],
      ],
      found: 655_360,
    },
    { what: 'is not known of what took no time', added: [[65_536, 0]] },
  ];
  for (const { what, added, found } of rows)
    it(what, () => {
      const speed = new Speed();
      for (const [bytes, ms] of added) speed.add(bytes, ms);
      assert.equal(speed.bytesPerSecond, found);
    });
});
