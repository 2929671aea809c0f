import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { flashedName } from '../../../runtime/src/machine/firmware/configText.ts';
import { repositoryRoot } from '../paths.ts';
import { type BoardFirmware, firmwarePackages } from './board.ts';
import { raspberryPi32, raspberryPi64 } from './raspberry-pi.ts';

const config = (firmware: BoardFirmware): Promise<string> =>
  readFile(join(repositoryRoot, 'rootfs/firmware', firmware.folders.at(-1) ?? '', 'config.txt'), 'utf8');
const values = (text: string, key: string): string[] =>
  [...text.matchAll(new RegExp(`^${key}=(.+)$`, 'gm'))].map(([, value = '']) => value);

for (const [name, firmware] of Object.entries({ raspberryPi64, raspberryPi32 })) {
  test(`${name}: config.txt and the files of a set name each other`, async () => {
    const text = await config(firmware);
    const named = [...values(text, 'start_file'), ...values(text, 'fixup_file')];
    assert.deepEqual([...new Set(named)].sort(), Object.keys(firmware.numbered).sort());
    assert.deepEqual(values(text, 'kernel').sort(), Object.keys(firmware.inFolder).sort());
    const trees = firmware.deviceTrees.map(path => path.slice(path.lastIndexOf('/') + 1));
    for (const tree of values(text, 'device_tree')) assert.ok(trees.includes(tree), tree);
    // Filters the loaders do not know would end in the last of these: the boards without a loader of their own.
    assert.equal(values(text, 'start_file').at(-1), 'start-@.elf');
  });
  test(`${name}: names that the first loader reads are short ones`, () => {
    for (const file of [...Object.keys(firmware.flashed), ...Object.keys(firmware.numbered)])
      assert.match(file, /^[a-z0-9_@-]{1,8}\.[a-z]{3}$/);
  });
  test(`${name}: the device knows what a numbered file is called as flashed, and it is the same file`, () => {
    for (const [numbered, file] of Object.entries(firmware.numbered)) {
      const flashed = flashedName(numbered) ?? '';
      assert.deepEqual(firmware.flashed[flashed], file, numbered);
    }
  });
  test(`${name}: every start file has its fixup file`, () => {
    for (const files of [Object.keys(firmware.flashed), Object.keys(firmware.numbered)])
      for (const start of files.filter(file => file.startsWith('start')))
        assert.ok(files.includes(start.replace('start', 'fixup').replace('.elf', '.dat')), start);
  });
}

test('the packages are named once each, sorted', () =>
  assert.deepEqual(firmwarePackages(raspberryPi64), ['firmware-brcm80211', 'raspi-firmware', 'u-boot-rpi']));
