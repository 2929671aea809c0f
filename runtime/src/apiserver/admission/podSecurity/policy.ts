/**
 * What a namespace's `pod-security.kubernetes.io/*` labels ask for, as a value; pure
 * (https://kubernetes.io/docs/concepts/security/pod-security-admission/).
 */
import { invalid, keyed } from '../../../api/kinds/errors.ts';
import type { FieldError } from '../../../api/kinds/kind.ts';

export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

export interface Standard {
  readonly level: Level;
  /** The minor version of Kubernetes whose rules count; infinite: the newest. */
  readonly minor: number;
}

export interface Policy {
  readonly enforce: Standard;
  readonly audit: Standard;
  readonly warn: Standard;
}

export interface ParsedPolicy {
  /** Always usable: what cannot be read counts as `restricted` and `latest` where it is enforced, as nothing where it is not. */
  readonly policy: Policy;
  readonly errors: readonly FieldError[];
}

const LATEST = Number.POSITIVE_INFINITY;
const modes = ['enforce', 'audit', 'warn'] as const;
const LABEL = 'pod-security.kubernetes.io/';

export const privileged: Standard = { level: 'privileged', minor: LATEST };
export const allPrivileged: Policy = { enforce: privileged, audit: privileged, warn: privileged };

/** `restricted:latest`, `baseline:v1.30` */
export const describe = ({ level, minor }: Standard): string =>
  `${level}:${minor === LATEST ? 'latest' : `v1.${minor}`}`;

export const sameStandard = (a: Standard, b: Standard): boolean => a.level === b.level && a.minor === b.minor;

/** Above zero: `a` is the stricter. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);

export function parsePolicy(labels: Readonly<Record<string, string>> | undefined, defaults: Policy): ParsedPolicy {
  const errors: FieldError[] = [];
  const standards: Record<(typeof modes)[number], Standard> = { ...defaults };
  for (const mode of modes) {
    const [level, version] = [labels?.[LABEL + mode], labels?.[`${LABEL}${mode}-version`]];
    if (level !== undefined) {
      const known = levels.find(one => one === level);
      standards[mode] = { ...standards[mode], level: known ?? (mode === 'enforce' ? 'restricted' : 'privileged') };
      if (!known) errors.push(fault(LABEL + mode, level, `must be one of ${levels.join(', ')}`));
    }
    if (version !== undefined) {
      const minor = minorOf(version);
      standards[mode] = { ...standards[mode], minor: minor ?? LATEST };
      if (minor === undefined) errors.push(fault(`${LABEL}${mode}-version`, version, 'must be "latest" or "v1.x"'));
    }
  }
  return { policy: standards, errors };
}

const fault = (label: string, value: string, detail: string): FieldError =>
  invalid(keyed('metadata.labels', label), value, detail);

/** @throws Error for what is neither `latest` nor `v1.x`: of the server's own configuration. */
export function standardOf(level: Level, version = 'latest'): Standard {
  const minor = minorOf(version);
  if (minor === undefined)
    throw new Error(`pod security: the version ${JSON.stringify(version)} must be "latest" or "v1.x"`);
  return { level, minor };
}

function minorOf(version: string): number | undefined {
  if (version === 'latest') return LATEST;
  const [, minor] = /^v1\.(0|[1-9]\d*)$/.exec(version) ?? [];
  const value = minor === undefined ? Number.NaN : Number(minor);
  return Number.isSafeInteger(value) ? value : undefined;
}
