/** The section `machine`: the kernel and the board, which neither cloud-init nor K3s have words for. */
import { boolean, dictionary, either, field, type Infer, integer, list, mapping, oneOf, text } from '../shape.ts';
import { dottedSysctl } from '../sysctl.ts';
import type { Rule } from '../types.ts';

const sysctlName = {
  kind: 'text',
  meaning: 'a name such as net.ipv4.ip_forward',
  pattern: /^[a-z0-9_-]+([./][A-Za-z0-9_*-]+)+$/,
  maxLength: 200,
} as const;

const size = text({
  meaning: 'a size such as 256M or 1G',
  pattern: /^[1-9]\d{0,5}[MG]$/,
});

export const machineShape = mapping({
  sysctls: field(
    dictionary(sysctlName, text({ lenient: true, maxLength: 1024, pattern: /^[^\n]*$/, meaning: 'one line' })),
    'kernel parameters, by name with dots, as sysctl.d(5) has them',
    { examples: [{ 'net.core.somaxconn': 4096, 'vm.swappiness': 10 }] },
  ),
  'kernel-modules': field(
    list(
      either(
        text({ meaning: 'the name of a module', pattern: /^[A-Za-z0-9_-]{1,60}$/ }),
        mapping({
          name: field(text({ meaning: 'the name of a module', pattern: /^[A-Za-z0-9_-]{1,60}$/ }), 'its name', {
            required: true,
          }),
          parameters: field(
            dictionary(
              { kind: 'text', meaning: 'the name of a parameter', pattern: /^[A-Za-z0-9_]{1,60}$/ },
              text({ lenient: true, meaning: 'a value without white space', pattern: /^\S*$/, maxLength: 200 }),
            ),
            'its parameters; a change needs a reboot',
          ),
        }),
      ),
      { maxItems: 200 },
    ),
    'kernel modules that are loaded at boot; those for hardware that is found load by themselves',
    { aliases: ['kernel_modules'], examples: [['8021q', { name: 'bonding', parameters: { max_bonds: 0 } }]] },
  ),
  watchdog: field(
    either(boolean(), integer(10, 600, 'seconds')),
    'the hardware watchdog resets a machine that hangs for so many seconds; true is 60, false leaves the hardware alone',
    { examples: [60] },
  ),
  console: field(
    mapping({
      banner: field(boolean(), 'addresses, state and problems of the node are on the console; default true'),
      'log-level': field(
        integer(0, 7),
        "the kernel's messages up to this level are on the console: 3 errors, 4 warnings (the default), 6 information",
      ),
    }),
    'what is on the console',
  ),
  zram: field(
    either(
      boolean(),
      mapping({
        size: field(size, 'how much is put there before it is compressed; default 256M', { examples: ['512M'] }),
        algorithm: field(oneOf('lz4', 'zstd'), 'how it is compressed; default lz4'),
      }),
    ),
    'compressed swap in memory, for boards with little of it; nothing is ever swapped to a disk',
    { reboot: true, examples: [{ size: '512M', algorithm: 'zstd' }] },
  ),
});
export type MachineSection = Infer<typeof machineShape>;

/** What the node depends on: why, and the only value there is. */
const ours: Readonly<Record<string, { readonly why: string; readonly always?: string }>> = {
  'kernel.panic': { why: 'a node that panics must boot again: the upgrade counts on it', always: '10' },
  'kernel.hostname': { why: 'use hostname' },
  'net.ipv4.ip_forward': { why: 'pods need it: always 1', always: '1' },
  // The same as ip_forward, and what new interfaces of pods have.
  'net.ipv4.conf.all.forwarding': { why: 'pods need it: always 1', always: '1' },
  'net.ipv4.conf.default.forwarding': { why: 'pods need it: always 1', always: '1' },
  // Services are reached by rules that see the traffic of the pods' bridge only with these.
  'net.bridge.bridge-nf-call-iptables': { why: 'services of the cluster need it: always 1', always: '1' },
  'net.bridge.bridge-nf-call-ip6tables': { why: 'services of the cluster need it: always 1', always: '1' },
};

/** Whether a name as people write it, with `/` or `*` in it, sets a parameter. */
export const setsSysctl = (given: string, name: string): boolean => {
  const parts = dottedSysctl(given).split('*');
  return new RegExp(`^${parts.map(part => part.replaceAll('.', '\\.')).join('[^.]*')}$`).test(name);
};

export const machineRules: readonly Rule<MachineSection>[] = [
  function sysctlsOfTheNode({ sysctls = {} }, report) {
    const seen = new Map<string, string>();
    for (const [name, value] of Object.entries(sysctls)) {
      const dotted = dottedSysctl(name);
      const twice = seen.get(dotted);
      if (twice !== undefined)
        report(['sysctls', name], `is the same parameter as "${twice}"`, { hint: 'keep one of them' });
      seen.set(dotted, name);
      const own = Object.entries(ours).find(([one, { always }]) => setsSysctl(name, one) && value.trim() !== always);
      if (own) report(['sysctls', name], `cannot be set: ${own[1].why}`);
    }
  },
  function consoleOnce({ sysctls = {}, console: screen }, report) {
    const level = screen?.['log-level'];
    const [name, value] = Object.entries(sysctls).find(([each]) => setsSysctl(each, 'kernel.printk')) ?? [];
    if (level === undefined || name === undefined || value?.trim().split(/\s+/)[0] === String(level)) return;
    report(['console', 'log-level'], `is ${level}, and the sysctl "${name}" is "${value}": they say the same`, {
      hint: 'keep one of them',
    });
  },
  function modulesOnce({ 'kernel-modules': modules = [] }, report) {
    const seen = new Set<string>();
    modules.forEach((module, i) => {
      const name = (typeof module === 'string' ? module : module.name).replaceAll('-', '_');
      if (seen.has(name))
        report(['kernel-modules', i], `the module "${name}" is here twice`, { hint: 'keep one of them' });
      seen.add(name);
    });
  },
];
