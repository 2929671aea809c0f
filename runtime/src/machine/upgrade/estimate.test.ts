import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { timeText } from '../../cli/upgradeCheck.ts';
import { Speed } from './bundle/speed.ts';
import { estimate } from './estimate.ts';

const MIB = 1024 * 1024;

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

describe('how long an installation takes', () => {
  const rows: readonly {
    what: string;
    downloadBytes: number;
    sequential?: boolean;
    bytesPerSecond?: number;
    text: string;
    seconds?: number;
  }[] = [
    {
      what: 'a delta',
      downloadBytes: 10 * MIB,
      bytesPerSecond: 0.5 * MIB,
      seconds: 20,
      text: 'about 20 s for the download at 512 KiB/s, about 7 s for comparing and reading back; besides what writing takes',
    },
    {
      what: 'all of it, from a server without ranges',
      downloadBytes: 10 * MIB,
      sequential: true,
      bytesPerSecond: 2.5 * MIB,
      seconds: 48,
      text: 'about 48 s for the download at 2.5 MiB/s, about 7 s for comparing and reading back; besides what writing takes',
    },
    {
      what: 'what nobody can tell',
      downloadBytes: 10 * MIB,
      text: 'not known for the download (too little came to measure it), about 7 s for comparing and reading back; besides what writing takes',
    },
    {
      what: 'nothing to download',
      downloadBytes: 0,
      sequential: true,
      seconds: 0,
      text: 'about 7 s for comparing and reading back; besides what writing takes',
    },
  ];
  for (const { what, downloadBytes, sequential = false, bytesPerSecond, seconds, text } of rows)
    it(what, () => {
      const found = estimate({ downloadBytes }, { sequential, sizeBytes: 120 * MIB, bytesPerSecond }, 3300);
      assert.equal(found.transferSeconds, seconds);
      assert.equal(timeText(found), text);
    });
});
