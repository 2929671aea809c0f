import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BuildError } from '../../builder/src/errors.ts';
import { machineFor, machineForFile } from './artefact.ts';

for (const [architecture, board, boot, firmware] of [
  ['x86_64', 'pc-x86_64', 'systemd-boot', 'uefi'],
  ['arm64', 'vm-arm64', 'systemd-boot', 'uefi'],
  ['arm64', 'vm-arm64', 'u-boot', 'u-boot'],
  ['armv7', 'vm-armv7', 'u-boot', 'u-boot'],
] as const)
  it(`an image for ${board} with ${boot} is started by ${firmware}`, () =>
    assert.deepEqual(machineFor({ image: 'a', architecture, board, boot }), { architecture, firmware }));

const refused = (image: string) => (error: unknown) => {
  assert.ok(error instanceof BuildError);
  assert.equal(error.code, 'USAGE');
  assert.match(error.message, new RegExp(`^${image} cannot be run in QEMU: it is for Raspberry Pi `));
  assert.match(error.hint ?? '', /Flash it to a card .* vm-arm64 is the same node for QEMU/);
  return true;
};

it('an image for a Raspberry Pi is refused, with what to do', () =>
  assert.throws(
    () => machineFor({ image: 'rpi-arm64', architecture: 'arm64', board: 'rpi-arm64', boot: 'u-boot' }),
    refused('rpi-arm64'),
  ));

describe('a file', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-artefact-'));
    await writeFile(
      join(folder, 'manifest.json'),
      JSON.stringify({
        image: 'mine',
        architecture: 'armv7',
        board: 'vm-armv7',
        boot: 'u-boot',
        sizes: { 'mine.raw': 1 },
      }),
    );
  });
  after(() => rm(folder, { recursive: true }));

  for (const [name, architecture, firmware] of [
    ['mine.raw', 'armv7', 'u-boot'],
    ['vm-arm64.qcow2', 'arm64', 'uefi'],
    ['vm-armv7-0.2.0.raw.zst', 'armv7', 'uefi'],
    ['vm-x86_64.raw', 'x86_64', 'uefi'],
    ['node.img', 'x86_64', 'uefi'],
  ] as const)
    it(`${name} is for ${architecture} with ${firmware}`, async () =>
      assert.deepEqual(await machineForFile(join(folder, name)), { architecture, firmware }));

  for (const name of ['rpi-arm64.raw.zst', 'rpi5-arm64-0.2.0.raw'])
    it(`${name} is refused`, () => assert.rejects(machineForFile(join(folder, name)), refused(name)));
});
