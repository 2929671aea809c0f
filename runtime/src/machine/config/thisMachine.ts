/** The machine this runs on, as far as a configuration depends on it. What cannot be read is not looked at. */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { release, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { AccountFiles, KnownIds } from './accounts.ts';
import { type Machine, machineOf } from './needs.ts';
import type { Kernel } from './needsOfKernel.ts';
import { sysctlPath } from './sysctl.ts';

export const thisMachine = (accounts: AccountFiles, knownIds: KnownIds): Machine => ({
  ...machineOf(accounts, existsSync, knownIds),
  kernel: kernelHere(),
});

const kernelHere = (): Kernel => ({
  lacking: askedOnce(names => (existsSync(`/usr/lib/modules/${release()}/modules.dep`) ? lackingModules(names) : [])),
  hasSysctl: name => !existsSync('/proc/sys/kernel') || existsSync(`/proc/sys/${sysctlPath(name)}`),
  memoryBytes: totalmem(),
  isOwnDisk: device => {
    const own = diskOf('/var');
    return own !== undefined && diskOfDevice(device) === own;
  },
});

/** Rules are asked several times where something is wrong (suppose.ts); a process is not started for each. */
function askedOnce(ask: NonNullable<Kernel['lacking']>): NonNullable<Kernel['lacking']> {
  const answers = new Map<string, readonly string[]>();
  return names => {
    const key = names.join(' ');
    const answer = answers.get(key) ?? ask(names);
    answers.set(key, answer);
    return answer;
  };
}

/** As kmod finds them: by their names and others they have, those that are built in, too. One process where nothing is lacking. */
function lackingModules(names: readonly string[]): readonly string[] {
  const status = (some: readonly string[]): number | null =>
    spawnSync('/usr/sbin/modprobe', ['--dry-run', '--quiet', '--all', ...some], { stdio: 'ignore' }).status;
  return status(names) === 1 ? names.filter(name => status([name]) === 1) : [];
}

/** The whole disk that a folder's file system is on: `vda`. */
function diskOf(folder: string): string | undefined {
  try {
    const { dev } = statSync(folder);
    // As gnu_dev_major(3) and gnu_dev_minor(3) take it apart.
    const major = (dev >>> 8) & 0xfff;
    const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
    return major === 0 ? undefined : wholeDisk(`/sys/dev/block/${major}:${minor}`);
  } catch {
    return undefined;
  }
}

function diskOfDevice(device: string): string | undefined {
  try {
    return wholeDisk(`/sys/class/block/${basename(realpathSync(device))}`);
  } catch {
    return undefined;
  }
}

function wholeDisk(link: string): string {
  const at = realpathSync(link);
  return basename(existsSync(join(at, 'partition')) ? dirname(at) : at);
}
