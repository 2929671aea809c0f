import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { configText, setOf } from './configText.ts';
import { FirmwareError, firmwareState, updateFirmware } from './sets.ts';

const template = 'start_file=start-@.elf\nfixup_file=fixup-@.dat\nos_prefix=atoll-@/\n';

describe('firmware in sets', () => {
  let folder: string;
  let places: { source: string; boot: string };

  /** What an image of that version brings; its files differ from those of others. */
  const brings = async (version: string, more: readonly string[] = []): Promise<string> => {
    await rm(places.source, { recursive: true, force: true });
    await mkdir(join(places.source, 'atoll-@'), { recursive: true });
    const lines: string[] = [];
    for (const name of ['atoll-@/u-boot.bin', 'config.txt', 'fixup-@.dat', 'start-@.elf', ...more]) {
      const content = name === 'config.txt' ? template : `${name} of ${version}`;
      await writeFile(join(places.source, name), content);
      lines.push(`${createHash('sha256').update(content).digest('hex')}  ${name}\n`);
    }
    await writeFile(join(places.source, 'SHA256SUMS'), lines.join(''));
    return lines.join('');
  };
  const chosen = async () => setOf(await readFile(join(places.boot, 'config.txt'), 'utf8'));
  /** Not even in part. */
  const nothingOf = async (set: number): Promise<void> => {
    const names = await readdir(places.boot, { recursive: true });
    assert.deepEqual(
      names.filter(name => name.includes(`-${set}.`) || name.startsWith(`atoll-${set}/`)),
      [],
    );
  };
  const onCard = (name: string) => readFile(join(places.boot, name), 'utf8');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-firmware-'));
    places = { source: join(folder, 'source'), boot: join(folder, 'boot') };
    const sums = await brings('1');
    await mkdir(join(places.boot, 'atoll-0'), { recursive: true });
    await writeFile(join(places.boot, 'atoll-0/SHA256SUMS'), sums);
    await cp(join(places.source, 'atoll-@/u-boot.bin'), join(places.boot, 'atoll-0/u-boot.bin'));
    for (const [name, numbered] of [
      ['start_cd.elf', 'start-@.elf'],
      ['fixup_cd.dat', 'fixup-@.dat'],
    ] as const)
      await cp(join(places.source, numbered), join(places.boot, name));
    await writeFile(join(places.boot, 'config.txt'), configText(template, 0));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('as flashed there is nothing to do', async () => {
    assert.deepEqual(await firmwareState(places), { set: 0, current: true, damaged: [] });
    assert.deepEqual(await updateFirmware(places), { set: 0, made: false });
    assert.deepEqual((await readdir(places.boot)).sort(), ['atoll-0', 'config.txt', 'fixup_cd.dat', 'start_cd.elf']);
  });
  it('goes to 1, 2, 1, and never touches what was flashed', async () => {
    for (const [version, set] of [
      ['2', 1],
      ['3', 2],
      ['4', 1],
    ] as const) {
      await brings(version);
      assert.deepEqual(await updateFirmware(places), { set, made: true });
      assert.equal(await chosen(), set);
      assert.equal(await onCard(`start-${set}.elf`), `start-@.elf of ${version}`);
      assert.equal(await onCard(`atoll-${set}/u-boot.bin`), `atoll-@/u-boot.bin of ${version}`);
      assert.deepEqual(await firmwareState(places), { set, current: true, damaged: [] });
    }
    assert.equal(await onCard('atoll-0/u-boot.bin'), 'atoll-@/u-boot.bin of 1');
  });
  it('a set with a damaged file and a missing one is told, and another is made of it', async () => {
    await brings('2');
    await updateFirmware(places);
    const [cut, gone] = [join(places.boot, 'start-1.elf'), join(places.boot, 'atoll-1/u-boot.bin')];
    await truncate(cut, 3);
    await rm(gone);
    assert.deepEqual(await firmwareState(places), { set: 1, current: true, damaged: [gone, cut] });
    assert.deepEqual(await updateFirmware(places), { set: 2, made: true });
    assert.deepEqual(await firmwareState(places), { set: 2, current: true, damaged: [] });
    assert.equal(await onCard('atoll-2/u-boot.bin'), 'atoll-@/u-boot.bin of 2');
  });
  it('a damaged flashed set is left as it is, for one that is whole', async () => {
    await writeFile(join(places.boot, 'atoll-0/u-boot.bin'), 'something else');
    assert.deepEqual(await updateFirmware(places), { set: 1, made: true });
    assert.equal(await onCard('atoll-0/u-boot.bin'), 'something else');
  });
  it("starts with newer start files that somebody has put in the flashed ones' place, set after set", async () => {
    await writeFile(join(places.boot, 'start_cd.elf'), 'newer, from elsewhere');
    for (const [version, set] of [
      ['2', 1],
      ['3', 2],
    ] as const) {
      await brings(version);
      assert.deepEqual(await updateFirmware(places), { set, made: true });
      assert.equal(await chosen(), set);
      assert.doesNotMatch(await onCard('config.txt'), /start_file|fixup_file/);
      assert.deepEqual(await firmwareState(places), { set, current: true, damaged: [] });
    }
    assert.equal(await onCard('start_cd.elf'), 'newer, from elsewhere');
  });
  it('starts with its own again when those are what the image brings', async () => {
    await brings('2');
    await writeFile(join(places.boot, 'start_cd.elf'), 'start-@.elf of 2');
    await updateFirmware(places);
    assert.match(await onCard('config.txt'), /^start_file=start-1\.elf$/m);
  });
  it('flashed start files that are not used any more say nothing', async () => {
    await brings('2');
    await updateFirmware(places);
    await writeFile(join(places.boot, 'start_cd.elf'), 'worn out');
    await brings('3');
    await updateFirmware(places);
    assert.match(await onCard('config.txt'), /^start_file=start-2\.elf$/m);
  });
  it('removes of a set what its successor does not have', async () => {
    await brings('2', ['atoll-@/old.dtb']);
    await updateFirmware(places);
    for (const version of ['3', '4']) {
      await brings(version);
      await updateFirmware(places);
    }
    assert.deepEqual((await readdir(join(places.boot, 'atoll-1'))).sort(), ['SHA256SUMS', 'u-boot.bin']);
  });
  it('begins a set again that was left in pieces', async () => {
    await brings('2');
    await mkdir(join(places.boot, 'atoll-1'));
    await writeFile(join(places.boot, 'start-1.elf'), 'half');
    assert.deepEqual(await updateFirmware(places), { set: 1, made: true });
    assert.equal(await onCard('start-1.elf'), 'start-@.elf of 2');
  });
  it('does not choose a set that is not what its list says', async () => {
    await brings('2');
    await writeFile(join(places.source, 'start-@.elf'), 'something else');
    await assert.rejects(updateFirmware(places), FirmwareError);
    assert.equal(await chosen(), 0);
    await nothingOf(1);
  });
  it('does not begin a set that there is no room for, and says how much is missing', async () => {
    await brings('2');
    await truncate(join(places.source, 'start-@.elf'), 1e13);
    await assert.rejects(updateFirmware(places), (error: FirmwareError) => {
      assert.match(error.message, /bytes free, and this version's firmware needs 10\d{12}$/);
      assert.match(error.hint, /Remove what is not Atoll's/);
      return true;
    });
    assert.equal(await chosen(), 0);
    await nothingOf(1);
  });
  it('what cannot be written is said in words, and leaves no half of a set', async () => {
    await brings('2');
    await writeFile(
      join(places.source, 'SHA256SUMS'),
      `${'0'.repeat(64)}  atoll-@/u-boot.bin\n${'0'.repeat(64)}  no-folder/start-@.elf\n`,
    );
    await mkdir(join(places.source, 'no-folder'));
    await writeFile(join(places.source, 'no-folder/start-@.elf'), 'for a folder that the card does not have');
    await assert.rejects(updateFirmware(places), {
      name: 'FirmwareError',
      message: /^firmware set 1 cannot be written: ENOENT.*no-folder\/start-1\.elf'$/,
    });
    assert.equal(await chosen(), 0);
    await nothingOf(1);
  });
  it("leaves a config.txt of somebody's own alone, and says where settings belong", async () => {
    await brings('2');
    await writeFile(join(places.boot, 'config.txt'), `${configText(template, 0)}gpu_mem=128\n`);
    await assert.rejects(updateFirmware(places), (error: FirmwareError) => /user\.txt/.test(error.hint));
    assert.deepEqual((await readdir(places.boot)).sort(), ['atoll-0', 'config.txt', 'fixup_cd.dat', 'start_cd.elf']);
  });
  it('says so where the image brings none', async () => {
    await rm(places.source, { recursive: true });
    await assert.rejects(updateFirmware(places), /brings no firmware/);
  });
});
