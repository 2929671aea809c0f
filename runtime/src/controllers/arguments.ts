/**
 * Options of kube-controller-manager that the controllers know, `NAME=VALUE` as K3s' `kube-controller-manager-arg` passes them on;
 * all others are refused by name.
 * Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
 */
import { parseDuration } from '../lib/duration.ts';

export interface ControllerSettings {
  readonly terminatedPodThreshold?: number;
  readonly nodeMonitorGraceMs?: number;
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const known: Readonly<Record<string, (value: string, settings: Mutable<ControllerSettings>) => string | undefined>> = {
  'terminated-pod-gc-threshold': (value, settings) => {
    if (!/^\d{1,6}$/.test(value) || Number(value) < 1) return 'must be a whole number from 1';
    settings.terminatedPodThreshold = Number(value);
    return undefined;
  },
  'node-monitor-grace-period': (value, settings) => {
    const ms = parseDuration(value);
    // Nodes renew their leases every ten seconds.
    if (ms === undefined || ms < 15_000) return 'must be a duration such as 40s, 15s or more';
    settings.nodeMonitorGraceMs = ms;
    return undefined;
  },
};
export const controllerArgumentNames: readonly string[] = Object.keys(known);

const alwaysSo: Readonly<Record<string, readonly string[]>> = {
  'allocate-node-cidrs': ['true'],
  'node-cidr-mask-size': ['24'],
  'node-cidr-mask-size-ipv4': ['24'],
  'use-service-account-credentials': ['true'],
  profiling: ['false'],
};

/** The last of a name wins. Pure. */
export function controllerArguments(given: readonly string[]): {
  readonly settings: ControllerSettings;
  readonly problems: readonly string[];
} {
  const settings: Mutable<ControllerSettings> = {};
  const problems: string[] = [];
  for (const argument of given) {
    const [, name = '', value] = /^-{0,2}([^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    const take = Object.hasOwn(known, name) ? known[name] : undefined;
    const so = Object.hasOwn(alwaysSo, name) ? alwaysSo[name] : undefined;
    if (take) {
      const wrong = value === undefined ? `must be ${name}=VALUE` : take(value, settings);
      if (wrong !== undefined) problems.push(`kube-controller-manager's option ${name}: ${wrong}`);
    } else if (!so) problems.push(`kube-controller-manager's option "${name}" is not available yet`);
    else if (!so.includes(value ?? 'true'))
      problems.push(`kube-controller-manager's option ${name}: it is always ${so[0]} here, not "${value ?? 'true'}"`);
  }
  return { settings, problems };
}
