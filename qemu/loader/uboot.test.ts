/** The script of U-Boot boards, run by U-Boot itself on x86_64: it counts, falls back, survives torn copies, and never stops. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { uBootScript } from '../../builder/src/formats/u-boot-script.ts';
import { repositoryRoot, toolsTree } from '../../builder/src/paths.ts';
import { testUki } from '../../runtime/src/machine/upgrade/loader/testing/efiProgram.ts';
import { ENV_BYTES, environmentBytes, parseEnvironment } from '../../runtime/src/machine/upgrade/loader/ubootEnv.ts';
import { Console } from '../src/console.ts';
import { findEmulator } from '../src/emulator.ts';
import { FatVolume } from '../src/fat.ts';
import { makeFatDisk } from '../src/fatDisk.ts';
import { EmulatorProcess } from '../src/process.ts';
import { versions } from './versions.ts';

const timeoutMs = 600_000;
const environment = (pairs: Record<string, string>): Buffer => environmentBytes(new Map(Object.entries(pairs)));
const torn = Buffer.alloc(ENV_BYTES, 0x5a);

interface Case {
  readonly what: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** The kernels that are started, boot after boot. */
  readonly boots: readonly ('one' | 'two')[];
  /** What is in both copies afterwards; absent: as it was. */
  readonly after?: Readonly<Record<string, string>>;
}

const [kernelA, kernelB] = [testUki(versions.one), testUki(versions.two)];
const both = { 'EFI/atoll/a.efi': kernelA, 'EFI/atoll/b.efi': kernelB };
const copies = (first: Buffer, second = first): Record<string, Buffer> => ({
  'EFI/atoll/boot-1.env': first,
  'EFI/atoll/boot-2.env': second,
});

const cases: readonly Case[] = [
  {
    what: 'a trial has its tries, then the version before boots',
    files: { ...both, ...copies(environment({ BOOT_ORDER: 'B A', BOOT_B_LEFT: '3' })) },
    boots: ['two', 'two', 'two', 'one', 'one'],
    after: { BOOT_ORDER: 'B A', BOOT_B_LEFT: '0' },
  },
  {
    what: 'a torn first copy: the second counts, and both are whole again',
    files: { ...both, ...copies(torn, environment({ BOOT_ORDER: 'B A', BOOT_B_LEFT: '2' })) },
    boots: ['two'],
    after: { BOOT_ORDER: 'B A', BOOT_B_LEFT: '1' },
  },
  { what: 'no environment: slot A', files: both, boots: ['one', 'one'] },
  {
    what: 'a kernel that is not there: the other one',
    files: { 'EFI/atoll/a.efi': kernelA, ...copies(environment({ BOOT_ORDER: 'B A' })) },
    boots: ['one'],
  },
  {
    what: 'everything used up: it starts over with what there is',
    files: { ...both, ...copies(environment({ BOOT_ORDER: 'B A', BOOT_A_LEFT: '0', BOOT_B_LEFT: '0' })) },
    boots: ['two', 'two'],
  },
];

for (const { what, files, boots, after } of cases) {
  it(`U-Boot: ${what}`, { timeout: 1_800_000 }, async t => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-uboot-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const script = uBootScript(await readFile(join(repositoryRoot, 'rootfs/u-boot/boot.cmd'), 'utf8'));
    const disk = join(directory, 'esp.img');
    await makeFatDisk(disk, 40 << 20, { ...files, 'boot.scr': script });
    await booted(directory, disk, boots);
    const volume = new FatVolume(disk);
    for (const name of ['boot-1.env', 'boot-2.env']) {
      const file = volume.files.find(({ path }) => path === `/EFI/atoll/${name}`);
      if (after)
        assert.deepEqual(Object.fromEntries(parseEnvironment(file ? volume.read(file) : torn) ?? []), after, name);
      else if (file) assert.ok(volume.read(file).equals(files[`EFI/atoll/${name}`] ?? torn), `${name} was written`);
    }
  });
}

/** Restarts until the kernels were seen in this order, or fails. */
async function booted(directory: string, disk: string, kernels: readonly string[]): Promise<void> {
  const emulator = await findEmulator();
  const rom = join(directory, 'u-boot.rom');
  await copyFile(join(await realpath(toolsTree()), 'usr/lib/u-boot/qemu-x86_64/u-boot.rom'), rom);
  const guest = EmulatorProcess.spawn(emulator, {
    arguments: [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-m', '256'],
      ...[
        '-machine',
        'pc',
        '-accel',
        'tcg',
        '-bios',
        rom,
        '-chardev',
        'socket,id=serial,fd=3',
        '-serial',
        'chardev:serial',
      ],
      ...[
        '-blockdev',
        `driver=raw,node-name=disk,file.driver=file,file.filename=${disk}`,
        '-device',
        'virtio-blk-pci,drive=disk',
      ],
    ],
    channels: ['serial'],
    log: join(directory, 'qemu.log'),
  });
  const console = new Console();
  try {
    console.attach(guest.channel('serial'));
    guest.ended.then(how => console.end(how));
    for (const [index, kernel] of kernels.entries()) {
      // This build of U-Boot looks for no scripts by itself; boards' do.
      await console.waitFor(/Hit any key/, { timeoutMs });
      console.send(' ');
      await console.waitFor(/=> /, { timeoutMs });
      console.send(
        'setenv devtype virtio; setenv devnum 0; setenv distro_bootpart 0; virtio scan; load virtio 0 0x7000000 boot.scr && source 0x7000000\r',
      );
      const [, started] = await console.waitFor(/KERNEL (\w+)[^\w]/, { timeoutMs });
      assert.equal(started, kernel, `boot ${index + 1}`);
    }
    // What was counted last is on the disk: it is written before the kernel starts.
  } finally {
    await guest.kill();
  }
}
