/**
 * A disk whose first partition table is damaged, started by a firmware that does not mend it, as U-Boot: the kernel, its initrd and the sealed command line are
 * handed over, and the root is found by the second table. The disk has an MBR beside its GPT, as cards of the Raspberry Pi do.
 */
import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { addHybridMbr } from '../../builder/src/formats/hybrid-mbr.ts';
import type { BuildManifest } from '../../builder/src/manifest.ts';
import { tool } from '../../builder/src/tools.ts';
import { accelerator } from '../src/accelerator.ts';
import { Console } from '../src/console.ts';
import { findEmulator } from '../src/emulator.ts';
import { EmulatorProcess } from '../src/process.ts';
import { minutes, patient } from './examples.ts';
import { artefacts } from './image.ts';

const sectorBytes = 512;

it('the root is found by the second partition table where the first one is damaged', {
  timeout: 10 * minutes,
}, async t => {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-table-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const disk = join(directory, 'disk.raw');
  await tool(['qemu-img', 'convert', '-q', '-f', 'raw', '-O', 'raw', artefacts.raw, disk], {
    readOnly: [artefacts.raw],
    binds: [directory],
  });
  await addHybridMbr(disk);
  const file = await open(disk, 'r+');
  await file.write(Buffer.alloc(sectorBytes), 0, sectorBytes, sectorBytes).finally(() => file.close());

  const { commandLine } = JSON.parse(await readFile(artefacts.manifest, 'utf8')) as BuildManifest;
  const emulator = await findEmulator();
  const { name, cpu } = await accelerator(emulator);
  const machine = EmulatorProcess.spawn(emulator, {
    arguments: [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-no-reboot', '-m', '512'],
      ...['-machine', 'q35', '-accel', name, '-cpu', cpu],
      ...['-kernel', artefacts.kernel, '-initrd', artefacts.initrd, '-append', `${commandLine} loglevel=6`],
      ...['-chardev', 'socket,id=serial,fd=3', '-serial', 'chardev:serial'],
      ...['-drive', `file=${disk},format=raw,if=virtio`],
    ],
    channels: ['serial'],
    log: join(directory, 'qemu.log'),
  });
  t.after(() => machine.kill());
  const console = new Console();
  console.attach(machine.channel('serial'));
  machine.ended.then(how => console.end(how));
  const [said] = await console.waitFor(/atoll-initrd: (slot .*|cannot start.*)\n/, patient);
  assert.match(said, /slot a of vda/);
  assert.match(console.text, /Primary GPT is invalid, using alternate GPT/);
});
