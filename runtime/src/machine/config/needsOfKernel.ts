/** What the kernel and the board must have for a configuration: modules, parameters, memory, a disk besides the node's own. */
import type { CloudInit } from './sections/cloudInit.ts';
import type { MachineSection } from './sections/machine.ts';
import { dottedSysctl } from './sysctl.ts';
import type { Report } from './types.ts';

/** Of the machine a configuration is for; what could not be found out is absent. */
export interface Kernel {
  /** Those of these modules that it does not have. */
  readonly lacking?: (modules: readonly string[]) => readonly string[];
  /** Whether there is a parameter of this name, with dots, now. */
  readonly hasSysctl?: (name: string) => boolean;
  readonly memoryBytes?: number;
  /** Whether a device is the disk the node runs from, or a part of it. */
  readonly isOwnDisk?: (device: string) => boolean;
}

type Given = Pick<CloudInit, 'fs_setup'> & { readonly machine?: MachineSection };

export function neededKernel({ machine = {}, fs_setup = [] }: Given, kernel: Kernel, report: Report): void {
  modules(machine, kernel, report);
  sysctls(machine, kernel, report);
  zram(machine, kernel, report);
  fs_setup.forEach(({ device }, i) => {
    if (kernel.isOwnDisk?.(device))
      report(['fs_setup', i, 'device'], `"${device}" is the disk the node runs from`, {
        hint: 'name another disk, as /dev/disk/by-id has it',
      });
  });
}

function modules({ 'kernel-modules': wanted = [] }: MachineSection, kernel: Kernel, report: Report): void {
  const names = wanted.map(module => (typeof module === 'string' ? module : module.name));
  const lacking = names.length > 0 ? (kernel.lacking?.(names) ?? []) : [];
  names.forEach((name, i) => {
    if (lacking.includes(name))
      report(['machine', 'kernel-modules', i], `the image has no kernel module "${name}"`, {
        hint: 'kernel.modules of the image says which it has: docs/images.md',
      });
  });
}

/** They come with what the image loads, or with a network card. */
const comesLater = /^net\.(?:bridge|netfilter|nf_conntrack_max|ipv[46]\.(?:conf|neigh))(?:\.|$)|\*/;

function sysctls({ sysctls = {}, 'kernel-modules': more = [] }: MachineSection, kernel: Kernel, report: Report): void {
  // A module may bring it.
  if (more.length > 0 || !kernel.hasSysctl) return;
  for (const name of Object.keys(sysctls)) {
    const dotted = dottedSysctl(name);
    if (!comesLater.test(dotted) && !kernel.hasSysctl(dotted))
      report(['machine', 'sysctls', name], `this kernel has no parameter "${name}": nothing is set`, {
        severity: 'warning',
        hint: 'is it of a module? Then name that in kernel-modules',
      });
  }
}

const unitBytes = { M: 1024 ** 2, G: 1024 ** 3 } as const;
/** The kernel's table of what is there takes 16 bytes for each page of 4096: more than so many times the memory cannot be. */
const MOST_TIMES = 64;

function zram({ zram: wanted }: MachineSection, { memoryBytes }: Kernel, report: Report): void {
  if (memoryBytes === undefined || typeof wanted !== 'object' || wanted.size === undefined) return;
  const [, number = '0', unit = 'M'] = /^(\d+)([MG])$/.exec(wanted.size) ?? [];
  const times = (Number(number) * unitBytes[unit === 'G' ? 'G' : 'M']) / memoryBytes;
  const path = ['machine', 'zram', 'size'];
  const memory = `${Math.round(memoryBytes / 1024 ** 2)}M`;
  if (times > MOST_TIMES) report(path, `${wanted.size} is more than this machine can keep track of in ${memory}`);
  // https://docs.kernel.org/admin-guide/blockdev/zram.html: "little point … greater than twice the size of memory".
  else if (times > 2)
    report(path, `${wanted.size} is more than twice the memory, which is ${memory}: so much does not fit, compressed`, {
      severity: 'warning',
    });
}
