/** `atoll firmware`: what a board that has its firmware on the card starts with, and bringing it up to date. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../lib/files.ts';
import { FLASHED_SET } from '../machine/firmware/configText.ts';
import { type FirmwarePlaces, firmwareState, updateFirmware } from '../machine/firmware/sets.ts';
import { type CommandContext, UsageError } from './command.ts';

const places: FirmwarePlaces = { source: '/usr/lib/atoll/firmware', boot: '/efi' };

const called = (set: number): string => (set === FLASHED_SET ? 'the firmware that was flashed' : `firmware set ${set}`);

export async function firmware({ values, rest, stdout }: CommandContext): Promise<number> {
  const [verb, ...more] = rest;
  if (more.length > 0 || (verb !== undefined && verb !== 'update'))
    throw new UsageError(`atoll firmware does not know ${rest.join(' ')}: it takes update, or nothing`);
  if (verb === undefined) {
    const { set, current, damaged } = await firmwareState(places);
    const what = set === undefined ? "a config.txt of somebody's own" : called(set);
    if (damaged.length > 0) {
      stdout(`This machine starts with ${what}, which is damaged: ${damaged.join(', ')}.\n`);
      stdout('It may not start again. Another set, whole: atoll firmware update\n');
      return 1;
    }
    stdout(`This machine starts with ${what}${current ? ', which is what this version brings' : ''}.\n`);
    if (!current && set !== undefined) stdout('This version brings another: atoll firmware update\n');
    return 0;
  }
  const { set, made } = await updateFirmware(places);
  // What /usr/lib/atoll/firmware-due compares with.
  await writeFileAtomic(join(values.one('data-dir'), 'firmware'), await readFile(join(places.source, 'SHA256SUMS')));
  stdout(made ? `${called(set)} is written, and used from the next boot on.\n` : `${called(set)} is up to date.\n`);
  return 0;
}
