/**
 * The image's kernel, initrd and root (read-only, without verity), and instead of the operating system one program in JavaScript: a
 * guest that is up in seconds, for what needs a real kernel. It talks on its only serial line.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { cpioArchive } from '../../builder/src/formats/cpio.ts';
import { accelerator } from './accelerator.ts';
import { Console } from './console.ts';
import { findEmulator } from './emulator.ts';
import { EmulatorProcess } from './process.ts';

export interface TinyGuestOptions {
  /** A folder of the caller's, for the initrd and logs. */
  readonly directory: string;
  readonly kernel: string;
  readonly initrd: string;
  /** The image's raw disk; its second partition is the root. */
  readonly rootDisk: string;
  /** Path of the program (TypeScript), and what it finds as `/run/guest.json`. */
  readonly program: string;
  readonly task: unknown;
  /** From `/dev/vdb` on; with a log of its writes, or without. */
  readonly disks: readonly { readonly file: string; readonly writeLog?: string }[];
}

export interface TinyGuest extends AsyncDisposable {
  readonly console: Console;
}

const init = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
while read -r module needs; do insmod "/lib/modules/$module" 2> /dev/null; done < /lib/modules/order
mount -t erofs -o ro /dev/vda2 /root || echo '@no-root'
for folder in proc sys dev; do mount --move /$folder /root/$folder; done
mount -t tmpfs tmpfs /root/run
cp /guest.mjs /guest.json /root/run/
cd /root
chroot /root /usr/bin/busybox sh -c 'for module in vfat nls_cp437 nls_ascii; do modprobe $module; done; exec node /run/guest.mjs' < /root/dev/console > /root/dev/console 2>&1
echo o > /root/proc/sysrq-trigger
sleep 60
`;

export async function startTinyGuest(options: TinyGuestOptions): Promise<TinyGuest> {
  const emulator = await findEmulator();
  const { name, cpu } = await accelerator(emulator);
  const bundled = await build({
    ...{ entryPoints: [options.program], bundle: true, write: false, logLevel: 'error' },
    ...{ platform: 'node', format: 'esm', target: 'node20' },
  });
  const ours = cpioArchive([
    { path: 'init', mode: 0o100755, content: Buffer.from(init) },
    { path: 'guest.mjs', mode: 0o100644, content: bundled.outputFiles[0]?.contents ?? Buffer.alloc(0) },
    { path: 'guest.json', mode: 0o100644, content: Buffer.from(JSON.stringify(options.task)) },
  ]);
  const initrd = join(options.directory, 'initrd');
  const theirs = await readFile(options.initrd);
  await writeFile(initrd, Buffer.concat([theirs, Buffer.alloc((4 - (theirs.length % 4)) % 4), ours]));
  const process = EmulatorProcess.spawn(emulator, {
    arguments: [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-no-reboot', '-m', '256'],
      ...['-machine', 'q35', '-accel', name, '-cpu', cpu],
      ...['-kernel', options.kernel, '-initrd', initrd, '-append', 'console=ttyS0 loglevel=6 panic=-1'],
      ...['-chardev', 'socket,id=serial,fd=3', '-serial', 'chardev:serial'],
      ...['-blockdev', `driver=raw,node-name=root,read-only=on,file.driver=file,file.filename=${options.rootDisk}`],
      ...['-device', 'virtio-blk-pci,drive=root'],
      ...options.disks.flatMap(diskArguments),
    ],
    channels: ['serial'],
    log: join(options.directory, 'qemu.log'),
  });
  const console = new Console();
  console.attach(process.channel('serial'));
  process.ended.then(how => console.end(how));
  return { console, [Symbol.asyncDispose]: () => process.kill() };
}

function diskArguments({ file, writeLog }: TinyGuestOptions['disks'][number], index: number): string[] {
  const id = `disk${index}`;
  const image = ['-blockdev', `driver=raw,node-name=${id},file.driver=file,file.filename=${file}`];
  if (writeLog === undefined) return [...image, '-device', `virtio-blk-pci,drive=${id},write-cache=on`];
  const log = `driver=blklogwrites,node-name=${id}-log,file=${id},log.driver=file,log.filename=${writeLog}`;
  const device = `virtio-blk-pci,drive=${id}-log,write-cache=on,discard=off,write-zeroes=off,request-merging=off`;
  return [...image, '-blockdev', log, '-device', device];
}
