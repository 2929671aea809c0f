/**
 * The audit policy: which requests are written down, and how much of them
 * (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy; `audit.k8s.io/v1` Policy).
 */
import type { User } from '../../lib/exchange.ts';
import type { RequestInfo } from '../requestInfo.ts';

/** Each holds what those before it hold. */
export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof levels)[number];

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof stages)[number];

export interface GroupResources {
  /** Empty for the core group. */
  readonly group: string;
  /** `pods`, `pods/log`, `*`, `pods/*` and every resource's subresource as in `roles`; empty: all of the group. */
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** Empty lists match everything. */
export interface PolicyRule {
  readonly level: Level;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  /** The empty one is that of cluster-scoped objects. */
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly Stage[];
  /** Unset: the policy's. */
  readonly omitManagedFields?: boolean;
}

export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** How one request is to be written down. */
export interface Decision {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

const nothing: Decision = { level: 'None', omitStages: new Set(), omitManagedFields: false };

/** Decides by the first rule that matches; what none matches is not written down. */
export function evaluator(policy: Policy): (info: RequestInfo, user: User) => Decision {
  const decisions = policy.rules.map(
    (rule): Decision => ({
      level: rule.level,
      omitStages: new Set([...policy.omitStages, ...rule.omitStages]),
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
    }),
  );
  return (info, user) => {
    const at = policy.rules.findIndex(rule => ruleMatches(rule, info, user));
    return decisions[at] ?? nothing;
  };
}

export function ruleMatches(rule: PolicyRule, info: RequestInfo, user: User): boolean {
  const { users, userGroups, verbs, namespaces, resources, nonResourceURLs } = rule;
  if (users.length > 0 && !users.includes(user.name)) return false;
  if (userGroups.length > 0 && !userGroups.some(group => user.groups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(info.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) {
    if (!info.isResource) return false;
    if (namespaces.length > 0 && !namespaces.includes(info.namespace)) return false;
    return resources.length === 0 || resources.some(of => resourcesMatch(of, info));
  }
  if (nonResourceURLs.length > 0) return !info.isResource && nonResourceURLs.some(url => urlMatches(url, info.path));
  return true;
}

function resourcesMatch(of: GroupResources, { group, resource, subresource, name }: RequestInfo): boolean {
  if (of.group !== group) return false;
  if (of.resources.length === 0) return true;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return of.resources.some(pattern => {
    if (of.resourceNames.length > 0 && !of.resourceNames.includes(name)) return false;
    if (pattern === '*' || pattern === whole) return true;
    if (subresource === '') return false;
    return pattern === `*/${subresource}` || pattern === `${resource}/*`;
  });
}

function urlMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}
