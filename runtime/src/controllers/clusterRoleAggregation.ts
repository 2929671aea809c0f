/**
 * A ClusterRole with an `aggregationRule` has the rules of all roles that its selectors match
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles).
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterRole, PolicyRule } from '../api/generated/types/rbac.v1.ts';
import { labelSelectorMatches } from '../api/selectors.ts';
import { isNotFound } from '../client/apiError.ts';
import { ClusterRoles } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

export const clusterRoleAggregation: Controller = async (context, signal) => {
  const { client, informers } = context;
  const roles = informers.of(ClusterRoles, { transform: slim });
  const queue = newQueue(context);
  // Any role may be a part of any aggregated one; there are few of those.
  const enqueue = (): void => {
    for (const role of roles.list()) if (role.aggregationRule) queue.add(role.metadata.name ?? '');
  };
  roles.on({ add: enqueue, update: enqueue, delete: enqueue });
  const work = async (name: string): Promise<undefined> => {
    const role = roles.get(undefined, name);
    if (!role?.aggregationRule) return;
    const rules = aggregated(role, roles.list());
    if (isDeepStrictEqual(rules, role.rules ?? [])) return;
    try {
      await client.patch(ClusterRoles, { name }, { rules }, { type: 'merge', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [roles], work, signal, 1);
};

/** The rules of every other role that a selector matches, in the order of selectors and names, each once. */
export function aggregated(role: ClusterRole, all: Iterable<ClusterRole>): PolicyRule[] {
  const others = [...all].filter(other => other.metadata.name !== role.metadata.name);
  others.sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    for (const other of others) {
      if (!labelSelectorMatches(selector, other.metadata.labels ?? {})) continue;
      for (const rule of other.rules ?? []) if (!rules.some(own => isDeepStrictEqual(own, rule))) rules.push(rule);
    }
  }
  return rules;
}

function slim({ metadata, aggregationRule, rules }: ClusterRole): ClusterRole {
  const { name, labels, resourceVersion } = metadata;
  return { metadata: { name, labels, resourceVersion }, ...(aggregationRule ? { aggregationRule } : {}), rules };
}
