/**
 * Options of the kubelet that the node knows, `NAME=VALUE` as K3s' `kubelet-arg` passes them on. All others are refused by name: an
 * option that is silently ignored is found out in the field.
 * Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/
 */

import { parseQuantity, quantityValue } from '../api/quantity.ts';
import { parseDuration } from '../lib/duration.ts';

export const evictionSignals = ['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'pid.available'] as const;
export type EvictionSignal = (typeof evictionSignals)[number];

/** Under it the node is under pressure: an amount, or a part of the whole. */
export type Threshold = { readonly amount: number } | { readonly percent: number };

/** What is reserved, as quantities: `{ memory: '100Mi' }`. */
export type Reserved = Readonly<Record<string, string>>;

export interface KubeletSettings {
  readonly maxPods?: number;
  readonly evictionHard?: Readonly<Partial<Record<EvictionSignal, Threshold>>>;
  readonly systemReserved?: Reserved;
  readonly kubeReserved?: Reserved;
  readonly imageGcHighPercent?: number;
  readonly imageGcLowPercent?: number;
  readonly minimumImageAgeMs?: number;
  readonly statusUpdateMs?: number;
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

type Take = (value: string, settings: Mutable<KubeletSettings>) => string | undefined;

const percent =
  (key: 'imageGcHighPercent' | 'imageGcLowPercent'): Take =>
  (value, settings) => {
    if (!/^\d{1,3}$/.test(value) || Number(value) > 100) return 'must be a whole number from 0 to 100';
    settings[key] = Number(value);
    return undefined;
  };

const milliseconds =
  (key: 'minimumImageAgeMs' | 'statusUpdateMs', leastMs: number, example: string): Take =>
  (value, settings) => {
    const ms = parseDuration(value);
    if (ms === undefined || ms < leastMs) return `must be a duration such as ${example}, ${leastMs / 1000}s or more`;
    settings[key] = ms;
    return undefined;
  };

const reservable = ['cpu', 'memory', 'ephemeral-storage', 'pid'];
const reserved =
  (key: 'systemReserved' | 'kubeReserved'): Take =>
  (value, settings) => {
    const all: Record<string, string> = {};
    for (const part of value.split(',')) {
      const [name = '', amount = ''] = part.split('=').map(word => word.trim());
      if (!reservable.includes(name)) return `"${name}" must be one of ${reservable.join(', ')}: cpu=100m,memory=100Mi`;
      const quantity = tryQuantity(amount);
      if (quantity === undefined || quantity < 0) return `"${amount}" of ${name} must be an amount such as 100Mi`;
      all[name] = amount;
    }
    settings[key] = all;
    return undefined;
  };

function tryQuantity(text: string): number | undefined {
  try {
    return quantityValue(parseQuantity(text));
  } catch {
    return undefined;
  }
}

const evictionHard: Take = (value, settings) => {
  const thresholds: Partial<Record<EvictionSignal, Threshold>> = {};
  for (const part of value.split(',').filter(text => text.trim() !== '')) {
    const [, name = '', amount = ''] = /^\s*([A-Za-z.]+)\s*<\s*(\S+)\s*$/.exec(part) ?? [];
    const signal = evictionSignals.find(known => known === name);
    if (!signal)
      return /^(imagefs|containerfs|allocatable)/.test(name)
        ? `"${name}": images are on the disk of the node: use nodefs.available`
        : `"${part.trim()}" must be SIGNAL<AMOUNT, with a signal of ${evictionSignals.join(', ')}`;
    const [, part100] = /^(\d+(?:\.\d+)?)%$/.exec(amount) ?? [];
    const quantity = tryQuantity(amount);
    if (part100 !== undefined && Number(part100) <= 100) thresholds[signal] = { percent: Number(part100) };
    else if (quantity !== undefined && quantity >= 0) thresholds[signal] = { amount: quantity };
    else return `"${amount}" of ${name} must be an amount such as 100Mi, or a part such as 10%`;
  }
  settings.evictionHard = thresholds;
  return undefined;
};

const known: Readonly<Record<string, Take>> = {
  'max-pods': (value, settings) => {
    if (!/^\d{1,5}$/.test(value) || Number(value) < 1 || Number(value) > 250)
      return 'must be a whole number from 1 to 250: a node has 254 addresses for pods';
    settings.maxPods = Number(value);
    return undefined;
  },
  'eviction-hard': evictionHard,
  'system-reserved': reserved('systemReserved'),
  'kube-reserved': reserved('kubeReserved'),
  'image-gc-high-threshold': percent('imageGcHighPercent'),
  'image-gc-low-threshold': percent('imageGcLowPercent'),
  'minimum-image-ttl-duration': milliseconds('minimumImageAgeMs', 0, '2m'),
  'node-status-update-frequency': milliseconds('statusUpdateMs', 1000, '10s'),
};
export const kubeletArgumentNames: readonly string[] = Object.keys(known);

/** What is so anyway. */
const alwaysSo: Readonly<Record<string, readonly string[]>> = {
  'anonymous-auth': ['false'],
  'authorization-mode': ['Webhook'],
  'cgroup-driver': ['systemd'],
  'fail-swap-on': ['false'],
  'read-only-port': ['0'],
  'rotate-certificates': ['true'],
  'healthz-port': ['0'],
};

/** What follows “is not available”; the first that fits. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [/^(cluster-dns|cluster-domain|node-ip|resolv-conf|protect-kernel-defaults)$/, ': it is an option by itself here'],
  [/^node-labels$/, ': use node-label'],
  [/^register-with-taints$/, ': use node-taint'],
  [/^hostname-override$/, ': use node-name'],
  [/^(v|vmodule|logging-format)$/, ': use debug: true for more output'],
  [/^(config|config-dir)$/, ': there is no file of the kubelet; its options are given one by one'],
  [/^eviction-/, ' yet: only eviction-hard is known'],
  [/^container-log-/, ' yet: logs of containers are not rotated by size'],
];

export interface KubeletArguments {
  readonly settings: KubeletSettings;
  /** What is wrong, each naming its option. */
  readonly problems: readonly string[];
}

/** The last of a name wins, as in the kubelet. Pure. */
export function kubeletArguments(given: readonly string[]): KubeletArguments {
  const settings: Mutable<KubeletSettings> = {};
  const problems: string[] = [];
  for (const argument of given) {
    const [, name = '', value] = /^-{0,2}([^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    const take = Object.hasOwn(known, name) ? known[name] : undefined;
    const so = Object.hasOwn(alwaysSo, name) ? alwaysSo[name] : undefined;
    if (take) {
      const wrong = value === undefined ? `must be ${name}=VALUE` : take(value, settings);
      const what = wrong?.startsWith('must') && value !== undefined ? `"${value}" ` : '';
      if (wrong !== undefined) problems.push(`the kubelet's option ${name}: ${what}${wrong}`);
    } else if (so) {
      if (!so.includes(value ?? 'true'))
        problems.push(`the kubelet's option ${name}: it is always ${so[0]} here, not "${value ?? 'true'}"`);
    } else {
      const why = elsewhere.find(([names]) => names.test(name))?.[1] ?? ' yet: the node does not know it';
      problems.push(`the kubelet's option "${name}" is not available${why}`);
    }
  }
  const { imageGcHighPercent: high = 85, imageGcLowPercent: low = 80 } = settings;
  if (problems.length === 0 && low >= high)
    problems.push(
      `the kubelet's option image-gc-low-threshold (${low}) must be under image-gc-high-threshold (${high})`,
    );
  return { settings, problems };
}
