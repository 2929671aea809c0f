/** Disks that are one FAT32, made with the tools tree's mkfs.vfat and mtools: boot partitions for tests in seconds. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { toolsTree } from '../../builder/src/paths.ts';
import { treeCommand } from '../../builder/src/tools.ts';

const run = promisify(execFile);

/** Runs a program of the tools tree on files of the host. @returns what it said */
export async function inTree(program: string, args: readonly string[]): Promise<string> {
  const [command = '', ...prefix] = treeCommand(await realpath(toolsTree()), program);
  const { stdout } = await run(command, [...prefix, ...args], { env: { ...process.env, MTOOLS_SKIP_CHECK: '1' } });
  return stdout;
}

/** @param files path in it → content. Clusters of 4096 bytes, as on a boot partition of 512 MB. */
export async function makeFatDisk(
  path: string,
  sizeBytes: number,
  files: Readonly<Record<string, Buffer | string>>,
): Promise<void> {
  await writeFile(path, '');
  await truncate(path, sizeBytes);
  await inTree('/usr/sbin/mkfs.vfat', ['-F', '32', '-S', '512', '-s', '8', '--invariant', '-n', 'ESP', path]);
  const staging = await mkdtemp(join(tmpdir(), 'atoll-fat-'));
  try {
    const tops = new Set<string>();
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(staging, name)), { recursive: true });
      await writeFile(join(staging, name), content);
      tops.add(join(staging, name.split('/')[0] ?? ''));
    }
    await inTree('/usr/bin/mcopy', ['-s', '-i', path, ...tops, '::']);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
