/**
 * Partitions of a slot that are missing are made again, by the same systemd-repart and from the same definitions as at the first boot
 * (builder/src/on-device.ts), into the space they had.
 *
 * systemd-repart goes by types and by the order of its definitions: the first definition of a type is the first partition of that type, whatever its
 * name. So those that are there come first, in the disk's order, and a missing `root-a` is not taken for the `root-b` that is there.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { UpgradeError } from './upgradeError.ts';

const run = promisify(execFile);

export interface Definition {
  readonly label: string;
  readonly text: string;
}

/** Those of partitions that are there first, in the order of the disk; then the missing ones in their own. */
export function orderDefinitions(all: readonly Definition[], present: readonly string[]): readonly Definition[] {
  const there = present.map(label => all.find(one => one.label === label)).filter(one => one !== undefined);
  return [...there, ...all.filter(({ label }) => !present.includes(label))];
}

/** Definitions of `/usr/lib/repart.d`, by their labels. */
export async function readDefinitions(folder: string): Promise<readonly Definition[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.conf')).sort();
  const found = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8')));
  return found.map(text => ({ label: /^Label=(\S+)$/m.exec(text)?.[1] ?? '', text }));
}

/**
 * Labels of a disk's partitions, in the order of their places. Source: sysfs, `uevent` and `start` of each partition.
 * @param disk its folder in sysfs; the one that was started from unless told
 */
export async function presentLabels(disk = '/run/atoll/disk'): Promise<readonly string[]> {
  const found: { label: string; start: number }[] = [];
  for (const name of await readdir(disk)) {
    const uevent = await readFile(join(disk, name, 'uevent'), 'utf8').catch(() => '');
    const label = /^PARTNAME=(.+)$/m.exec(uevent)?.[1];
    if (label === undefined) continue;
    found.push({ label, start: Number(await readFile(join(disk, name, 'start'), 'utf8').catch(() => '0')) });
  }
  return found.sort((a, b) => a.start - b.start).map(({ label }) => label);
}

/** Writes the definitions in their order to a folder of their own. */
export async function writeDefinitions(folder: string, definitions: readonly Definition[]): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [index, { label, text }] of definitions.entries())
    await writeFile(join(folder, `${String(index + 10)}-${label}.conf`), text);
}

/**
 * @param missing paths of the partitions, `/dev/disk/atoll/root-b`
 * @throws UpgradeError SLOT with systemd-repart's own words
 */
export async function makeMissing(missing: readonly string[], runDir: string): Promise<void> {
  const folder = join(runDir, 'repart.d');
  await writeDefinitions(folder, orderDefinitions(await readDefinitions('/usr/lib/repart.d'), await presentLabels()));
  try {
    await run('systemd-repart', ['--dry-run=no', '--no-pager', '--no-legend', `--definitions=${folder}`]);
    await run('udevadm', ['settle', '--timeout=30']);
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new UpgradeError(
      'SLOT',
      `the disk has no ${missing.map(path => basename(path)).join(', ')}, and systemd-repart could not make it: ${said}`,
      '/proc/partitions shows the disk; when there is no room, back the data up and flash the machine anew',
      { cause },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
