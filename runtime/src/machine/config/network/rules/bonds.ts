import type { Report } from '../../types.ts';
import { type Devices, milliseconds } from '../devices.ts';
import type { Bond, BondParameters, bondModes } from '../schema/virtual.ts';

type Mode = (typeof bondModes)[number];

/** What the kernel refuses in other modes, and then makes no bond at all (drivers/net/bonding/bond_options.c). */
const onlyIn: Partial<Record<keyof BondParameters, readonly Mode[]>> = {
  'lacp-rate': ['802.3ad'],
  'ad-select': ['802.3ad'],
  'packets-per-member': ['balance-rr'],
  primary: ['active-backup', 'balance-tlb', 'balance-alb'],
  'arp-interval': ['balance-rr', 'active-backup', 'balance-xor', 'broadcast'],
  'arp-validate': ['balance-rr', 'active-backup', 'balance-xor', 'broadcast'],
};

/** The parameters of a bond fit its mode and each other. */
export function bondRules({ all }: Devices, report: Report): void {
  for (const device of all) {
    if (device.section !== 'bonds') continue;
    const { id, value } = device;
    bondRule(value, (path, ...rest) => report(['bonds', id, 'parameters', ...path], ...rest));
  }
}

function bondRule({ parameters = {}, interfaces = [] }: Bond, report: Report): void {
  const mode = parameters.mode ?? 'balance-rr';
  for (const [key, modes] of Object.entries(onlyIn) as [keyof BondParameters, readonly Mode[]][]) {
    if (parameters[key] === undefined || modes.includes(mode) || isZero(parameters[key])) continue;
    report([key], `is for ${list(modes)} only, not for ${mode}`);
  }
  const { primary } = parameters;
  if (primary !== undefined && !interfaces.includes(primary))
    report(['primary'], `is not among the interfaces of the bond: "${primary}"`);
  const mii = milliseconds(parameters['mii-monitor-interval'] ?? 0, 1);
  const arp = milliseconds(parameters['arp-interval'] ?? 0, 1);
  if (mii > 0 && arp > 0)
    report(['arp-interval'], 'cannot be used together with mii-monitor-interval', {
      hint: 'links are looked at in one way',
    });
  for (const key of ['up-delay', 'down-delay'] as const) {
    const delay = parameters[key];
    if (delay === undefined || isZero(delay)) continue;
    if (mii === 0) report([key], 'needs mii-monitor-interval: without it nobody looks at the links');
    else if (milliseconds(delay, 1) % mii !== 0)
      report([key], `is rounded down to a multiple of mii-monitor-interval, which is ${mii} ms`, {
        severity: 'warning',
      });
  }
  if (arp > 0 && !parameters['arp-ip-targets']?.length)
    report(['arp-interval'], 'needs arp-ip-targets: somebody to ask');
  if (arp === 0 && parameters['arp-ip-targets']?.length)
    report(['arp-ip-targets'], 'needs arp-interval: how often to ask');
  if (arp === 0 && parameters['arp-validate'] !== undefined && parameters['arp-validate'] !== 'none')
    report(['arp-validate'], 'needs arp-interval: how often to ask');
}

const isZero = (value: unknown): boolean => value === 0 || value === '0';
const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
