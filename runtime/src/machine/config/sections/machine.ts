/** The section `machine`: the kernel and the board, which neither cloud-init nor K3s have words for. */
import { boolean, dictionary, either, field, type Infer, integer, list, mapping, oneOf, text } from '../shape.ts';
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
    'kernel parameters, by name with dots',
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

/** What the root is made of depends on these. */
const ours: Readonly<Record<string, string>> = {
  'kernel.panic': 'a node that panics must boot again: the upgrade counts on it',
  'kernel.hostname': 'use hostname',
  'net.ipv4.ip_forward': 'pods need it: always 1',
};

export const machineRules: readonly Rule<MachineSection>[] = [
  function sysctlsOfTheNode({ sysctls = {} }, report) {
    const seen = new Map<string, string>();
    for (const [name, value] of Object.entries(sysctls)) {
      const dotted = name.replaceAll('/', '.');
      const twice = seen.get(dotted);
      if (twice !== undefined)
        report(['sysctls', name], `is the same parameter as "${twice}"`, { hint: 'keep one of them' });
      seen.set(dotted, name);
      const why = ours[dotted];
      if (why !== undefined && !(dotted === 'net.ipv4.ip_forward' && value === '1'))
        report(['sysctls', name], `cannot be set: ${why}`);
    }
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
