/** The bootstrap policy as objects, made from the tables beside this file. */
import type { Subject } from '../../../api/generated/types/rbac.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { controllerRoles } from './controllers.ts';
import { roleBindings, roles } from './namespaced.ts';
import { nodeAgentRole, nodeAgentRules } from './nodeAgent.ts';
import {
  manifestsBinding,
  manifestsRole,
  manifestsUser,
  ownControllerRules,
  ownManagerRole,
  ownManagerRules,
} from './ownControllers.ts';
import { aggregateLabel, type BindingLines, clusterRoleBindings, clusterRoles, type RoleLines } from './roles.ts';
import { ruleOf } from './rule.ts';

const GROUP = 'rbac.authorization.k8s.io';
/** Set to "false" on an object, it is left as people made it. */
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/** Every object, roles before the bindings that refer to them. The caller's to change. */
export function bootstrapPolicy(): KubeObject[] {
  const all: Record<string, RoleLines> = {
    ...clusterRoles,
    [nodeAgentRole]: { rules: nodeAgentRules },
    [ownManagerRole]: { rules: ownManagerRules },
  };
  const bindings: Record<string, BindingLines> = {
    ...clusterRoleBindings,
    [nodeAgentRole]: { groups: ['system:nodes'] },
    [ownManagerRole]: { users: ['system:kube-controller-manager'] },
  };
  for (const [prefix, table] of [
    ['system:controller', controllerRoles],
    ['atoll:controller', ownControllerRules],
  ] as const)
    for (const [name, rules] of Object.entries(table)) {
      all[`${prefix}:${name}`] = { rules };
      bindings[`${prefix}:${name}`] = { serviceAccounts: [`kube-system/${name}`] };
    }
  return [
    ...Object.entries(all).map(([name, lines]) => clusterRole(name, lines, all)),
    ...Object.entries(bindings).map(([name, lines]) =>
      binding('ClusterRoleBinding', '', name, 'ClusterRole', name, lines),
    ),
    binding('ClusterRoleBinding', '', manifestsBinding, 'ClusterRole', manifestsRole, { users: [manifestsUser] }),
    ...roles.map(({ namespace, name, rules }) => ({
      ...head('Role', namespace, name),
      rules: rules.map(ruleOf),
    })),
    ...roleBindings.map(({ namespace, name, role, ...lines }) =>
      binding('RoleBinding', namespace, name, 'Role', role, lines),
    ),
  ];
}

function head(kind: string, namespace: string, name: string, labels: RoleLines['labels'] = {}): KubeObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind,
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
      annotations: { [AUTOUPDATE]: 'true' },
    },
  };
}

/** An aggregated role begins with what its controller will find, so that it is whole before that controller runs. */
function clusterRole(name: string, lines: RoleLines, all: Readonly<Record<string, RoleLines>>): KubeObject {
  const object = head('ClusterRole', '', name, lines.labels);
  const { aggregates } = lines;
  if (aggregates === undefined) return { ...object, rules: lines.rules.map(ruleOf) };
  const matchLabels = { [aggregateLabel(aggregates)]: 'true' };
  return {
    ...object,
    aggregationRule: { clusterRoleSelectors: [{ matchLabels }] },
    rules: aggregatedLines(aggregates, name, all).map(ruleOf),
  };
}

/** In the order of names, each line once, as `controllers/clusterRoleAggregation.ts` does it. */
function aggregatedLines(label: string, self: string, all: Readonly<Record<string, RoleLines>>): string[] {
  const lines = new Set<string>();
  for (const name of Object.keys(all).sort()) {
    const role = all[name];
    if (name === self || role?.labels?.[aggregateLabel(label)] !== 'true') continue;
    const own = role.aggregates === undefined ? role.rules : aggregatedLines(role.aggregates, name, all);
    for (const line of own) lines.add(line);
  }
  return [...lines];
}

function binding(
  kind: string,
  namespace: string,
  name: string,
  roleKind: string,
  role: string,
  { users = [], groups = [], serviceAccounts = [] }: BindingLines,
): KubeObject {
  const subjects: Subject[] = [
    ...users.map(user => ({ apiGroup: GROUP, kind: 'User', name: user })),
    ...groups.map(group => ({ apiGroup: GROUP, kind: 'Group', name: group })),
    ...serviceAccounts.map(account => {
      const [place = '', accountName = ''] = account.split('/');
      return { kind: 'ServiceAccount', name: accountName, namespace: place };
    }),
  ];
  return {
    ...head(kind, namespace, name),
    roleRef: { apiGroup: GROUP, kind: roleKind, name: role },
    ...(subjects.length > 0 ? { subjects } : {}),
  };
}
