/** What a trial that has failed does, with the real loader on a folder; of systemd only what it is told. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { silentLogger } from '../../lib/log.ts';
import { entryText, SystemdBoot } from '../upgrade/loader/systemdBoot.ts';
import { testUki } from '../upgrade/loader/testing/efiProgram.ts';
import { giveUp } from './run.ts';

const roothash = '2'.repeat(64);

interface Case {
  readonly what: string;
  /** Whether there is a version before. */
  readonly before: boolean;
  /** What is in the way of the entry that refuses it. */
  readonly inTheWay?: string;
  readonly first: string;
  readonly told: readonly string[];
}
const cases: readonly Case[] = [
  { what: 'goes back', before: true, first: 'a', told: ['systemctl reboot'] },
  {
    what: 'cannot be refused: it restarts all the same, and the loader counts',
    before: true,
    inTheWay: '.new-atoll-b+0.conf/x',
    first: 'b',
    told: ['systemctl reboot'],
  },
  {
    what: 'is all there is: it goes on',
    before: false,
    first: 'b',
    told: ['systemctl stop atoll-trial-deadline.timer'],
  },
];
for (const { what, before, inTheWay, first, told } of cases) {
  it(`a trial that has failed ${what}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-give-up-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const entries = join(folder, 'loader/entries');
    await mkdir(entries, { recursive: true });
    await mkdir(join(folder, 'EFI/atoll'), { recursive: true });
    const put = async (slot: 'a' | 'b', counters: string, generation: number, root: string): Promise<void> => {
      await writeFile(join(folder, `EFI/atoll/${slot}.efi`), testUki({ version: '0.1.0', roothash: root }));
      await writeFile(join(entries, `atoll-${slot}${counters}.conf`), entryText(slot, '0.1.0', generation));
    };
    if (before) await put('a', '', 1, '1'.repeat(64));
    await put('b', '+2-1', 2, roothash);
    if (inTheWay !== undefined) await mkdir(join(entries, inTheWay), { recursive: true });
    const loader = new SystemdBoot(folder);
    const said: string[] = [];
    await giveUp({ loader, logger: silentLogger }, roothash, async (program, words) => {
      said.push([program, ...words].join(' '));
    });
    assert.deepEqual(said, told);
    assert.equal((await loader.entries())[0]?.slot, first);
  });
}
