/**
 * Runs inside of a guest, on the image's own Node.js and kernel, with nothing else: the loaders on a real FAT. `/run/guest.json` says what
 * to do; what is done is said on the console, a line each, and at a mark it waits for a line before it goes on.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { removeWholly } from '../../runtime/src/machine/upgrade/loader/durable.ts';
import { SystemdBoot } from '../../runtime/src/machine/upgrade/loader/systemdBoot.ts';
import { testUki } from '../../runtime/src/machine/upgrade/loader/testing/efiProgram.ts';
import { UBoot } from '../../runtime/src/machine/upgrade/loader/uboot.ts';
import type { Loader } from '../../runtime/src/machine/upgrade/types.ts';
import { type GuestTask, versions } from './versions.ts';

const task = JSON.parse(readFileSync('/run/guest.json', 'utf8')) as GuestTask;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function mark(name: string): Promise<void> {
  process.stdout.write(`@mark ${name}\n`);
  await lines.next();
}

const loaderOn = (esp: string): Loader => (task.loader === 'u-boot' ? new UBoot(esp) : new SystemdBoot(esp));
const mount = (device: string): void => {
  execFileSync('mount', ['-t', 'vfat', '-o', 'umask=0077,errors=continue', device, '/efi']);
};

/** Somebody's file: not a cluster is free any more. */
const FILL = '/efi/fill';
function fill(): void {
  const { bfree, bsize } = statfsSync('/efi');
  writeFileSync(FILL, Buffer.alloc(bfree * bsize, 7), { flush: true });
  if (statfsSync('/efi').bfree > 0) throw new Error('the boot partition is not full');
}

/** From one to two, which is blessed; then an older one, which is refused. */
async function walk(loader: Loader, full: boolean): Promise<void> {
  const stage = async (name: 'two' | 'three'): Promise<void> => {
    await removeWholly(FILL);
    const path = await loader.staging();
    writeFileSync(path, testUki(versions[name]), { flush: true });
    await mark(`arm ${name}`);
    await loader.arm(versions[name], 3);
    await mark(`armed ${name}`);
    if (full) fill();
  };
  await mark('begin');
  await stage('two');
  await mark('bless two');
  await loader.bless(versions.two.roothash);
  await mark('blessed two');
  await stage('three');
  await mark('refuse three');
  await loader.refuse(versions.three.roothash);
  await mark('refused three');
}

if (task.kind === 'walk') {
  mount('/dev/vdb');
  await walk(loaderOn('/efi'), task.full);
} else {
  for (const [index, running] of task.running.entries()) {
    const device = `/dev/vd${String.fromCharCode('b'.charCodeAt(0) + index)}`;
    try {
      mount(device);
      const loader = loaderOn('/efi');
      await loader.tidy(versions[running].roothash);
      const first = (await loader.entries())[0];
      process.stdout.write(`@tidied ${index} ${first?.version}\n`);
      execFileSync('umount', ['/efi']);
    } catch (error) {
      process.stdout.write(`@failed ${index} ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}
process.stdout.write('@end\n');
process.exit();
