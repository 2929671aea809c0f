import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
  const onCard = (name: string) => readFile(join(places.boot, name), 'utf8');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-firmware-'));
    places = { source: join(folder, 'source'), boot: join(folder, 'boot') };
    const sums = await brings('1');
    await mkdir(join(places.boot, 'atoll-0'), { recursive: true });
    await writeFile(join(places.boot, 'atoll-0/SHA256SUMS'), sums);
    await cp(join(places.source, 'atoll-@/u-boot.bin'), join(places.boot, 'atoll-0/u-boot.bin'));
    await writeFile(join(places.boot, 'config.txt'), configText(template, 0));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('as flashed there is nothing to do', async () => {
    assert.deepEqual(await firmwareState(places), { set: 0, current: true });
    assert.deepEqual(await updateFirmware(places), { set: 0, made: false });
    assert.deepEqual((await readdir(places.boot)).sort(), ['atoll-0', 'config.txt']);
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
      assert.deepEqual(await firmwareState(places), { set, current: true });
    }
    assert.equal(await onCard('atoll-0/u-boot.bin'), 'atoll-@/u-boot.bin of 1');
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
  });
  it("leaves a config.txt of somebody's own alone, and says where settings belong", async () => {
    await brings('2');
    await writeFile(join(places.boot, 'config.txt'), `${configText(template, 0)}gpu_mem=128\n`);
    await assert.rejects(updateFirmware(places), (error: FirmwareError) => /user\.txt/.test(error.hint));
    assert.deepEqual((await readdir(places.boot)).sort(), ['atoll-0', 'config.txt']);
  });
  it('says so where the image brings none', async () => {
    await rm(places.source, { recursive: true });
    await assert.rejects(updateFirmware(places), /brings no firmware/);
  });
});
