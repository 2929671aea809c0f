/**
 * Firmware on the boot partition and power cuts: four versions one after the other, and at every write of it the set that `config.txt` chooses is whole, is the
 * old one or the new one, and what was flashed is as it was.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { configText, nameIn, setOf } from '../../runtime/src/machine/firmware/configText.ts';
import { FatVolume } from '../src/fat.ts';
import { inTree } from '../src/fatDisk.ts';
import { broughtBy, type FirmwareVersion, firmwareVersions, template } from './firmwareVersions.ts';
import { inWords, judgeEveryCut } from './walk.ts';

/** Names on the partition → content. */
const setFiles = (version: FirmwareVersion, set: number): Record<string, string> =>
  Object.fromEntries(
    Object.entries(broughtBy(version))
      .filter(([name]) => name !== 'config.txt')
      .map(([name, content]) => [name === 'SHA256SUMS' ? `atoll-${set}/${name}` : nameIn(set, name), content]),
  );

/** Set 0 has its start files under the names that the loaders know. */
const flashed: Record<string, string> = {
  'config.txt': configText(template, 0),
  'start.elf': 'as flashed',
  'atoll-1/README': 'for later',
  'atoll-2/README': 'for later',
  ...Object.fromEntries(Object.entries(setFiles('one', 0)).filter(([name]) => name.startsWith('atoll-0/'))),
};
const setOfVersion: Readonly<Record<FirmwareVersion, number>> = { one: 0, two: 1, three: 2, four: 1 };

/** @throws where what would be started is not whole */
function started(disk: string): FirmwareVersion {
  const volume = new FatVolume(disk);
  const read = (name: string): string => {
    const file = volume.files.find(({ path }) => path === `/${name}`);
    assert.ok(file, `${name} is not there`);
    return volume.read(file).toString('utf8');
  };
  for (const [name, content] of Object.entries(flashed))
    if (name !== 'config.txt') assert.ok(read(name) === content, `${name}, as flashed, is not whole`);
  const set = setOf(read('config.txt'));
  assert.notEqual(set, undefined, 'config.txt chooses nothing');
  const version = firmwareVersions.find(
    known => setOfVersion[known] === set && read(`atoll-${set}/SHA256SUMS`) === broughtBy(known).SHA256SUMS,
  );
  assert.ok(version, `set ${set} is of no version`);
  if (set !== 0)
    for (const [name, content] of Object.entries(setFiles(version, set ?? 0)))
      assert.ok(read(name) === content, `${name} is not whole`);
  return version;
}

it('whenever the power goes, the firmware that is chosen is whole, the old one or the new one', {
  timeout: 1_800_000,
}, async t => {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-firmware-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const seen = new Set<string>();
  const said = await judgeEveryCut({
    directory,
    files: flashed,
    program: new URL('./firmwareGuest.ts', import.meta.url),
    task: {},
    judge: async ({ file, mark = 'at one', number, what }) => {
      const [when = '', name = ''] = mark.split(' ');
      const version = firmwareVersions.find(known => known === name) ?? 'one';
      const before = firmwareVersions[firmwareVersions.indexOf(version) - 1] ?? 'one';
      const found = inWords(what, () => started(file));
      assert.ok((when === 'to' ? [before, version] : [version]).includes(found), `${what}: starts ${found}`);
      seen.add(`${mark} starts ${found}`);
      // What a boot does before it mounts it: what is chosen stays whole.
      if (number % 7 !== 0) return;
      const mended = join(directory, 'mended.img');
      await copyFile(file, mended);
      // It says with 1 that it has mended something.
      await inTree('/usr/sbin/fsck.vfat', ['-a', mended]).catch(() => undefined);
      assert.equal(
        inWords(`${what}, after fsck`, () => started(mended)),
        found,
      );
    },
  });
  t.diagnostic(said);
  // Both sides of every choice were met, and the end is the newest.
  const expected = firmwareVersions.flatMap((version, at) => {
    const before = firmwareVersions[at - 1];
    return before ? [`to ${version} starts ${before}`, `to ${version} starts ${version}`] : [];
  });
  assert.deepEqual([...seen].filter(one => one.startsWith('to')).sort(), expected.sort());
  assert.ok(seen.has('at four starts four'));
});
