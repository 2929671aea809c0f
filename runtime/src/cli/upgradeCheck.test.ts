import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { estimate } from '../machine/upgrade/estimate.ts';
import { timeText } from './upgradeCheck.ts';

const MIB = 1024 * 1024;

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
