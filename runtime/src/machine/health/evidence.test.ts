import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootsOf } from './evidence.ts';

describe('the boots of a trial, in a journal that may hold others', () => {
  const [one, two, three] = ['1', '2', '3'].map(digit => digit.repeat(32)) as [string, string, string];
  const [blessed, failed] = ['a'.repeat(64), 'b'.repeat(64)] as [string, string];
  // As journalctl 257 prints them.
  const listed = [one, two, three]
    .map(
      (boot, n) =>
        `${String(n - 2).padStart(2)} ${boot} Sun 2026-11-22 14:0${n}:00 UTC Sun 2026-11-22 14:0${n}:59 UTC\n`,
    )
    .join('');
  const line = (boot: string, roothash: string): string =>
    `${JSON.stringify({ _BOOT_ID: boot, __REALTIME_TIMESTAMP: '1', MESSAGE: `Command line: quiet atoll.roothash=${roothash} panic=5` })}\n`;
  const rows: readonly { what: string; listed?: string; lines: string; boots: readonly string[] }[] = [
    {
      what: 'none of the version before, which was blessed in its own trial and never restarted',
      lines: [one, two, three].map(boot => line(boot, blessed)).join(''),
      boots: [],
    },
    {
      what: 'those of its own, after those',
      lines: line(one, blessed) + line(two, failed) + line(three, failed),
      boots: [two, three],
    },
    { what: 'one that lost its first lines', lines: line(one, blessed) + line(three, failed), boots: [two, three] },
    { what: 'none of an empty journal', listed: '', lines: '', boots: [] },
  ];
  for (const { what, lines, boots, ...given } of rows)
    it(what, () => assert.deepEqual(bootsOf(failed, given.listed ?? listed, lines), boots));
});
