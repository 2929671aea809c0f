/** The script of U-Boot boards, run by U-Boot itself on x86_64: it counts, falls back, survives copies that are torn or cannot be written, and never stops. */
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
const SECTOR_BYTES = 512;
const EIO = 5;
const environment = (pairs: Record<string, string>): Buffer => environmentBytes(new Map(Object.entries(pairs)));
const torn = Buffer.alloc(ENV_BYTES, 0x5a);

type Pairs = Readonly<Record<string, string>>;

interface Case {
  readonly what: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** The kernels that are started, boot after boot. */
  readonly boots: readonly ('one' | 'two')[];
  /** The copy whose sectors the disk does not write: it says so each time. */
  readonly unwritable?: 1 | 2;
  /** What is in the copies afterwards, one for both or each; absent: as it was. */
  readonly after?: Pairs | readonly [first: Pairs | 'torn', second: Pairs | 'torn'];
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
  {
    what: 'a first copy that cannot be written is what the next boot reads: no trial that nobody counts',
    files: { ...both, ...copies(environment({ BOOT_ORDER: 'B A', BOOT_B_LEFT: '3' })) },
    unwritable: 1,
    boots: ['one', 'one'],
    after: [
      { BOOT_ORDER: 'B A', BOOT_B_LEFT: '3' },
      { BOOT_ORDER: 'B A', BOOT_B_LEFT: '2' },
    ],
  },
  {
    what: 'a first copy that is torn and cannot be written: the second counts',
    files: { ...both, ...copies(torn, environment({ BOOT_ORDER: 'B A', BOOT_B_LEFT: '2' })) },
    unwritable: 1,
    boots: ['two', 'two', 'one'],
    after: ['torn', { BOOT_ORDER: 'B A', BOOT_B_LEFT: '0' }],
  },
  {
    what: 'a second copy that cannot be written: the first counts',
    files: { ...both, ...copies(environment({ BOOT_ORDER: 'B A', BOOT_B_LEFT: '2' })) },
    unwritable: 2,
    boots: ['two', 'two', 'one'],
    after: [
      { BOOT_ORDER: 'B A', BOOT_B_LEFT: '0' },
      { BOOT_ORDER: 'B A', BOOT_B_LEFT: '2' },
    ],
  },
  {
    what: 'no environment: nobody knows which slot is the good one, and both are counted',
    files: both,
    boots: ['one', 'one', 'one', 'two'],
    after: { BOOT_ORDER: 'A B', BOOT_A_LEFT: '0', BOOT_B_LEFT: '2' },
  },
  {
    what: 'both copies are torn: the same',
    files: { ...both, ...copies(torn) },
    boots: ['one', 'one', 'one', 'two', 'two', 'two', 'one'],
    after: { BOOT_ORDER: 'A B', BOOT_A_LEFT: '0', BOOT_B_LEFT: '0' },
  },
  {
    what: 'no environment, and one slot as flashed: that one, as often as it takes',
    files: { 'EFI/atoll/a.efi': kernelA },
    boots: ['one', 'one', 'one', 'one', 'one', 'one', 'one'],
    after: { BOOT_ORDER: 'A B', BOOT_A_LEFT: '0', BOOT_B_LEFT: '0' },
  },
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

for (const { what, files, unwritable, boots, after } of cases) {
  it(`U-Boot: ${what}`, { timeout: 1_800_000 }, async t => {
    const directory = await mkdtemp(join(tmpdir(), 'atoll-uboot-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const script = uBootScript(await readFile(join(repositoryRoot, 'rootfs/u-boot/boot.cmd'), 'utf8'));
    const disk = join(directory, 'esp.img');
    await makeFatDisk(disk, 40 << 20, { ...files, 'boot.scr': script });
    const names = ['/EFI/atoll/boot-1.env', '/EFI/atoll/boot-2.env'];
    const bad = unwritable === undefined ? undefined : new FatVolume(disk).placeOf(names[unwritable - 1] ?? '');
    await booted(directory, disk, bad, boots);
    const volume = new FatVolume(disk);
    for (const [index, name] of names.entries()) {
      const file = volume.files.find(({ path }) => path === name);
      const pairs = isEach(after) ? after[index] : after;
      if (pairs !== undefined)
        assert.deepEqual(
          Object.fromEntries(parseEnvironment(file ? volume.read(file) : torn) ?? []),
          pairs === 'torn' ? {} : pairs,
          name,
        );
      else if (file) assert.ok(volume.read(file).equals(files[name.slice(1)] ?? torn), `${name} was written`);
    }
  });
}

const isEach = (after: Case['after']): after is readonly [Pairs | 'torn', Pairs | 'torn'] => Array.isArray(after);

/** A disk that gives an error where those bytes are written. */
const failing = (disk: string, place: number): string =>
  [
    `driver=blkdebug,node-name=disk,image.driver=file,image.filename=${disk}`,
    ...Array.from({ length: ENV_BYTES / SECTOR_BYTES }, (_, n) =>
      Object.entries({ event: 'none', iotype: 'write', sector: place / SECTOR_BYTES + n, once: 'off', errno: EIO })
        .map(([name, value]) => `inject-error.${n}.${name}=${value}`)
        .join(','),
    ),
  ].join(',');

/**
 * Restarts until the kernels were seen in this order, or fails.
 * @param bad where the copy that cannot be written begins
 */
async function booted(
  directory: string,
  disk: string,
  bad: number | undefined,
  kernels: readonly string[],
): Promise<void> {
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
        bad === undefined ? `driver=raw,node-name=disk,file.driver=file,file.filename=${disk}` : failing(disk, bad),
        '-device',
        'virtio-blk-pci,drive=disk,werror=report',
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
