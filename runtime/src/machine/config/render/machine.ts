/** The section `machine`: the kernel and the board. */
import type { MachineSection } from '../sections/machine.ts';
import { dottedSysctl } from '../sysctl.ts';
import type { Rendered, RenderedFile } from '../types.ts';
import { textFile } from './identity.ts';

const unit = { M: 1024 ** 2, G: 1024 ** 3 } as const;

export function renderMachine(machine: MachineSection): Partial<Rendered> {
  const { sysctls = {}, 'kernel-modules': modules = [], watchdog, console: screen, zram } = machine;
  const files: RenderedFile[] = [];
  const parameters = modules.flatMap(module => {
    if (typeof module === 'string' || module.parameters === undefined) return [];
    const words = Object.entries(module.parameters).map(([name, value]) => `${name}=${value}`);
    return words.length > 0 ? [`options ${module.name} ${words.join(' ')}\n`] : [];
  });
  if (parameters.length > 0) files.push(textFile('/etc/modprobe.d/50-config.conf', parameters.join('')));
  if (screen?.banner === false) files.push(textFile('/etc/atoll/no-banner', 'machine.console.banner: false\n'));
  const level = screen?.['log-level'];
  return {
    files,
    sysctls: {
      ...Object.fromEntries(Object.entries(sysctls).map(([name, value]) => [dottedSysctl(name), value])),
      ...(level === undefined ? {} : { 'kernel.printk': `${level} 4 1 7` }),
    },
    modules: modules.map(module => (typeof module === 'string' ? module : module.name)),
    ...(watchdog === undefined ? {} : { watchdogSeconds: watchdog === true ? 60 : watchdog === false ? 0 : watchdog }),
    ...(zram === undefined || zram === false ? {} : { zram: zramOf(zram === true ? {} : zram) }),
  };
}

function zramOf({
  size = '256M',
  algorithm = 'lz4',
}: {
  size?: string;
  algorithm?: string;
}): NonNullable<Rendered['zram']> {
  const [, number = '0', letter = 'M'] = /^(\d+)([MG])$/.exec(size) ?? [];
  return { sizeBytes: Number(number) * unit[letter === 'G' ? 'G' : 'M'], algorithm };
}
