/**
 * Sticks, cards and disks that bundles are brought on: mounted read-only while they are looked at. What has been opened by then stays open
 * when the mount is taken away, so that nothing stays mounted, also when this process is killed (umount(8), --lazy).
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, realpath, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { UpgradeError } from '../upgradeError.ts';

/** What a person names for "whatever is plugged in". */
export const USB = 'usb';

const run = promisify(execFile);
const MOUNT_MS = 60_000;
const MOUNT_OPTIONS = 'ro,nosuid,nodev,noexec';

/** Looks at a block device's files. @param runDir `/run/atoll` @throws UpgradeError NO_BUNDLE; what `look` throws */
export async function whileMounted<T>(
  device: string,
  runDir: string,
  look: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = join(runDir, 'media', basename(device));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await run('mount', ['-o', MOUNT_OPTIONS, device, directory], { timeout: MOUNT_MS });
  } catch (cause) {
    await rmdir(directory).catch(() => undefined);
    const { stderr = '' } = cause as { stderr?: string };
    const said = stderr.trim().split('\n', 1)[0] ?? '';
    throw new UpgradeError(
      'NO_BUNDLE',
      `${device} cannot be mounted: ${said.replace(/^mount: (\S+: )?/, '') || String(cause)}`,
      'a stick needs a file system, such as FAT; blkid shows what each has',
      { cause },
    );
  }
  try {
    return await look(directory);
  } finally {
    await run('umount', ['--lazy', directory], { timeout: MOUNT_MS }).catch(() => undefined);
    await rmdir(directory).catch(() => undefined);
  }
}

/**
 * What is plugged in and may have files: the partitions of removable disks and of those behind USB, or the whole disk where it has none. Not the
 * disk this machine runs from, which may be a stick too. Source: Linux, Documentation/ABI/stable/sysfs-block.
 */
export async function removableDevices(sys = '/sys'): Promise<readonly string[]> {
  const found: string[] = [];
  for (const disk of (await readdir(join(sys, 'block')).catch(() => [])).sort()) {
    const folder = join(sys, 'block', disk);
    const text = (name: string): Promise<string> => readFile(join(folder, name), 'utf8').catch(() => '');
    const bus = await realpath(join(folder, 'device')).catch(() => '');
    if ((await text('removable')).trim() !== '1' && !bus.includes('/usb')) continue;
    // A reader without a card in it.
    if (Number(await text('size')) === 0) continue;
    const names = (await readdir(folder)).filter(name => name.startsWith(disk)).sort();
    const partitions = await Promise.all(names.map(async name => ({ name, uevent: await text(join(name, 'uevent')) })));
    if (partitions.some(({ uevent }) => /^PARTNAME=root-[ab]$/m.test(uevent))) continue;
    found.push(...(partitions.length > 0 ? partitions.map(({ name }) => name) : [disk]).map(name => `/dev/${name}`));
  }
  return found;
}
