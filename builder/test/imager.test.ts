/** The list for Raspberry Pi Imager: every field that its schema asks for, and sums that are those of the files. */
import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hashFile } from '../src/files.ts';
import { makeImage, type TestImage } from './flashing.ts';
import { cli, makeWorkshop, succeeded } from './workshop.ts';

let workshop = '';
let image: TestImage;
const manifest = async (board: string): Promise<void> =>
  writeFile(
    join(image.out, image.name, 'manifest.json'),
    JSON.stringify({
      image: image.name,
      version: '0.2.0',
      board,
      time: '2026-11-20T08:00:00.000Z',
      sha256: { 'rpi-arm64.raw.zst': await hashFile(image.compressed) },
    }),
  );

before(async () => {
  workshop = await makeWorkshop();
  image = await makeImage(join(workshop, 'out'), 'rpi-arm64');
  await manifest('rpi-arm64');
});
after(() => rm(workshop, { recursive: true, force: true }));

test('an entry has what the schema requires, and the sums of the files', async () => {
  const { stdout } = succeeded(
    await cli(['imager-json', 'rpi-arm64', '--out', image.out, '--url', 'https://example.org/atoll/']),
  );
  const { imager, os_list: list } = JSON.parse(stdout) as {
    imager: { devices: { name: string; tags: string[]; default: boolean }[] };
    os_list: Record<string, unknown>[];
  };
  assert.deepEqual(
    imager.devices.map(({ name }) => name),
    ['Raspberry Pi 4', 'Raspberry Pi 3', 'Raspberry Pi Zero 2 W'],
  );
  const { description, icon, ...rest } = list[0] ?? {};
  assert.equal(typeof description, 'string');
  assert.equal(typeof icon, 'string');
  assert.deepEqual(rest, {
    name: 'Atoll 0.2.0 (rpi-arm64)',
    url: 'https://example.org/atoll/rpi-arm64.raw.zst',
    release_date: '2026-11-20',
    extract_size: (await stat(image.raw)).size,
    extract_sha256: await hashFile(image.raw),
    image_download_size: (await readFile(image.compressed)).length,
    image_download_sha256: await hashFile(image.compressed),
    devices: ['pi3-64bit', 'pi4-64bit'],
    init_format: 'cloudinit',
    architecture: 'armv8',
  });
});

test('without a place to publish, the list is for this machine', async () => {
  const { stdout } = succeeded(await cli(['imager-json', 'rpi-arm64', '--out', image.out]));
  assert.match(stdout, new RegExp(`"url": "file://${image.compressed}"`));
});

test('what is no Raspberry Pi, or not built, is said', async () => {
  const missing = await cli(['imager-json', 'rpi-armv7', '--out', image.out]);
  assert.equal(missing.status, 2);
  assert.match(
    missing.stderr,
    /rpi-armv7 is not built yet: there is no \S+ \[USAGE\]\n {2}→ Run `make image IMAGE=rpi-armv7` first\./,
  );
  await manifest('vm-x86_64');
  const other = await cli(['imager-json', 'rpi-arm64', '--out', image.out]);
  assert.match(other.stderr, /rpi-arm64 is for vm-x86_64, which is no Raspberry Pi \[USAGE\]/);
});
