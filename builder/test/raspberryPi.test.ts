/** The Raspberry Pi's images as they are flashed: what the ROM, the firmware, U-Boot and a person find on the card. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setOf } from '../../runtime/src/machine/firmware/configText.ts';
import { parseEnvironment } from '../../runtime/src/machine/upgrade/loader/ubootEnv.ts';
import { repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';
import { tool } from '../src/tools.ts';
import { cli, makeWorkshop, succeeded } from './workshop.ts';

const SECTOR = 512;

interface Card {
  /** Models: what their firmware looks for in a set, beside U-Boot. */
  readonly trees: readonly string[];
  /** What the ROM and the GPU start from; in the Pi 5 that is in its EEPROM. */
  readonly loaders: readonly string[];
  /** Whether the firmware reads a person's settings from a file of their own. */
  readonly userText: boolean;
}

const loaders = ['bootcode.bin', 'start_cd.elf', 'fixup_cd.dat'];
const images: Readonly<Record<string, Card>> = {
  'rpi-arm64': {
    trees: ['bcm2837-rpi-3-b.dtb', 'bcm2837-rpi-3-b-plus.dtb', 'bcm2837-rpi-zero-2-w.dtb', 'bcm2711-rpi-4-b.dtb'],
    loaders: [...loaders, 'start4cd.elf', 'fixup4cd.dat'],
    userText: true,
  },
  'rpi-armv7': { trees: ['bcm2836-rpi-2-b.dtb', 'bcm2837-rpi-3-b.dtb'], loaders, userText: true },
  'rpi5-arm64': { trees: ['bcm2712-rpi-5-b.dtb', 'bcm2712-d-rpi-5-b.dtb'], loaders: [], userText: false },
};

for (const [image, { trees, loaders, userText }] of Object.entries(images)) {
  describe(`a card of ${image}`, { timeout: 900_000 }, () => {
    let workshop = '';
    let fat = '';
    let raw = '';
    const read = (name: string): Promise<Buffer> => readFile(join(fat, name));

    before(async () => {
      workshop = await makeWorkshop();
      succeeded(await cli(['build', image, '--no-compress', '--out', workshop]));
      raw = join(workshop, image, `${image}.raw`);
      fat = join(workshop, 'fat');
      await mkdir(fat);
      const part = `${raw}@@${2048 * SECTOR}`;
      const { stdout } = await tool(['mdir', '-b', '-i', part, '::/'], { readOnly: [raw] });
      const tops = stdout.split('\n').filter(name => name !== '');
      await tool(['mcopy', '-s', '-i', part, ...tops, fat], { readOnly: [raw], binds: [fat] });
    });
    after(() => rm(workshop, { recursive: true, force: true }));

    it('has an MBR whose first entry is the FAT partition, and a GPT', async () => {
      const file = await open(raw, 'r');
      const start = Buffer.alloc(3 * SECTOR);
      await file.read(start, 0, start.length, 0).finally(() => file.close());
      assert.deepEqual([start[446 + 4], start.readUInt32LE(446 + 8)], [0x0c, 2048]);
      assert.deepEqual([start[462 + 4], start.readUInt32LE(462 + 8)], [0xee, 1]);
      assert.equal(start.toString('latin1', SECTOR, SECTOR + 8), 'EFI PART');
      // Microsoft basic data, in the mixed order of a GPT.
      assert.equal(start.subarray(2 * SECTOR, 2 * SECTOR + 16).toString('hex'), 'a2a0d0ebe5b9334487c068b6b72699c7');
    });
    it('holds a whole set of firmware, which config.txt chooses', async () => {
      assert.equal(setOf((await read('config.txt')).toString('utf8')), 0);
      const sums = (await read('atoll-0/SHA256SUMS')).toString('utf8').trimEnd().split('\n');
      const folder = await readdir(join(fat, 'atoll-0'));
      for (const line of sums) {
        const [sum, name = ''] = line.split('  ');
        if (!name.startsWith('atoll-@/')) continue;
        const content = await read(name.replace('@', '0'));
        assert.equal(createHash('sha256').update(content).digest('hex'), sum, name);
        folder.splice(folder.indexOf(name.slice('atoll-@/'.length)), 1);
      }
      assert.deepEqual(folder, ['SHA256SUMS'], 'nothing else is in it');
      for (const tree of trees)
        assert.ok(
          sums.some(line => line.endsWith(`/${tree}`)),
          tree,
        );
      for (const name of loaders) assert.ok((await read(name)).length > 1000, name);
    });
    it('holds what U-Boot reads: an environment of its size, a script, slot A', async () => {
      const environment = parseEnvironment(await read('uboot.env'), 0x4000);
      assert.equal(environment?.get('bootcmd'), 'bootflow scan');
      assert.equal(environment?.has('preboot'), false);
      assert.equal((await read('boot.scr')).readUInt32BE(0), 0x27051956);
      assert.equal((await read('EFI/atoll/a.efi')).toString('latin1', 0, 2), 'MZ');
      for (const copy of [1, 2])
        assert.deepEqual(
          [...(parseEnvironment(await read(`EFI/atoll/boot-${copy}.env`)) ?? [])],
          [['BOOT_ORDER', 'A']],
        );
    });
    it("has a person's files, which say nothing until they are edited", async () => {
      const seed = join(workshop, 'seed');
      await mkdir(seed);
      for (const name of ['user-data', 'meta-data', 'network-config'])
        await run(['cp', join(fat, name), seed], { signal: AbortSignal.timeout(10_000) });
      const atoll = join(repositoryRoot, 'runtime/src/cli/bin.ts');
      const words = [process.execPath, '--import', 'tsx', atoll, 'config', 'show', '--output', 'json', seed] as const;
      const { stdout } = await run([...words], { signal: AbortSignal.timeout(120_000), cwd: repositoryRoot });
      const { sources: _, ...said } = JSON.parse(stdout) as { sources: unknown };
      assert.deepEqual(said, { 'user-data': {}, 'meta-data': {}, 'network-config': {} });
      const settings = await read('user.txt').then(
        content => content.toString('utf8'),
        () => '',
      );
      assert.match(settings, userText ? /^# Settings of yours/ : /^$/);
    });
  });
}
