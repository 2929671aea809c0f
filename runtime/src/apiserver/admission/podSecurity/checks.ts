/**
 * A pod judged by a standard: which checks count at a level and a version, and what they find. Loaded when a namespace first
 * asks for a level above `privileged`.
 */
import { baseline } from './baseline.ts';
import type { Standard } from './policy.ts';
import { restricted } from './restricted.ts';
import type { PodLike } from './words.ts';

export interface Violation {
  /** `host namespaces` */
  readonly reason: string;
  /** `hostNetwork=true` */
  readonly detail: string;
}

export type CheckPod = (pod: PodLike) => Violation | undefined;

export interface Check {
  readonly id: string;
  /** The rule from each minor version on, ascending. */
  readonly since: readonly (readonly [minor: number, check: CheckPod])[];
  /** The check of the level below that this one stands for, from its first version on. */
  readonly instead?: string;
}

/** What is wrong with the pod; empty: nothing. */
export function violationsOf(pod: PodLike, standard: Standard): Violation[] {
  return checksOf(standard).flatMap(check => check(pod) ?? []);
}

/** `host namespaces (hostNetwork=true), privileged (…)` */
export const describeViolations = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');

const found = new Map<string, readonly CheckPod[]>();
/** No rule is newer than this: later versions need no lists of their own. */
const NEWEST_MINOR = Math.max(...[...baseline, ...restricted].flatMap(({ since }) => since.map(([minor]) => minor)));

function checksOf({ level, minor }: Standard): readonly CheckPod[] {
  if (level === 'privileged') return [];
  const version = Math.min(minor, NEWEST_MINOR);
  const key = `${level}:${version}`;
  let checks = found.get(key);
  if (!checks) {
    const more = level === 'restricted' ? restricted.filter(check => at(check, version)) : [];
    const replaced = new Set(more.map(({ instead }) => instead));
    checks = [...baseline.filter(({ id }) => !replaced.has(id)), ...more].flatMap(check => at(check, version) ?? []);
    found.set(key, checks);
  }
  return checks;
}

const at = ({ since }: Check, minor: number): CheckPod | undefined => since.findLast(([from]) => from <= minor)?.[1];
